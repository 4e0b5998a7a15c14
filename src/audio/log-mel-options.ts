import { OptionError } from '../tensor/errors';
import { describe, nonNegativeNumber, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';

/** Options of a LogMel. */
export interface LogMelOptions {
  /** Samples a second. */
  sampleRate: number;
  /** F, bands of frequencies. Default 40. */
  numMels?: number;
  /** Samples that a frame looks at. Default 25 ms. */
  windowLength?: number | undefined;
  /** Samples from frame to frame. Default 10 ms. */
  hopLength?: number | undefined;
  /** Size of the Fourier transform, a power of two. Default the least one that a window fits in. */
  fftSize?: number | undefined;
  /** Lowest frequency, in Hz. Default 0. */
  fMin?: number;
  /** Highest frequency, in Hz, at most half of sampleRate. Default that. */
  fMax?: number | undefined;
}

/** The options with their defaults. */
export type LogMelSettings = Readonly<Record<keyof LogMelOptions, number>>;

const op = 'LogMel';

/** Reads the options. @throws {OptionError} if one is unknown or out of range, or they do not go together */
export function readLogMelOptions(options: LogMelOptions): LogMelSettings {
  const read = readOptions(op, options, {
    sampleRate: positiveInteger,
    numMels: withDefault(positiveInteger, 40),
    windowLength: optional(positiveInteger),
    hopLength: optional(positiveInteger),
    fftSize: optional(positiveInteger),
    fMin: withDefault(nonNegativeNumber, 0),
    fMax: optional(nonNegativeNumber),
  });
  const { sampleRate, numMels, fMin, fMax = sampleRate / 2 } = read;
  const { windowLength = Math.max(Math.round(0.025 * sampleRate), 2) } = read;
  const { hopLength = Math.max(Math.round(0.01 * sampleRate), 1) } = read;
  const { fftSize = Math.max(2 ** Math.ceil(Math.log2(windowLength)), 4) } = read;
  const settings = Object.freeze({ sampleRate, numMels, windowLength, hopLength, fftSize, fMin, fMax });
  checkTogether(settings);
  return settings;
}

function checkTogether(settings: LogMelSettings): void {
  const { sampleRate, windowLength, hopLength, fftSize, fMin, fMax } = settings;
  if (fftSize < 4 || !Number.isInteger(Math.log2(fftSize)))
    throw new OptionError(op, {
      given: `fftSize: ${fftSize}`,
      expected: 'a power of two of at least 4',
      fix: 'leave it out: the least one that a window fits in is taken',
    });
  if (windowLength > fftSize)
    throw new OptionError(op, {
      given: `windowLength: ${windowLength} with fftSize: ${fftSize}`,
      expected: 'a window that fits into the transform',
      fix: 'leave fftSize out, or pass a shorter window',
    });
  if (hopLength > fftSize)
    throw new OptionError(op, {
      given: `hopLength: ${hopLength} with fftSize: ${fftSize}`,
      expected: 'frames that leave no sample out',
      fix: 'pass a shorter hop, as of 10 ms',
    });
  if (fMin < fMax && fMax <= sampleRate / 2) return;
  throw new OptionError(op, {
    given: `fMin: ${describe(fMin)}, fMax: ${describe(fMax)} of ${sampleRate} samples a second`,
    expected: `0 ≤ fMin < fMax ≤ ${sampleRate / 2}, half of the sample rate`,
    fix: 'leave them out, or pass frequencies in Hz',
  });
}

/** Refuses bands of which some hold nothing. @param empty  how many @throws {OptionError} if there are some */
export function checkFilters({ numMels, fftSize, sampleRate }: LogMelSettings, empty: number): void {
  if (empty === 0) return;
  throw new OptionError(op, {
    given: `numMels: ${numMels} with fftSize: ${fftSize} at ${sampleRate} samples a second`,
    expected: `bands that hold a frequency of the transform each, which ${empty} of these do not`,
    fix: `pass fewer numMels, or fftSize: ${2 * fftSize}`,
  });
}
