import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { load, loadSafetensorsMetadata } from 'stmnet';
import { scratchFolder } from '../support/scratch';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist/examples/japanese-vowels.js');
const run = (...options: string[]): { stdout: string; stderr: string; status: number | null } =>
  spawnSync(process.execPath, [program, ...options], { encoding: 'utf8', cwd: root });

const folder = scratchFolder('vowels');

test('the main job learns, prints accuracy and confusions, saves, and a new process predicts the same', async () => {
  const output = join(folder, 'new', 'speakers.safetensors');
  const { stdout, stderr, status } = run('--epochs', '6', '--seed', '2', '--output', output);
  expect({ status, stderr: stderr.replace(/^.*epoch.*$/gm, '').trim() }).toEqual({ status: 0, stderr: '' });
  const [, accuracy, right] = /test accuracy: ([\d.]+) % \((\d+) of 370\)/.exec(stdout) ?? [];
  expect(Number(accuracy)).toBeCloseTo((100 * Number(right)) / 370, 1);
  expect(Number(accuracy)).toBeGreaterThan(60); // chance is 11 %; 6 epochs of 60 reach about 90 %
  const rows = [...stdout.matchAll(/^speaker \d +(.*)$/gm)].map(([, cells = '']) =>
    cells.split(/ +/).map((cell) => (cell === '·' ? 0 : Number(cell))),
  );
  expect(rows.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual([31, 35, 88, 44, 29, 24, 40, 50, 29]);
  expect(rows.reduce((sum, row, i) => sum + (row[i] ?? 0), 0)).toBe(Number(right));
  expect(stdout).toMatch(/a new process loaded it and named the same 370 speakers/);
  expect((await load(output)).length).toBeGreaterThan(3);
  expect((await loadSafetensorsMetadata(output))['stmnet.format']).toBe('1');
}, 120_000);

test('the same seed gives the same numbers', () => {
  const accuracies = [1, 2].map(
    () =>
      /test accuracy: .* % \(\d+ of 370\)/.exec(
        run('--epochs', '1', '--seed', '7', '--output', join(folder, 'seven.safetensors')).stdout,
      )?.[0],
  );
  expect(accuracies[0]).toMatch(/accuracy/);
  expect(accuracies[1]).toBe(accuracies[0]);
}, 120_000);

test('a wrong option ends with a message and no model', () => {
  const { stderr, status } = run('--seed', 'x', '--output', join(folder, 'none.safetensors'));
  expect(status).toBe(1);
  expect(stderr).toBe(
    '--seed: got x, expected a whole number of at least 0.\n' +
      '  Fix: usage: npm start -- [--seed N] [--epochs N] [--output FILE]\n',
  );
});
