import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { LogMel, type LogMelOptions } from 'stmnet';

interface Reference {
  readonly options: Required<LogMelOptions> & { readonly sampleRate: number };
  readonly features: readonly (readonly number[])[];
}
/** By scripts/log-mel-references.py. */
const { cases } = JSON.parse(readFileSync(join(__dirname, 'fixtures', 'log-mel.json'), 'utf8')) as {
  readonly cases: readonly Reference[];
};

/** A tone that rises, and noise. */
function sound(sampleRate: number): Float64Array {
  let x = 1;
  return Float64Array.from({ length: 1500 }, (_, at) => {
    x = (16_807 * x) % (2 ** 31 - 1);
    const time = at / sampleRate;
    return 0.5 * Math.sin(2 * Math.PI * (200 + 4000 * time) * time) + 0.1 * (x / (2 ** 31 - 1) - 0.5);
  });
}

/** The greatest distance of features from those that are right. */
const distance = (data: Float32Array, right: readonly (readonly number[])[]): number =>
  right.flat().reduce((most, value, at) => Math.max(most, Math.abs(value - (data[at] ?? Number.NaN))), 0);

describe.each(cases)('features at $options.sampleRate samples a second', ({ options, features }) => {
  const mel = new LogMel(options);
  const samples = sound(options.sampleRate);

  it('are those of librosa', () => {
    const { data, shape } = mel.transform(samples);
    expect(shape).toEqual([features.length, options.numMels]);
    expect(mel.framesOf(samples.length)).toBe(features.length);
    expect(distance(data, features)).toBeLessThan(1e-5);
  });

  it('are the same to the bit where samples come piece by piece', () => {
    const stream = mel.createStream();
    const pieces = [0, 1, 7, 100, 101, 1000, 1500].map((from, at, all) =>
      at + 1 === all.length ? stream.end() : stream.push(samples.subarray(from, all[at + 1])),
    );
    expect(pieces.flatMap(({ data }) => Array.from(data))).toEqual(Array.from(mel.transform(samples).data));
    for (const { data, shape } of pieces) expect(data.length).toBe((shape[0] ?? 0) * options.numMels);
  });
});

test('windows of 25 ms each 10 ms, of silence the least power', () => {
  const mel = new LogMel({ sampleRate: 16_000 });
  expect(mel.options).toEqual({
    sampleRate: 16_000,
    numMels: 40,
    windowLength: 400,
    hopLength: 160,
    fftSize: 512,
    fMin: 0,
    fMax: 8000,
  });
  const { data, shape } = mel.transform(new Float32Array(0));
  expect(shape).toEqual([1, 40]);
  expect(new Set(data)).toEqual(new Set([Math.fround(Math.log(1e-10))]));
});

describe('what is refused', () => {
  it.each<[object, string]>([
    [{}, 'sampleRate: undefined'],
    [{ sampleRate: 8000, mels: 3 }, 'got an option mels'],
    [{ sampleRate: 8000, fftSize: 200 }, 'got fftSize: 200, expected a power of two'],
    [{ sampleRate: 8000, fftSize: 128 }, 'got windowLength: 200 with fftSize: 128'],
    [{ sampleRate: 8000, hopLength: 300 }, 'got hopLength: 300 with fftSize: 256'],
    [{ sampleRate: 8000, fMax: 5000 }, 'expected 0 ≤ fMin < fMax ≤ 4000, half of the sample rate'],
    [{ sampleRate: 8000, fMin: 900, fMax: 900 }, 'got fMin: 900, fMax: 900 of 8000 samples a second'],
    [{ sampleRate: 8000, numMels: 200 }, 'pass fewer numMels, or fftSize: 512'],
  ])('options %o', (options, message) => {
    expect(() => new LogMel(options as LogMelOptions)).toThrow(message);
  });

  it('samples that are none, and a stream that was ended', () => {
    const mel = new LogMel({ sampleRate: 8000 });
    expect(() => mel.transform('sound' as never)).toThrow('LogMelStream.push: got samples: "sound"');
    expect(() => mel.transform([0, Number.NaN])).toThrow('got NaN as sample 1, expected finite numbers');
    expect(() => mel.transform(Int16Array.from([1]))).toThrow('whole numbers, expected finite numbers in -1..1');
    expect(() => mel.createStream().push(Buffer.from([1, 2]))).toThrow('Fix: divide by full scale');
    const stream = mel.createStream();
    stream.end();
    expect(() => stream.push([0])).toThrow('LogMelStream.push: got a stream that was ended');
    expect(() => stream.end()).toThrow('make a stream for each recording: mel.createStream()');
  });
});
