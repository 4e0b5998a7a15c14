import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FileError, OptionError, readTable, readWav, type Recording } from 'stmnet';
import { dataPath, testWithData } from '../../support/shared-data';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

interface Wav {
  /** 1 PCM, 3 floats. */
  format?: number;
  bits?: number;
  channels?: number;
  rate?: number;
  extensible?: boolean;
  /** Chunks before the samples. */
  before?: Buffer[];
  data?: Buffer;
}

function chunk(name: string, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(data.length, 4);
  return Buffer.concat([header, data, Buffer.alloc(data.length % 2)]);
}

function fmt({ format = 1, bits = 16, channels = 1, rate = 8000, extensible = false }: Wav): Buffer {
  const data = Buffer.alloc(extensible ? 40 : 16);
  data.writeUInt16LE(extensible ? 0xfffe : format, 0);
  data.writeUInt16LE(channels, 2);
  data.writeUInt32LE(rate, 4);
  data.writeUInt32LE((rate * channels * bits) / 8, 8);
  data.writeUInt16LE((channels * bits) / 8, 12);
  data.writeUInt16LE(bits, 14);
  if (!extensible) return chunk('fmt ', data);
  data.writeUInt16LE(22, 16);
  data.writeUInt16LE(bits, 18);
  data.writeUInt16LE(format, 24);
  data.write('000000001000800000aa00389b71', 26, 'hex');
  return chunk('fmt ', data);
}

const riff = (...chunks: Buffer[]): Buffer => {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk('RIFF', body).subarray(0, 8 + body.length);
};
const wav = (given: Wav): Buffer =>
  riff(...(given.before ?? []), fmt(given), chunk('data', given.data ?? Buffer.from('00000080ff7f', 'hex')));

const read = (given: Wav | Buffer, mono = true): Promise<Recording> =>
  readWav(file('sound.wav', Buffer.isBuffer(given) ? given : wav(given)), { mono });
const refused = (given: Wav | Buffer): Promise<string> =>
  refusal(readWav(file('sound.wav', Buffer.isBuffer(given) ? given : wav(given))));

/** Bytes of samples in a coding. */
function coded(
  values: readonly number[],
  bytes: number,
  write: (data: Buffer, value: number, at: number) => void,
): Buffer {
  const data = Buffer.alloc(values.length * bytes);
  values.forEach((value, index) => write(data, value, index * bytes));
  return data;
}

describe('samples', () => {
  const whole = (bytes: number, ...values: number[]): Buffer =>
    coded(values, bytes, (data, value, at) => data.writeIntLE(value, at, bytes));
  const codings: readonly (readonly [string, Wav, readonly number[]])[] = [
    ['8 bits', { bits: 8, data: Buffer.of(0, 128, 255, 192) }, [-1, 0, 127 / 128, 0.5]],
    ['16 bits', { bits: 16, data: whole(2, -32768, 0, 32767, 16384) }, [-1, 0, 32767 / 32768, 0.5]],
    ['24 bits', { bits: 24, data: whole(3, -(2 ** 23), 0, 2 ** 23 - 1, 2 ** 22) }, [-1, 0, 1 - 2 ** -23, 0.5]],
    ['32 bits', { bits: 32, data: whole(4, -(2 ** 31), 0, 2 ** 31 - 128, 2 ** 30) }, [-1, 0, 1 - 2 ** -24, 0.5]],
    [
      'floats of 32 bits',
      { format: 3, bits: 32, data: coded([-1, 0, 1.5, 0.25], 4, (data, value, at) => data.writeFloatLE(value, at)) },
      [-1, 0, 1.5, 0.25],
    ],
    [
      'floats of 64 bits',
      { format: 3, bits: 64, data: coded([-1, 0, 1e-3, 0.25], 8, (data, value, at) => data.writeDoubleLE(value, at)) },
      [-1, 0, Math.fround(1e-3), 0.25],
    ],
  ];
  test.each(codings)('of %s', async (_, given, expected) => {
    for (const extensible of [false, true])
      expect(await read({ ...given, rate: 44_100, extensible })).toEqual({
        samples: Float32Array.from(expected),
        sampleRate: 44_100,
        channels: 1,
      });
  });

  test('of several channels are mixed, or stand beside each other', async () => {
    const stereo: Wav = { channels: 2, data: whole(2, 16384, 0, -32768, 16384) };
    expect(await read(stereo)).toEqual({ samples: Float32Array.of(0.25, -0.25), sampleRate: 8000, channels: 1 });
    expect(await read(stereo, false)).toEqual({
      samples: Float32Array.of(0.5, 0, -1, 0.5),
      sampleRate: 8000,
      channels: 2,
    });
  });

  test('are found behind other chunks, in files with more at the end, and packed', async () => {
    const before = [chunk('LIST', Buffer.from('odd')), chunk('fact', Buffer.alloc(4))];
    const expected = { samples: Float32Array.of(0, -1, 32767 / 32768), sampleRate: 8000, channels: 1 };
    expect(await read({ before })).toEqual(expected);
    expect(await read(Buffer.concat([wav({}), Buffer.from('more')]))).toEqual(expected);
    expect(await read(gzipSync(wav({})))).toEqual(expected);
    expect((await read({ data: Buffer.alloc(0) })).samples).toHaveLength(0);
    const wrong = wav({});
    wrong.writeUInt32LE(0, 4); // as a program leaves it that was stopped
    expect(await read(wrong)).toEqual(expected);
  });
});

