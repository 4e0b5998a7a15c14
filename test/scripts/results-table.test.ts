import { expect, test } from 'vitest';
import { resultRow, withRows } from '../../scripts/results-table';

const result = {
  name: 'names',
  figure: 'accuracy',
  goal: { least: 0.83, peer: 0.835 },
  runs: ['1', '2', '3'],
  reached: [0.8, 0.9, 0.85],
  seconds: 61.4,
  processor: 'A',
};
const page = '# Results\n\n| example | figure |\n|---|---|\n| names | accuracy | old |\n\nBehind it.\n';

test('a row has the median, the goal and each run', () => {
  expect(resultRow(result)).toBe(
    '| names | accuracy | 0.8500 | ≥ 0.83 | 0.835 | 1: 0.8000, 2: 0.9000, 3: 0.8500 | 61 | A |',
  );
  expect(resultRow({ ...result, goal: { most: 1.47 } })).toContain('| ≤ 1.47 |  |');
});

test('a row takes the place of the one before, a new one goes to the end of the table', () => {
  const rows = [resultRow(result), resultRow({ ...result, figure: 'f1' })];
  const written = withRows(page, rows);
  expect(written).toBe(
    `# Results\n\n| example | figure |\n|---|---|\n${rows[0] ?? ''}\n${rows[1] ?? ''}\n\nBehind it.\n`,
  );
  expect(withRows(written, rows)).toBe(written);
});
