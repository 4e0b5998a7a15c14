import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { GoldenCase } from '../scripts/golden/golden-case';
import { casesBelow, runCase } from '../scripts/golden/run-case';
import { describeDevices } from './support/devices';

const folder = join(__dirname, 'golden');
const paths = casesBelow(folder);

test('all cases are there', () => {
  expect(paths.length).toBeGreaterThanOrEqual(160);
});

test.each(paths.map((path) => relative(folder, path)))('%s says which PyTorch computed it, and how', (name) => {
  const { pytorch, snippet = '' } = new GoldenCase(join(folder, name), 'cpu').metadata;
  expect(pytorch).toMatch(/^\d+\.\d+\.\d+/);
  expect(snippet).toMatch(/\b(?:torch|F)\.[\w.]+\(/);
});

describeDevices('golden cases from PyTorch', (device) => {
  test.each(paths.map((path) => relative(folder, path)))('%s', async (name) => {
    expect(await runCase(join(folder, name), device)).toEqual([]);
  });
});
