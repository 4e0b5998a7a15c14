import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-generate');
const run = join(folder, 'lines');
let told = '';
beforeAll(() => {
  const text = join(folder, 'lines.txt');
  writeFileSync(text, 'abcd abcd abcd abcd\n'.repeat(200));
  const small = [
    '--hidden-size',
    '16',
    '--embedding-dim',
    '8',
    '--steps',
    '16',
    '--epochs',
    '12',
    '--learning-rate',
    '0.02',
  ];
  const { code, stderr } = stmnet(['train', 'lm', '--data', text, '--output', run, ...small]);
  if (code !== 0) throw new Error(stderr);
  told = stderr;
});

test('trains on the text but for its end, and says how to have it write', () => {
  expect(told).toContain('held back for validation (the last 10 % of the text)');
  expect(told.match(/best validation.loss/g)).toHaveLength(1);
  expect(told).toMatch(/^best validation: perplexity 1\.\d+$/m);
  expect(told).toContain(`Next:\n  stmnet generate ${run} --prompt "…"      stmnet evaluate ${run} --data FILE `);
});

test('writes on where the prompt ends, the same for the same seed', () => {
  const args = ['generate', run, '--prompt', 'abcd a', '--length', '9', '--temperature', '0'];
  expect(stmnet(args)).toEqual({ code: 0, stdout: 'abcd abcd abcd \n', stderr: '' });
  expect(stmnet([...args, '--quiet']).stdout).toBe('bcd abcd \n');
  expect(JSON.parse(stmnet([...args, '--json']).stdout)).toEqual({ prompt: 'abcd a', text: 'bcd abcd ' });
  const drawn = ['generate', run, '--temperature', '1.5', '--length', '40', '--seed', '3', '--top-k', '5'];
  expect(stmnet(drawn).stdout).toBe(stmnet(drawn).stdout);
});

test('names what of a prompt was never seen in training', () => {
  const args = ['generate', run, '--prompt', 'xyx ab', '--length', '2', '--temperature', '0'];
  const { code, stdout, stderr } = stmnet(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'never seen in training, and read as unknown: "x", "y"\n' });
  expect(stdout).toMatch(/^xyx ab/);
  expect(stmnet([...args, '--quiet']).stderr).toBe('');
});

test('predict names what of its inputs was never seen, once', () => {
  const args = ['predict', run, 'xyx ab', 'abz x'];
  const { code, stdout, stderr } = stmnet(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'never seen in training, and read as unknown: "x", "y", "z"\n' });
  expect(stdout.match(/^[^\t]+(?=\t)/gm)).toEqual(['xyx ab', 'abz x']);
  expect(stmnet([...args, '--quiet'])).toEqual({ code: 0, stdout, stderr: '' });
  const input = `${'axy\n'.repeat(256)}azx\n`; // two batches
  const piped = stmnet(['predict', run, '-', '--json'], {}, { input });
  expect(piped.stderr).toBe(
    'never seen in training, and read as unknown: "x", "y"\nnever seen in training, and read as unknown: "z"\n',
  );
});

test('evaluates and predicts, too', () => {
  const text = join(folder, 'other.txt');
  writeFileSync(text, 'abcd abcd\n');
  expect(stmnet(['evaluate', run, '--data', text]).stdout).toMatch(
    /^loss +\d\.\d+\nperplexity +1\.\d+\nbits per character +\d\.\d+\n/,
  );
  expect(stmnet(['predict', run, 'abcd a']).stdout).toMatch(/^abcd a\t"b" 0\.9/);
});

test('a run of another task is refused', () => {
  const days = trainDays(folder, '--epochs', '1');
  expect(stmnet(['generate', days])).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: ${days} holds the task classify, expected lm. Fix: name a run of stmnet train lm, or ask this one by ` +
      'stmnet predict.\n',
  });
});
