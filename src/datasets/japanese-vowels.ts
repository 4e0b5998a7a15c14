import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ArrayDataset } from '../data/dataset';
import { codeFolder } from '../native/folders';
import type { HostArray } from '../tensor/host-array';

/** One utterance: its frames [T, 12], T from 7 to 29, and its speaker, 0 to 8. */
export interface Utterance {
  /** The frames, f32 [T, 12]. */
  input: HostArray;
  /** The speaker, 0 to 8. */
  target: number;
}

/** The two parts of the data set, as its makers divided it. */
export interface JapaneseVowels {
  /** 270 utterances, 30 of each speaker, speaker by speaker. */
  train: ArrayDataset<Utterance>;
  /** 370 utterances recorded on other occasions, 24 to 88 of each speaker, speaker by speaker. */
  test: ArrayDataset<Utterance>;
}

/** The header of the data file, which `scripts/make-japanese-vowels.py` describes. */
interface Header {
  divisor: number;
  features: number;
  train: Part;
  test: Part;
}

interface Part {
  /** Utterances of each speaker. */
  speakers: number[];
  /** Frames of each utterance. */
  lengths: number[];
}

/**
 * Japanese Vowels: nine male speakers utter /ae/, and the task is to name the speaker. An utterance is a series of 7 to
 * 29 frames of 12 LPC cepstrum coefficients, as they were published: nothing is scaled.
 *
 * M. Kudo, J. Toyama, M. Shimbo, Hokkaido University; UCI Machine Learning Repository, 1999,
 * https://doi.org/10.24432/C5NS47. Licence: CC BY 4.0.
 *
 * The data come with the package; every call reads them anew.
 */
export async function japaneseVowels(): Promise<JapaneseVowels> {
  const packed = await readFile(join(codeFolder, 'datasets', 'japanese-vowels.bin.gz'));
  const { buffer, byteOffset, byteLength } = await promisify(gunzip)(packed);
  const headerBytes = new DataView(buffer, byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, byteOffset + 4, headerBytes))) as Header;
  const frames = decodeFrames(
    new Uint8Array(buffer, byteOffset + 4 + headerBytes, byteLength - 4 - headerBytes),
    header.divisor,
  );
  const trainValues = header.features * header.train.lengths.reduce((sum, length) => sum + length, 0);
  return {
    train: utterances(frames.subarray(0, trainValues), header.features, header.train),
    test: utterances(frames.subarray(trainValues), header.features, header.test),
  };
}

/**
 * The int32 values lie in four planes, lowest bytes first; divided in double precision they are the decimals of the
 * source.
 */
function decodeFrames(planes: Uint8Array, divisor: number): Float32Array {
  const count = planes.length / 4;
  const plane = (which: number): Uint8Array => planes.subarray(which * count, (which + 1) * count);
  const [lowest, second, third, highest] = [plane(0), plane(1), plane(2), plane(3)];
  return Float32Array.from(
    { length: count },
    (_, i) =>
      ((lowest[i] ?? 0) | ((second[i] ?? 0) << 8) | ((third[i] ?? 0) << 16) | ((highest[i] ?? 0) << 24)) / divisor,
  );
}

function utterances(values: Float32Array, features: number, { lengths, speakers }: Part): ArrayDataset<Utterance> {
  const targets = speakers.flatMap((count, speaker) => Array.from({ length: count }, () => speaker));
  let begin = 0;
  const items = lengths.map((length, i) => {
    const data = values.slice(begin, begin + length * features);
    begin += data.length;
    return { input: { data, shape: [length, features] }, target: targets[i] ?? 0 };
  });
  return new ArrayDataset(items);
}
