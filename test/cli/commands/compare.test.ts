import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dayColumns, interrupted, quickTraining, smallNetwork, stmnet, writeDays } from '../../support/cli';
import { pageText } from '../../support/run-folder';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-compare');

test('trains each cell in each size, and shows time, parameters and quality as a table and a page', () => {
  const output = join(folder, 'comparison');
  const network = smallNetwork.slice(2); // without the size, which varies
  const args = ['--data', writeDays(folder), ...dayColumns, ...network, ...quickTraining, '--output', output];
  const { code, stdout, stderr } = stmnet([
    'compare',
    'classify',
    ...args,
    '--cells',
    'lstm,gru',
    '--hidden-sizes',
    '4,8',
  ]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
  expect(lines[0]).toEqual(['model', 'accuracy', 'loss', 'F1', 'training s', 'prediction ms', 'parameters']);
  expect(lines.slice(1).map(([name]) => name)).toEqual(['LSTM-4', 'LSTM-8', 'GRU-4', 'GRU-8']);
  const [small, large, gru] = keptIn(output).map(({ parameters }) => parameters);
  expect((large ?? 0) - (small ?? 0)).toBeGreaterThan(0);
  expect(gru).toBeLessThan(small ?? 0);
  const page = readFileSync(join(output, 'compare.html'), 'utf8');
  expect(page).toContain('LSTM-8');
  expect(stderr).toContain('Figures of the validation');
  // The same comparison goes on with what is not there yet, and another one is refused.
  const more = stmnet(['compare', 'classify', ...args, '--cells', 'gru', '--hidden-sizes', '8,2']);
  expect(more.stderr.match(/^\S+: trained in/gm)).toEqual(['GRU-2: trained in']);
  expect(more.stdout.match(/^\w+-\d/gm)).toEqual(['GRU-8', 'GRU-2']);
  expect(keptIn(output).map(({ name }) => name)).toEqual(['LSTM-4', 'LSTM-8', 'GRU-4', 'GRU-8', 'GRU-2']);
  // With nothing left to train the page is written all the same.
  rmSync(join(output, 'compare.html'));
  const again = stmnet(['compare', 'classify', ...args, '--cells', 'gru', '--hidden-sizes', '8,2']);
  expect(again).toMatchObject({ code: 0, stdout: more.stdout });
  expect(pageText(join(output, 'compare.html'))).toContain('5 models');
  const other = stmnet(['compare', 'classify', ...args, '--seed', '9', '--patience', '2']);
  expect(other).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `stmnet: ${join(output, 'compare.json')} is of a comparison that began with --seed 1 (no --patience), ` +
        'not --seed 9 --patience 2. Fix: give the same, or name another folder as --output.\n',
    ),
  });
});

const keptIn = (output: string): { name: string; parameters: number }[] =>
  (JSON.parse(readFileSync(join(output, 'compare.json'), 'utf8')) as { results: [] }).results;

test('Ctrl-C ends with 130 within a training, and says what is kept and how to go on', async () => {
  const output = join(folder, 'stopped');
  const args = ['compare', 'classify', '--data', writeDays(folder), ...dayColumns, '--embedding-dim', '8'];
  const both = [...args, '--cells', 'lstm', '--hidden-sizes', '2,256', '--epochs', '40'];
  const { code, stderr } = await interrupted([...both, '--output', output], 'LSTM-2: trained');
  expect({ code, stderr }).toMatchObject({ code: 130 });
  expect(stderr).toContain(`stmnet: interrupted; 1 model of it is kept in ${output}. To go on: the same command\n`);
  expect(keptIn(output).map(({ name }) => name)).toEqual(['LSTM-2']);
  expect(pageText(join(output, 'compare.html'))).toContain('Running: 1 model');
  expect(stmnet([...both, '--hidden-sizes', '2', '--output', output]).code).toBe(0);
  expect(pageText(join(output, 'compare.html'))).not.toContain('Running');
  const unkept = await interrupted(both, 'LSTM-2: trained');
  expect(unkept).toMatchObject({ code: 130, stderr: expect.stringContaining('nothing is kept without --output') });
});

