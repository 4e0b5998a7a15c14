import { OptionError } from '../tensor/errors';
import { samplesFault } from '../audio/check-samples';
import { describe, isPlainObject } from '../tensor/options';
import { placedAs } from './example-place';
import { wrongExample } from './examples';
import type { InputFault } from './input-fault';
import { plainTranscript } from './plain-transcript';

/** Sound as numbers, such as `readWav` gives. */
export interface SpokenSamples {
  /** Of one channel, in -1..1. */
  readonly samples: ArrayLike<number>;
  /** Samples a second. */
  readonly sampleRate: number;
  /** Channels: 1. */
  readonly channels?: number | undefined;
}

/** A recording in a file. */
export interface SpokenFile {
  /** Of a WAV file. */
  readonly path: string;
}

/** What is recognised: the path of a WAV file, or samples. */
export type SpeechInput = string | SpokenSamples;

/** A recording, as samples or as a WAV file, and what is said in it. */
export type SpeechExample = (SpokenSamples | SpokenFile) & {
  /** What is said. */
  readonly transcript: string;
};

/** A checked example. */
export interface Spoken {
  readonly input: SpeechInput;
  readonly transcript: string;
}

/** How an example looks. */
export const SPEECH_FORM = "{ path: 'seven.wav', transcript: 'seven' } or { samples, sampleRate, transcript }";

/** Checks one example. @throws {OptionError} naming its place, if it is not of the form */
export function spokenExample(op: string, example: unknown, place: number, lowercase: boolean): Spoken {
  if (!isPlainObject(example)) throw wrongExample(op, place, describe(example), SPEECH_FORM);
  const { path, transcript } = example;
  if (typeof transcript !== 'string')
    throw wrongExample(
      op,
      place,
      transcript === undefined ? 'no transcript' : `transcript: ${describe(transcript)}`,
      SPEECH_FORM,
    );
  if (path !== undefined && typeof path !== 'string')
    throw wrongExample(op, place, `path: ${describe(path)}`, SPEECH_FORM);
  const sound: unknown = path ?? example;
  const fault = inputFaultOf(sound);
  if (fault !== undefined) throw wrongExample(op, place, fault, SPEECH_FORM);
  const input = sound as SpeechInput;
  return placedAs({ input, transcript: plainTranscript(transcript, lowercase) }, example);
}

/** Recordings to be recognised. @throws {OptionError} naming the place of what is none */
export function checkSpeech(op: string, inputs: readonly unknown[]): readonly SpeechInput[] {
  inputs.forEach((input, place) => {
    const fault = inputFaultOf(input);
    if (fault === undefined) return;
    throw new OptionError(op, {
      given: `${fault} as recording ${place}`,
      expected: 'the path of a WAV file, or { samples, sampleRate } of one channel',
      fix: "pass such as predict('seven.wav') or predict(await readWav('seven.wav'))",
    });
  });
  return inputs as readonly SpeechInput[];
}

/** What is wrong with an input that came as JSON: a client names no files of the server. */
export function speechFault(input: unknown): InputFault | undefined {
  const fault = typeof input === 'string' ? describe(input) : inputFaultOf(input);
  if (fault === undefined) return undefined;
  return {
    given: fault,
    expected: 'samples in -1..1 of one channel, and how many there are a second',
    fix: 'send {"input": {"samples": [0, 0.1, …], "sampleRate": 8000}}',
  };
}

/** What is wrong with an input, in words. */
function inputFaultOf(input: unknown): string | undefined {
  if (typeof input === 'string') return input === '' ? 'an empty path' : undefined;
  if (!isPlainObject(input)) return describe(input);
  const { samples, sampleRate, channels = 1 } = input;
  if (samples === undefined) return 'no samples';
  if (typeof sampleRate !== 'number' || !Number.isSafeInteger(sampleRate) || sampleRate < 1)
    return sampleRate === undefined ? 'no sampleRate' : `sampleRate: ${describe(sampleRate)}`;
  if (channels !== 1) return `channels: ${describe(channels)}, which readWav mixes unless it is told mono: false,`;
  return samplesFault(samples);
}
