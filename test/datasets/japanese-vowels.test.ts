import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { japaneseVowels } from 'stmnet/datasets';
import type { Dataset } from 'stmnet';
import type { Utterance } from 'stmnet/datasets';

const items = (set: Dataset<Utterance>): Utterance[] => Array.from({ length: set.length }, (_, i) => set.at(i));

describe('japaneseVowels', () => {
  test('has the published split: 270 and 370 utterances of 7 to 29 frames, by speaker', async () => {
    const { train, test: held } = await japaneseVowels();
    const perSpeaker = (set: Dataset<Utterance>): number[] =>
      Array.from({ length: 9 }, (_, speaker) => items(set).filter(({ target }) => target === speaker).length);
    expect(perSpeaker(train)).toEqual([30, 30, 30, 30, 30, 30, 30, 30, 30]);
    expect(perSpeaker(held)).toEqual([31, 35, 88, 44, 29, 24, 40, 50, 29]);
    for (const [set, longest] of [
      [train, 26],
      [held, 29],
    ] as const) {
      const lengths = items(set).map(({ input }) => input.shape[0] ?? 0);
      expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([7, longest]);
      expect(
        items(set).every(
          ({ input }) =>
            input.shape.length === 2 && input.shape[1] === 12 && input.data.length === (input.shape[0] ?? 0) * 12,
        ),
      ).toBe(true);
    }
  });

  test('holds the numbers of the source as float32', async () => {
    const { train, test: held } = await japaneseVowels();
    const first = [
      1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167, -0.277557, 0.025668, 0.126701, -0.306756,
      -0.213076, 0.088728,
    ];
    expect([...train.at(0).input.data.subarray(0, 12)]).toEqual(first.map(Math.fround));
    // Made from the source itself: numpy.float32 of every number of ae.train.txt, then of ae.test.txt, without the
    // closing frames; one -0.000000 counts as 0.
    const hash = createHash('sha256');
    for (const { input } of [...items(train), ...items(held)])
      hash.update(new Uint8Array(input.data.buffer, input.data.byteOffset, input.data.byteLength));
    expect(hash.digest('hex')).toBe('f4e9490b1d6bf2010c017a59ae028910153bb3c6406716e6f29d9e27b62aa5c4');
  });

  test('gives every caller arrays of its own', async () => {
    const [one, other] = await Promise.all([japaneseVowels(), japaneseVowels()]);
    one.train.at(0).input.data.fill(0);
    expect(other.train.at(0).input.data[0]).toBe(Math.fround(1.860936));
    expect(one.train.at(1).input.data[0]).not.toBe(0);
  });
});
