import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { load, loadCheckpoint, loadExtras, loadSafetensors, Linear } from 'stmnet';
import { fileMaker, refusal } from '../support/text-file';

const file = fileMaker();
const SAVED = 'give the path of a file that save() or saveSafetensors() wrote';
const WEIGHTS = 'write its arrays in Python: safetensors.numpy.save_file(arrays, path), which loadSafetensors() reads';

const kinds: [name: string, contents: string | Uint8Array, given: string, fix: string][] = [
  ['x.csv', 'a;b;c\n1;2;3\n', 'a text that begins with "a;b;c\\n1;"', `${SAVED}; read tables by readTable()`],
  ['rows.jsonl', '{"text":"x"}\n', 'a text that begins with "{\\"text\\":"', `${SAVED}; read it by readJsonLines()`],
  ['notes.md', '# About it', 'a text that begins with "# About "', SAVED],
  ['model.pkl', Buffer.from('80049500000000000000', 'hex'), 'a pickle of Python', WEIGHTS],
  ['model.h5', Buffer.from('894844460d0a1a0a00', 'hex'), 'an HDF5 file, as Keras writes (.h5),', WEIGHTS],
  ['x.npy', Buffer.from('934e554d50590100', 'hex'), 'a NumPy array (.npy)', WEIGHTS],
  ['x.safetensors.gz', gzipSync('x'), 'a file packed by gzip', 'unpack it first'],
];

describe('what a file is that is no safetensors file', () => {
  test.each(kinds)('%s', async (name, contents, given, fix) => {
    expect(await refusal(load(file(name, contents)))).toBe(
      `FormatError: load: got ${given} in ${name}, expected a safetensors file.\n  Fix: ${fix}.`,
    );
  });

  test('whoever reads it', async () => {
    const path = file('x.tsv', 'label\ttext\n');
    const model = new Linear({ inFeatures: 1, outFeatures: 1 });
    for (const read of [loadSafetensors, loadExtras, (from: string) => loadCheckpoint(from, { model })])
      expect(await refusal(read(path))).toContain(`got a text that begins with "label\\tte" in x.tsv, expected`);
  });

  test('bytes that are none of these stay a header of an odd length', async () => {
    expect(await refusal(load(file('x.bin', new Uint8Array(20).fill(200))))).toContain('load: got a header of 1446');
  });
});
