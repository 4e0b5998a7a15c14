import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { casesBelow, runCase } from '../scripts/golden/run-case';

const folder = join(__dirname, 'golden');
const paths = casesBelow(folder);

test('all cases are there', () => {
  expect(paths).toHaveLength(160);
});

describe('golden cases from PyTorch', () => {
  test.each(paths.map((path) => relative(folder, path)))('%s', async (name) => {
    expect(await runCase(join(folder, name), 'cpu')).toEqual([]);
  });
});
