import { flag, positiveInteger, probability } from '../tensor/options';
import { optional, withDefault, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';

/** Options of a SpeechRecognizer. */
export interface SpeechRecognizerOptions extends EncoderOptions {
  /** Samples a second of all recordings. Default: that of the first one of training. */
  sampleRate?: number | undefined;
  /** Bands of frequencies that a frame is divided into, see LogMel. Default 40. */
  numMels?: number;
  /** Frames of 10 ms that are read as one step: quicker, with less time for letters in a row. Default 2. */
  stack?: number;
  /** Whether training hides parts of the recordings, see SpecAugment. Default true. */
  augment?: boolean;
  /** How many beginnings of a text a search goes on with; 1 takes the most probable letter of each step. Default 1. */
  beamSize?: number;
  /** Whether transcripts are written in small letters. Default true. */
  lowercase?: boolean;
}

/** The options with their defaults; `sampleRate` is undefined where it was left out. */
export interface SpeechRecognizerSettings extends Required<Omit<SpeechRecognizerOptions, 'sampleRate'>> {
  /** Samples a second. */
  sampleRate: number | undefined;
}

/** Readers of the options. */
export const speechReaders: Readers<SpeechRecognizerSettings> = {
  ...encoderReaders(true),
  numLayers: withDefault(positiveInteger, 2),
  dropout: withDefault(probability, 0.3),
  sampleRate: optional(positiveInteger),
  numMels: withDefault(positiveInteger, 40),
  stack: withDefault(positiveInteger, 2),
  augment: withDefault(flag, true),
  beamSize: withDefault(positiveInteger, 1),
  lowercase: withDefault(flag, true),
};
