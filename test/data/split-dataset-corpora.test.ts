import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { splitDataset, type Subset } from 'stmnet';

// The corpora lie beside a checkout, or not at all; the reference values are those of their splits.md.
const folder = join(__dirname, '../../../shared/data');
const lines = (text: Buffer | string): string[] =>
  text
    .toString()
    .split('\n')
    .filter((line) => line !== '');
const read = (path: string): string[] => lines(readFileSync(join(folder, path)));
const eighty = { train: 0.8, validation: 0.1, test: 0.1 };

function facts({ train, validation, test: held }: Record<'train' | 'validation' | 'test', Subset<unknown>>): unknown[] {
  const sha = createHash('sha256').update(held.indices.join()).digest('hex').slice(0, 16);
  return [train.length, validation.length, held.length, held.indices.slice(0, 5), sha];
}

describe.skipIf(!existsSync(folder))('split 1 of', () => {
  test('sms-spam', () => {
    const rows = read('sms-spam/SMSSpamCollection.tsv').map((line) => ({ label: line.split('\t')[0] ?? '' }));
    const parts = splitDataset(rows, eighty, { stratifyBy: ({ label }) => label, seed: 1 });
    expect(facts(parts)).toEqual([4458, 558, 558, [1, 8, 14, 34, 38], '453b293bca994d43']);
  });
  test('names', () => {
    const files = readdirSync(join(folder, 'names')).sort();
    const rows = files.flatMap((file) => read(`names/${file}`).map((name) => ({ name, label: file })));
    const parts = splitDataset(rows, eighty, { stratifyBy: ({ label }) => label, seed: 1 });
    expect(facts(parts)).toEqual([16_042, 2004, 2004, [2, 3, 4, 20, 22], '702d0458f3b068da']);
  });
  test('cmudict', () => {
    const words = lines(gunzipSync(readFileSync(join(folder, 'cmudict/cmudict.txt.gz'))));
    const first = words.map((line) => line.split(/\s+/)).filter(([, variant]) => variant === '1');
    const sizes = { train: 0.9, validation: 0.05, test: 0.05 };
    const parts = splitDataset(first, sizes, { groupBy: ([word = '']) => word, seed: 1 });
    expect(facts(parts)).toEqual([111_109, 6173, 6173, [8, 13, 46, 57, 73], 'b2b31a57968a635c']);
  });
  test('anki-eng-fra', () => {
    const pairs = read('anki-eng-fra/eng-fra-5000.tsv').map((line) => line.split('\t'));
    const parts = splitDataset(pairs, eighty, { groupBy: ([english = '']) => english, seed: 1 });
    expect(facts(parts)).toEqual([4024, 486, 490, [21, 47, 48, 50, 77], 'a1eee8f4847a41e2']);
  });
});
