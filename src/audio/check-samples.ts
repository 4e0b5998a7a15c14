import { OptionError } from '../tensor/errors';
import { describe, isNumberList } from '../tensor/options';

/** The largest magnitude of samples that are a part of full scale. */
const MOST = 8;

/** Of whole numbers alone, as bytes of a file or what a converter of 16 bits gives. */
const areWhole = (samples: unknown): samples is NodeJS.TypedArray =>
  ArrayBuffer.isView(samples) && !(samples instanceof Float32Array) && !(samples instanceof Float64Array);

/** What is wrong with samples of one channel, in words; undefined if they are numbers in about -1..1. */
export function samplesFault(samples: unknown): string | undefined {
  if (!isNumberList(samples)) return samples === undefined ? 'no samples' : `samples: ${describe(samples)}`;
  if (areWhole(samples)) return `samples: ${describe(samples)}, whole numbers,`;
  for (let at = 0; at < samples.length; at++) {
    const value = samples[at];
    if (typeof value !== 'number' || !Number.isFinite(value)) return `${describe(value)} as sample ${at}`;
    if (Math.abs(value) > MOST) return `${value} as sample ${at}, as of whole numbers that were not divided by 32768,`;
  }
  return undefined;
}

/** Refuses what are no samples. @throws {OptionError} saying how to make some of it */
export function checkSamples(op: string, samples: unknown): asserts samples is ArrayLike<number> {
  const fault = samplesFault(samples);
  if (fault === undefined) return;
  const expected = 'finite numbers in -1..1, samples of one channel';
  throw new OptionError(op, { given: fault.replace(/,$/, ''), expected, fix: fixOf(samples) });
}

function fixOf(samples: unknown): string {
  const scaled = (whole: string): string =>
    `divide by full scale, as of 16 bits: Float32Array.from(${whole}, (sample) => sample / 32768)`;
  if (samples instanceof Uint8Array) return scaled('new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)');
  if (areWhole(samples)) return scaled('samples');
  return 'pass such as readWav(path) gives: parts of full scale, without what is damaged';
}