describe('what is refused', () => {
  test('is named with what is wrong', async () => {
    expect(await refused(Buffer.alloc(0))).toContain('got sound.wav, which is empty, expected a WAV file');
    expect(await refused(Buffer.from('ID3\u0004 this is an MP3'))).toBe(
      'FormatError: readWav: got sound.wav, which is no WAV, expected a WAV file, which begins ' +
        "with 'RIFF' and 'WAVE'.\n" +
        '  Fix: convert it, as by ffmpeg -i FILE -c:a pcm_s16le OUT.wav.',
    );
    expect(await refused(Buffer.from('RF64\xff\xff\xff\xffWAVE', 'latin1'))).toContain('the form RF64 of WAV');
    expect(await refused({ format: 7, bits: 8 })).toContain('which holds μ-law of 8 bits, expected PCM of 8, 16, 24');
    expect(await refused({ bits: 12 })).toContain('which holds PCM of 12 bits');
    expect(await refused({ format: 3, bits: 16 })).toContain('which holds floats of 16 bits');
    expect(await refused({ format: 0x1234 })).toContain('which holds format 4660 of 16 bits');
  });

  test('headers that contradict themselves', async () => {
    expect(await refused({ channels: 0 })).toContain('got 0 channels, 8000 frames a second in sound.wav');
    expect(await refused({ rate: 0 })).toContain('got 1 channels, 0 frames a second');
    const [format, data] = [fmt({}), chunk('data', Buffer.alloc(4))];
    format.writeUInt16LE(3, 20);
    expect(await refused(riff(format, data))).toContain('got frames of 3 bytes in sound.wav, expected 2: 1 × 16 bits');
    expect(await refused(riff(chunk('fmt ', Buffer.alloc(14)), data))).toContain("got a chunk 'fmt ' of 14 bytes");
    const unknown = fmt({ extensible: true });
    unknown.write('ff', 8 + 30, 'hex');
    expect(await refused(riff(unknown, data))).toContain('WAVE_FORMAT_EXTENSIBLE without a known identifier');
    expect(await refused({ data: Buffer.alloc(5) })).toContain(
      'got 5 bytes of samples in sound.wav, expected a multiple of 2',
    );
    expect(await refused(riff(data, fmt({})))).toContain("a chunk 'data' before any 'fmt '");
    expect(await refused(riff(fmt({})))).toContain("got no chunk 'data' in sound.wav");
    expect(await refused(riff())).toContain("got no chunk 'fmt '");
  });

  test('files that are cut off anywhere', async () => {
    const whole = wav({ extensible: true, before: [chunk('LIST', Buffer.alloc(10))], data: Buffer.alloc(20) });
    for (let length = 0; length < whole.length; length++)
      expect(await refused(whole.subarray(0, length))).toMatch(/readWav: got .* (in|which is) .*expected/s);
    const announced = wav({ data: Buffer.alloc(20) });
    announced.writeUInt32LE(0xffffffff, 40);
    expect(await refused(announced)).toContain(
      "got 20 of the 4294967295 bytes that chunk 'data' announces in sound.wav",
    );
  });

  test('samples that are no finite numbers', async () => {
    const floats = (value: number): Wav => ({
      format: 3,
      bits: 64,
      data: coded([0, value], 8, (data, sample, at) => data.writeDoubleLE(sample, at)),
    });
    expect(await refused(floats(Number.NaN))).toContain('got NaN as sample 1 in sound.wav');
    expect(await refused(floats(1e300))).toContain('got Infinity as sample 1');
  });

  test('paths and options that are none', async () => {
    await expect(readWav(dataPath('none.wav'))).rejects.toThrow(FileError);
    expect(await refusal(readWav('/dev/zero'))).toContain('got /dev/zero, which is no WAV'); // at once
    await expect(readWav('')).rejects.toThrow(OptionError);
    await expect(readWav('a.wav', { stereo: true } as object)).rejects.toThrow(/got an option stereo/);
    await expect(readWav('a.wav', { mono: 1 } as object)).rejects.toThrow(/true or false for mono/);
  });
});

testWithData('fsdd: every WAV file is its part of the pack', ['fsdd/index.tsv'], async ([index]) => {
  const pack = gunzipSync(await readFile(dataPath('fsdd/pcm_s16le_8khz.bin.gz')));
  const rows = await readTable(index, { types: { offset: 'integer', samples: 'integer' } });
  expect(rows).toHaveLength(3000);
  const zero = rows.filter((row) => row['speaker'] === 'george' && row['take'] === '0');
  expect(zero).toHaveLength(10);
  for (const { digit, offset, samples: count } of zero) {
    const { samples, sampleRate, channels } = await readWav(dataPath(`fsdd/wav-samples/${digit}_george_0.wav`));
    const expected = Float32Array.from({ length: count }, (_, at) => pack.readInt16LE(2 * (offset + at)) / 32768);
    expect({ samples, sampleRate, channels }).toEqual({ samples: expected, sampleRate: 8000, channels: 1 });
  }
});
