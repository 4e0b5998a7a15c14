import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { dayTexts, stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';
import { visits } from '../../support/visits';

const folder = scratchFolder('cli-evaluate');
let run = '';
let data = '';
beforeAll(() => {
  run = trainDays(folder);
  data = join(folder, 'days.tsv');
});

const evaluate = (...args: readonly string[]): ReturnType<typeof stmnet> => stmnet(['evaluate', ...args]);

test('measures on examples that are read as those of the training', () => {
  const { code, stdout, stderr } = evaluate(run, '--data', data);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `60 examples of ${data}\n` });
  expect(stdout).toMatch(
    /^loss +0\.0\d+\naccuracy +1\.0000\nF1 +1\.0000\n\nlabel +precision +recall +F1 +support\nbad( +1\.0000){3} +20\n/,
  );
});

test('measures on standard input, too', () => {
  const { stdout } = evaluate(run, '--data', data);
  expect(stmnet(['evaluate', run, '--data', '-', '--format', 'table'], {}, { input: readFileSync(data) })).toEqual({
    code: 0,
    stdout,
    stderr: '60 examples of standard input\n',
  });
});

test('takes a model file, whose data are read as told, and prints JSON', () => {
  const jsonl = join(folder, 'days.jsonl');
  writeFileSync(jsonl, dayTexts.map(([kind, text]) => `${JSON.stringify({ kind, text })}\n`).join(''));
  const file = join(run, 'model.safetensors');
  const { code, stdout, stderr } = evaluate(file, '--data', jsonl, '--label-column', 'kind', '--json', '--quiet');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    accuracy: 1,
    f1: 1,
    labels: ['bad', 'good'],
    classes: { bad: { support: 20 } },
  });
});

test('figures have names in words, and what counts customers is a whole number', () => {
  const [visited, output] = [join(folder, 'visits.csv'), join(folder, 'events')];
  const lines = visits.map(({ customer, date, price }) => `${[customer, date, price].join(',')}\n`);
  writeFileSync(visited, `customer,date,price\n${lines.join('')}`);
  const small = ['--horizon', '20', '--hidden-size', '4', '--epochs', '1', '--validation-split', '0', '--quiet'];
  const trained = stmnet(['train', 'events', '--data', visited, ...small, '--output', output]);
  expect(trained).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout } = evaluate(output, '--data', visited);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^log loss {5}\d\.\d{4}\nbrier score {2}\d\.\d{4}\n/m);
  expect(stdout).toMatch(/^count {8}40\nshare {8}0\.1000\n/m);
  expect(stdout).toMatch(/^compared with +AUROC +log loss +brier score +accuracy$/m);
});

test('one example is one, and figures of a column have the same digits', () => {
  const one = join(folder, 'one.tsv');
  writeFileSync(one, 'good\twhat a lovely day\n');
  const { stdout, stderr } = evaluate(run, '--data', one);
  expect(stderr).toBe(`1 example of ${one}\n`);
  expect(stdout).toMatch(/^bad +0\.0000 +0\.0000 +0\.0000 +0\ngood +1\.0000 +1\.0000 +1\.0000 +1\n$/m);
});

test('labels that training never saw are named, and count as wrong', () => {
  const odd = join(folder, 'odd.tsv');
  writeFileSync(odd, 'good\twhat a lovely day\nugly\twhat a lovely day\nbad\ta sad day\nfoul\ta sad day\n');
  const { code, stdout } = evaluate(run, '--data', odd);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^accuracy +0\.5000$/m);
  expect(stdout).toContain('Not in the training, and so counted as wrong: foul, ugly\n');
});

test.each([
  ['nowhere', /nowhere is not there\. Expected a run folder or a model file\.\n$/],
  ['empty', /empty is no run folder: it has no model\.safetensors\. Fix: name what stmnet train got as --output,/],
  ['damaged.safetensors', /damaged\.safetensors is a plain text\. Expected a run folder or a model file\. Fix: name/],
  ['days.tsv', /days\.tsv is a table divided by tabs that begins with bad, this was .*\. Expected a run folder or a/],
  ['run/history.json', /history\.json is JSON that goes over several lines\. .* Fix: name the run folder, .*run\.\n$/],
  ['nothing.txt', /nothing\.txt is empty\. Expected a run folder or a model file\./],
  [
    'damaged',
    /config\.json, which is no JSON: .*\n {2}Fix: restore it, or give model\.safetensors in place of the folder\.\n$/,
  ],
])('%s is refused', (name, message) => {
  mkdirSync(join(folder, 'empty'), { recursive: true });
  mkdirSync(join(folder, 'damaged'), { recursive: true });
  copyFileSync(join(run, 'model.safetensors'), join(folder, 'damaged', 'model.safetensors'));
  writeFileSync(join(folder, 'damaged', 'config.json'), '{"stmnet"');
  writeFileSync(join(folder, 'damaged.safetensors'), 'this is no model, but words.');
  writeFileSync(join(folder, 'nothing.txt'), '');
  const { code, stdout, stderr } = evaluate(join(folder, name), '--data', data);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(message);
});

test('an error of the examples names their file, of which the task knows nothing', () => {
  const odd = join(folder, 'others.tsv');
  writeFileSync(odd, 'ugly\twhat a lovely day\nfoul\ta sad day\n');
  expect(evaluate(run, '--data', odd, '--quiet')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'stmnet: got the labels "foul", "ugly", none of which is known to the model, expected ' +
      'labels of its training: "bad", "good".\n  Fix: look at which column holds the labels (--label-column).\n  ' +
      `It came up in the data of ${odd}.\n`,
  });
});
