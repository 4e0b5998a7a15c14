import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { stmnet } from '../../support/cli';
import { numberPair, numberPairs } from '../../support/number-pairs';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-pairs');
const [data, run] = [join(folder, 'pairs.tsv'), join(folder, 'run')];
const small = ['--hidden-size', '32', '--embedding-dim', '16', '--dropout', '0.05', '--learning-rate', '0.02'];
let told = '';
beforeAll(() => {
  writeFileSync(data, numberPairs.map(({ source, target }) => `${source}\t${target}\n`).join(''));
  const args = ['--data', data, '--no-header', '--output', run, ...small, '--batch-size', '16', '--epochs', '40'];
  const { code, stderr } = stmnet(['train', 'seq2seq', ...args]);
  if (code !== 0) throw new Error(stderr);
  told = stderr;
});

test('learns from a table without a header, and leaves a report with what it looked at', () => {
  expect(told).toContain('9 examples held back for validation (10 % of the sources, drawn by seed 1)');
  expect(told).toContain(`Next:\n  stmnet predict ${run} "…"      stmnet evaluate ${run} --data FILE `);
  expect(existsSync(join(run, 'report.html'))).toBe(true);
  const { stdout } = stmnet(['train', 'seq2seq', '--help']);
  expect(stdout.match(/\$ stmnet train seq2seq --data pairs\.tsv /g)).toHaveLength(2);
  const [record] = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8')) as {
    attention: { source: string[]; target: string[]; weights: number[][] }[];
  }[];
  expect(record?.attention[0]?.weights[0]).toHaveLength(record?.attention[0]?.source.length ?? 0);
});

test('predicts, from arguments, a pipe or a file', () => {
  const { code, stdout, stderr } = stmnet(['predict', run, '18', '7x']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'never seen in training, and read as unknown: "x"\n' });
  expect(stdout).toMatch(/^one eight!\t-0\.\d{4}\t18\n/);
  const piped = stmnet(['predict', run, '-', '--json'], {}, { input: '40\n' });
  expect(JSON.parse(piped.stdout)).toMatchObject({ text: 'four zero!', tokens: ['four', 'zero', '!'], input: '40' });
  const table = stmnet(['predict', run, '--data', data]).stdout;
  expect(table.match(/\n/g)).toHaveLength(90);
  const words = join(folder, 'numbers.txt');
  writeFileSync(words, '62\n');
  expect(stmnet(['predict', run, '--data', words]).stdout).toMatch(/^six two!\t/);
});

test('evaluates files side by side, and names what is not there', () => {
  const pairs = [18, 40, 62].map(numberPair);
  writeFileSync(join(folder, 'test.digits'), pairs.map(({ source }) => `${source}\n`).join(''));
  writeFileSync(join(folder, 'test.words'), pairs.map(({ target }) => `${target}\n`).join(''));
  const args = ['evaluate', run, '--data', join(folder, 'test.digits'), '--target-extension', 'words'];
  const { code, stdout } = stmnet([...args, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ exactMatch: 1, tokenErrorRate: 0, sources: 3 });
  expect(stmnet(args).stdout).toMatch(/^exact match +1\.0000\n/m);
  const missing = stmnet([...args.slice(0, -1), 'none']);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('test.none') });
});

test('names the lines of which a side is empty', () => {
  const holes = join(folder, 'holes.tsv');
  writeFileSync(holes, 'source\ttarget\n1\tone\n2\t\n3\tthree\n');
  const args = ['--data', holes, '--output', join(folder, 'holes'), '--validation-split', '0', '--epochs', '1'];
  const { code, stderr } = stmnet(['train', 'seq2seq', ...args, ...small]);
  expect(code).toBe(0);
  expect(stderr).toContain(`got an empty text in 1 of 3 examples: ${holes}, line 3`);
  const asked = stmnet(['evaluate', run, '--data', holes]); // without a header, as the run was trained
  expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sources +3$/m) });
  expect(asked.stderr).toContain(`got an empty text in 1 of 4 examples: ${holes}, line 3`);
});

test('inspect, compare and completion know it', () => {
  const { stdout } = stmnet(['inspect', run, '--batch-size', '2', '--length', '5']);
  expect(stdout).toMatch(/^decoder +LSTM /m);
  expect(stdout).toMatch(/^vocabularies +sourceVocabulary 11, targetVocabulary 13$/m);
  const args = ['--data', data, '--no-header', '--embedding-dim', '4', '--epochs', '1', '--beam-size', '1'];
  const compared = stmnet(['compare', 'seq2seq', ...args, '--cells', 'gru', '--hidden-sizes', '4,8', '--quiet']);
  expect(compared.code).toBe(0);
  expect(compared.stdout).toContain('GRU-8');
});

test('predicts with a beam, n-best and attention of its own', () => {
  const { code, stdout, stderr } = stmnet(['predict', run, '18', '7', '--beam-size', '8', '--n-best', '3']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  expect(lines.map(([, , source]) => source)).toEqual(['18', '18', '18', '7', '7', '7']);
  expect([lines[0]?.[0], lines[3]?.[0]]).toEqual(['one eight!', 'seven!']);
  expect(Number(lines[0]?.[1])).toBeGreaterThan(Number(lines[1]?.[1]));
  const seen = stmnet(['predict', run, '18', '--attention']).stdout;
  expect(seen).toMatch(/^one eight!\t-0\.\d{4}\t18\tone←[18] eight←[18] !←[18]\n$/);
  const { attention, candidates } = JSON.parse(
    stmnet(['predict', run, '18', '--attention', '--n-best', '2', '--json']).stdout,
  ) as { attention: { weights: number[][] }; candidates: { text: string }[] };
  expect(attention.weights.map((row) => row.length)).toEqual([2, 2, 2]);
  expect(candidates.map(({ text }) => text)).toEqual(['one eight!', expect.not.stringMatching(/^one eight!$/)]);
  expect(stmnet(['predict', run, '18', '--max-length', '1']).stdout).toMatch(/^one\t/);
  const many = stmnet(['predict', run, '18', '--beam-size', '2', '--n-best', '3']);
  expect(many).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('got --n-best 3 with --beam-size 2'),
  });
});

test('evaluates with a beam of its own', () => {
  const asked = (...args: string[]): unknown =>
    JSON.parse(stmnet(['evaluate', run, '--data', data, '--no-header', '--json', ...args]).stdout);
  expect(asked('--max-length', '1')).toMatchObject({ exactMatch: 0, sources: 90 });
  expect(asked('--beam-size', '1')).toMatchObject({ sources: 90 });
  const odd = stmnet(['evaluate', run, '--data', data, '--folds', '2']);
  expect(odd).toMatchObject({ code: 2, stdout: '' });
  expect(odd.stderr).toContain(
    'got --folds, which is no option of the task seq2seq, which the run holds. ' +
      'Fix: leave it out, or write one of --beam-size, --length-penalty, --max-length.',
  );
});
