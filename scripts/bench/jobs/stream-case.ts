import type { JobOptions } from '../turns/protocol';

/** What a job of a stream is made of. */
export interface StreamOptions extends JobOptions {
  /** I and H of two layers. */
  readonly size: number;
  /** Milliseconds between a step and the next. */
  readonly pause: number;
  /** Whether the weights have 8 bits. */
  readonly quantized?: boolean;
}

/** After so many steps all sides must have the same output. */
export const STEPS_COMPARED = 20;
