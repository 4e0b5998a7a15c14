import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from 'stmnet';
import { expect, test } from 'vitest';
import { figureIn, keepResults, keptResults } from '../../src/cli/kept-results';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('kept-results');
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('reads what was kept, null as NaN, and nothing where there is no file', async () => {
  const kept = { options: { epochs: 3 }, examples: { train: '1f' }, results: [0.5, null] };
  const file = put('kept.json', JSON.stringify(kept));
  expect(await keptResults(file, figureIn)).toEqual({ ...kept, results: [0.5, Number.NaN] });
  expect(await keptResults(join(folder, 'none.json'), figureIn)).toBeUndefined();
});

test('figures that JSON has no number for are read as they were written', async () => {
  const results = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e-300];
  const kept = { options: { name: 'NaN' }, examples: {}, results };
  const file = join(folder, 'odd.json');
  await keepResults('test', file, kept);
  expect(await keptResults(file, figureIn)).toEqual(kept);
});

test.each([
  ['[]', 'options is undefined, expected an object'],
  ['{ "options": {}, "results": [] }', 'examples is undefined, expected an object'],
  ['{ "options": {}, "examples": { "train": 3 }, "results": [] }', 'examples.train is 3, expected a text'],
  ['{ "options": {}, "examples": {}, "results": [1, "x"] }', 'results[1] is "x", expected a number'],
])('%s is damaged', async (text, reason) => {
  const file = put('damaged.json', text);
  await expect(keptResults(file, figureIn)).rejects.toThrow(`${file} is damaged: ${reason}`);
});

test('a file that breaks off is damaged, too', async () => {
  const file = put('half.json', '{ "options"');
  await expect(keptResults(file, figureIn)).rejects.toThrow(
    /^stmnet: got \S+half\.json, which is no JSON: .*\n {2}Fix: remove it, or name another folder as --output\.$/,
  );
});

test('a file that the system does not let us read is not damaged', async () => {
  mkdirSync(join(folder, 'folder.json'));
  symlinkSync('loop.json', join(folder, 'loop.json'));
  for (const [name, code] of [
    ['folder.json', 'EISDIR'],
    ['loop.json', 'ELOOP'],
  ] as const) {
    const failed = keptResults(join(folder, name), figureIn);
    await expect(failed).rejects.toThrow(FileError);
    await expect(failed).rejects.toMatchObject({ code });
  }
});
