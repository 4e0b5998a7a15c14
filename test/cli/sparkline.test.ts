import { expect, test } from 'vitest';
import { sparkline } from '../../src/cli/sparkline';

test.each([
  [[1, 2, 3, 4, 5, 6, 7, 8], 20, '▁▂▃▄▅▆▇█'],
  [[8, 8, 1, 1], 2, '█▁'],
  [[0.5, Number.NaN, 0.5], 9, '▁▁'],
  [[], 9, ''],
])('%j within %i characters is %s', (values, width, line) => {
  expect(sparkline(values, width)).toBe(line);
});
