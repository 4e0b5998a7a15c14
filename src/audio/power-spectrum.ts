import { createRequire } from 'node:module';
import type { MelFilter } from './mel-filters';

/** What is used of fft.js. */
interface Transform {
  /** Of real numbers: the first half of the spectrum, real and imaginary parts beside each other. */
  realTransform(spectrum: Float64Array, samples: Float64Array): void;
}

/** 10⁻¹⁰, of which silence has less. */
const LEAST_POWER = 1e-10;

/** Log-mel features of one frame after the other. @internal */
export class PowerSpectrum {
  readonly #filters: readonly MelFilter[];
  readonly #transform: Transform;
  readonly #window: Float64Array;
  readonly #samples: Float64Array;
  readonly #spectrum: Float64Array;

  constructor(size: { readonly fftSize: number; readonly windowLength: number }, filters: readonly MelFilter[]) {
    const { fftSize, windowLength } = size;
    // Loaded with the first spectrum, so that require('stmnet') stays quick.
    const FFT = createRequire(__filename)('fft.js') as new (length: number) => Transform;
    this.#transform = new FFT(fftSize);
    this.#filters = filters;
    // Hann's window, periodic, in the middle of the transform.
    this.#window = new Float64Array(fftSize);
    const first = Math.floor((fftSize - windowLength) / 2);
    for (let at = 0; at < windowLength; at++)
      this.#window[first + at] = 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / windowLength);
    this.#samples = new Float64Array(fftSize);
    this.#spectrum = new Float64Array(2 * fftSize);
  }

  /**
   * Writes the features of a frame.
   *
   * @param samples   as many as the transform is long, from `from` on
   * @param features  F of them, from `to` on
   */
  frame(samples: Float64Array, from: number, features: Float32Array, to: number): void {
    const [own, spectrum] = [this.#samples, this.#spectrum];
    for (let at = 0; at < own.length; at++) own[at] = (samples[from + at] ?? 0) * (this.#window[at] ?? 0);
    this.#transform.realTransform(spectrum, own);
    this.#filters.forEach(({ first, weights }, mel) => {
      let power = 0;
      for (let at = 0; at < weights.length; at++) {
        const [real = 0, imaginary = 0] = [spectrum[2 * (first + at)], spectrum[2 * (first + at) + 1]];
        power += (weights[at] ?? 0) * (real * real + imaginary * imaginary);
      }
      features[to + mel] = Math.log(Math.max(power, LEAST_POWER));
    });
  }
}
