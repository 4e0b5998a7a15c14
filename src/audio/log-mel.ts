import type { HostArray } from '../tensor/host-array';
import { checkFilters, readLogMelOptions, type LogMelOptions, type LogMelSettings } from './log-mel-options';
import { LogMelStream } from './log-mel-stream';
import { melFilters } from './mel-filters';
import { PowerSpectrum } from './power-spectrum';

/**
 * Log-mel features of sound: how loud each band of frequencies is, frame by frame, as ears tell bands apart.
 *
 *   y_tm = ln max(10⁻¹⁰, Σ_k filter_mk |FFT(window ⊙ x_t)_k|²)
 *
 * Frame t looks at the samples around t · hopLength, through a Hann window; before the first sample and behind the last
 * one is silence. The filters are triangles of area 1 on Slaney's mel scale.
 *
 *     const mel = new LogMel({ sampleRate: 16_000 });
 *     const { data, shape } = mel.transform(samples); // [T, 40]
 *
 * @throws {OptionError} if an option is unknown or out of range, or a band holds no frequency of the transform
 * @see librosa.feature.melspectrogram, whose logarithm it is
 */
export class LogMel {
  /** The options with their defaults. */
  readonly options: LogMelSettings;
  readonly #spectrum: PowerSpectrum;

  constructor(options: LogMelOptions) {
    this.options = readLogMelOptions(options);
    const filters = melFilters(this.options);
    checkFilters(this.options, filters.filter(({ weights }) => weights.length === 0).length);
    this.#spectrum = new PowerSpectrum(this.options, filters);
  }

  /** T, frames of so many samples: 1 + ⌊samples / hopLength⌋. */
  framesOf(samples: number): number {
    return 1 + Math.floor(samples / this.options.hopLength);
  }

  /**
   * The features of a recording.
   *
   * @param samples  of one channel, in -1..1
   * @returns [T, F], f32
   * @throws {OptionError} if they are no numbers in about -1..1: bytes and whole numbers of 16 bits are refused
   */
  transform(samples: ArrayLike<number>): HostArray<Float32Array> {
    const stream = this.createStream();
    const [most, end] = [stream.push(samples), stream.end()];
    const data = new Float32Array(most.data.length + end.data.length);
    data.set(most.data);
    data.set(end.data, most.data.length);
    return { data, shape: [(most.shape[0] ?? 0) + (end.shape[0] ?? 0), this.options.numMels] };
  }

  /** The same for samples that come piece by piece: the frames of all pieces are those of the whole. */
  createStream(): LogMelStream {
    return new LogMelStream(this.options, this.#spectrum);
  }
}
