import { OptionError } from '../tensor/errors';
import type { HostArray } from '../tensor/host-array';
import { checkSamples } from './check-samples';
import type { LogMelSettings } from './log-mel-options';
import type { PowerSpectrum } from './power-spectrum';

/** Log-mel features of samples that come piece by piece: `LogMel.createStream()` makes it. */
export class LogMelStream {
  readonly #options: LogMelSettings;
  readonly #spectrum: PowerSpectrum;
  /** Samples that frames to come look at; half a transform of silence before the first. */
  #waiting: Float64Array;
  #ended = false;

  /** @internal */
  constructor(options: LogMelSettings, spectrum: PowerSpectrum) {
    this.#options = options;
    this.#spectrum = spectrum;
    this.#waiting = new Float64Array(options.fftSize / 2);
  }

  /**
   * The frames that a piece completes.
   *
   * @param samples  the next ones, in -1..1, any number of them
   * @returns [T, F], T may be 0
   * @throws {OptionError} if they are no numbers in about -1..1, as bytes and 16 bits are, or `end` was called
   */
  push(samples: ArrayLike<number>): HostArray<Float32Array> {
    this.#checkOpen('push');
    checkSamples('LogMelStream.push', samples);
    return this.#take(samples);
  }

  /** The last frames, behind which silence is. @throws {OptionError} if it was called before */
  end(): HostArray<Float32Array> {
    this.#checkOpen('end');
    this.#ended = true;
    return this.#take(new Float64Array(this.#options.fftSize / 2));
  }

  #take(samples: ArrayLike<number>): HostArray<Float32Array> {
    const { fftSize, hopLength, numMels } = this.#options;
    const all = new Float64Array(this.#waiting.length + samples.length);
    all.set(this.#waiting);
    all.set(samples, this.#waiting.length);
    const frames = Math.max(Math.floor((all.length - fftSize) / hopLength) + 1, 0);
    const data = new Float32Array(frames * numMels);
    for (let frame = 0; frame < frames; frame++) this.#spectrum.frame(all, frame * hopLength, data, frame * numMels);
    this.#waiting = all.slice(frames * hopLength);
    return { data, shape: [frames, numMels] };
  }

  #checkOpen(verb: string): void {
    if (!this.#ended) return;
    throw new OptionError(`LogMelStream.${verb}`, {
      given: 'a stream that was ended',
      expected: 'one that goes on',
      fix: 'make a stream for each recording: mel.createStream()',
    });
  }
}