test('other examples in the same file are another comparison', () => {
  const output = join(folder, 'changed');
  const [data, tests] = [writeDays(folder, 'learned.tsv'), writeDays(folder, 'judged.tsv')];
  const network = ['--cells', 'lstm', '--hidden-sizes', '2', '--embedding-dim', '8', '--epochs', '1'];
  const files = ['--data', data, '--test', tests, '--output', output];
  const args = ['compare', 'classify', ...files, ...dayColumns, ...network];
  expect(stmnet(args).code).toBe(0);
  const kept = keptIn(output);
  const refused = (how: string): object => ({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: ${join(output, 'compare.json')} is of a comparison that began with other examples of ${how} now. ` +
      'Fix: name another folder as --output.\n',
  });
  const change = (file: string, label: string): void =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\w+(?=\t.*number 31$)/m, label)); // in one of 60 lines
  change(tests, 'bad');
  expect(stmnet(args)).toEqual(refused(`test than are in ${tests}`));
  change(tests, 'good');
  expect(stmnet(args)).toMatchObject({ code: 0 });
  appendFileSync(data, 'good\tone more\n');
  appendFileSync(tests, 'good\tone more\n');
  expect(stmnet(args).stderr).toMatch(
    new RegExp(`other examples of train (and validation )?and test than are in ${data} and ${tests} now\\.`),
  );
  expect(keptIn(output)).toEqual(kept);
});

test('a figure NaN that was kept stays one, and a damaged file is told', () => {
  const output = join(folder, 'odd');
  const network = ['--cells', 'lstm', '--hidden-sizes', '2', '--embedding-dim', '8', '--epochs', '1'];
  const args = ['compare', 'classify', '--data', writeDays(folder), '--output', output, ...dayColumns, ...network];
  expect(stmnet(args).code).toBe(0);
  const file = join(output, 'compare.json');
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { results: [{ figures: object }] };
  const [row] = kept.results;
  const putRow = (result: object | null): void => writeFileSync(file, JSON.stringify({ ...kept, results: [result] }));
  putRow({ ...row, figures: { ...row.figures, accuracy: Number.NaN } });
  expect(stmnet(args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^LSTM-2 +NaN +\d/m) });
  expect(pageText(join(output, 'compare.html'))).toMatch(/LSTM-2<\/th><td[^>]*>NaN<\/td>/);
  putRow(null);
  expect(stmnet(args)).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: ${file} is damaged: results[0] is null, expected an object. ` +
      'Fix: remove it, or name another folder as --output.\n',
  });
});

test('help shows defaults as they are typed, and files of the task', () => {
  const text = stmnet(['compare', 'tag', '--help']).stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain('(default: lstm,gru)');
  expect(text).toContain('(default: 64,128)');
  expect(text).toContain('stmnet compare tag --data sentences.conll --cells lstm,gru');
});

test('cells and sizes that are none end with 2', () => {
  const args = ['compare', 'classify', '--data', 'x.csv'];
  expect(stmnet([...args, '--cells', 'lstm,grue'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('lstm, gru, rnn'),
  });
  expect(stmnet([...args, '--hidden-sizes', '4,4'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('sizes that differ'),
  });
  expect(stmnet([...args, '--cells', 'gru,gru'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cells that differ'),
  });
});

test.each([
  ['--cell', 'gru', '--cells'],
  ['--hidden-size', '8', '--hidden-sizes'],
])('%s, which is compared, is no option, and its plural is suggested', (option, value, plural) => {
  const { code, stderr } = stmnet(['compare', 'classify', '--data', 'x.csv', option, value]);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr:
      `stmnet: got ${option}, which is no option of stmnet compare classify. ` +
      `Fix: write ${plural}, if that is meant.\n`,
  });
});
