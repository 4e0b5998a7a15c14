import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { casesBelow, runCase } from '../scripts/golden/run-case';
import { describeDevices } from './support/devices';

const folder = join(__dirname, 'golden');
const paths = casesBelow(folder);

test('all cases are there', () => {
  expect(paths).toHaveLength(160);
});

describeDevices('golden cases from PyTorch', (device) => {
  test.each(paths.map((path) => relative(folder, path)))('%s', async (name) => {
    expect(await runCase(join(folder, name), device)).toEqual([]);
  });
});
