import { Linear } from '../layers/linear';
import type { Sequential, SequentialState } from '../layers/sequential';
import { SpecAugment } from '../layers/spec-augment';
import { Standardize } from '../layers/standardize';
import { Module } from '../module/module';
import { reshape } from '../tensor/ops/shape';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';

/** Options of a SpeechNetwork: those of its parts. */
export interface SpeechNetworkOptions {
  /** F, features of a frame. */
  numMels: number;
  /** Frames of a step. */
  stack: number;
  /** C, letters and the blank. */
  classes: number;
  /** Whether training hides parts of the frames. */
  augment: boolean;
  /** Of the recurrent layers. */
  encoder: Required<EncoderOptions>;
}

/** What a SpeechNetwork says of some frames. */
export interface SpeechPiece {
  /** A score of each letter, and of none, at each step. */
  readonly output: Sequence;
  /** Of the recurrent layers after them. */
  readonly state: SequentialState;
}

/** The model of a SpeechRecognizer: frames → recurrent layers → a score of each letter, and of none, at each step. */
export class SpeechNetwork extends Module {
  /** What it was made with. */
  readonly options: SpeechNetworkOptions;
  /** Takes each band to mean 0 and deviation 1. */
  readonly standardize: Standardize;
  /** Hides parts of the frames. */
  readonly augment: SpecAugment | undefined;
  /** The recurrent layers. */
  readonly encoder: Sequential;
  /** Scores of the letters; the first one is that of none. */
  readonly head: Linear;

  constructor(options: SpeechNetworkOptions) {
    super();
    this.options = options;
    const { numMels, stack, classes, augment, encoder } = options;
    this.standardize = new Standardize({ numFeatures: numMels });
    this.augment = augment ? new SpecAugment({ maxFrequencyMask: Math.ceil(numMels / 5) }) : undefined;
    this.encoder = recurrentEncoder(numMels * stack, encoder);
    this.head = new Linear({ inFeatures: encodedSize(encoder), outFeatures: classes });
  }

  /**
   * Scores of the letters, before softmax.
   *
   * @param frames  [N, T, F], lengths and T whole multiples of `stack`
   * @returns [N, T / stack, C]
   */
  forward(frames: Sequence): Sequence {
    return this.head.forward(this.encoder.forward(this.#steps(frames)));
  }

  /**
   * The same from a state on.
   *
   * @param state  what the call before has returned; undefined at the start
   */
  next(frames: Tensor, state: SequentialState | undefined): SpeechPiece {
    const { output, state: after } = this.encoder.forward(this.#steps(frames), state);
    return { output: this.head.forward(output), state: after };
  }

  #steps(frames: Sequence): Sequence {
    const even = this.standardize.forward(frames);
    return stacked(this.augment?.forward(even) ?? even, this.options.stack);
  }
}

/** Frames beside each other as one step: [N, T, F] → [N, T / stack, stack · F]. */
function stacked(frames: Sequence, stack: number): Sequence {
  if (stack === 1) return frames;
  const [rows = 0, count = 0, features = 0] = frames.shape;
  const together = (values: Tensor): Tensor => reshape(values, [rows, count / stack, stack * features]);
  if (!(frames instanceof PaddedSequence)) return together(frames);
  const lengths = frames.lengths.map((length) => length / stack);
  return PaddedSequence.zeroPadded(together(frames.zeroPadding().values), lengths);
}
