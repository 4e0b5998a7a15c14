import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, OptionError } from 'stmnet';
import { writeEvaluation, type EvaluationRecord } from 'stmnet/tasks';
import { expect, test } from 'vitest';
import { readEvaluations } from '../../src/report/evaluation-file';
import { putFile } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('evaluation', (own) => (folder = own));

const record: EvaluationRecord = {
  part: 'validation',
  figures: { loss: Number.POSITIVE_INFINITY, accuracy: 0.5 },
  confusion: {
    labels: ['ham', 'NaN'],
    counts: [
      [3, 1],
      [2, 4],
    ],
  },
  perClass: [{ label: 'NaN', precision: Number.NaN, recall: 0, f1: 0, support: 0 }],
  calibration: [{ from: 0, to: 0.5, predicted: Number.NaN, observed: Number.NaN, count: 0 }],
  examples: { worst: [{ text: 'Infinity', label: 'ham', predicted: 'NaN', probability: 0.99 }] },
  lengths: [{ from: 0, to: 10, count: 4 }],
  labels: [{ label: 'ham', count: 4 }],
  baselines: [{ name: 'majority', figures: { accuracy: 0.4 } }],
};

test('what is written is read again, texts such as NaN and numbers such as it apart', async () => {
  await writeEvaluation(folder, record);
  expect(await readEvaluations('test', folder)).toEqual([record]);
});

test('a record takes the place of that of its part, and leaves the others', async () => {
  await writeEvaluation(folder, record);
  await writeEvaluation(folder, { figures: { loss: 1 } });
  await writeEvaluation(folder, { part: 'validation', figures: { loss: 2 } });
  await writeEvaluation(folder, { part: 'test', figures: { loss: 3 } });
  expect(await readEvaluations('test', folder)).toEqual([
    { part: 'validation', figures: { loss: 2 } },
    { part: 'test', figures: { loss: 3 } },
  ]);
});

test('nothing is read where there is none', async () => {
  expect(await readEvaluations('test', folder)).toEqual([]);
});

test('members of a later version are passed over', async () => {
  putFile(folder, 'evaluation.json', [{ figures: { loss: 1 }, spectrum: [1] }]);
  expect(await readEvaluations('test', folder)).toEqual([{ figures: { loss: 1 } }]);
});

test('a record of another form is refused, and nothing written', async () => {
  const odd = { confusion: { labels: ['a', 'b'], counts: [[1, 2]] } };
  const error = await writeEvaluation(folder, odd).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(OptionError);
  expect(String(error)).toContain(
    'writeEvaluation: got confusion.counts that is of another size, expected 2 rows of 2 numbers, as there are labels.',
  );
  expect(existsSync(join(folder, 'evaluation.json'))).toBe(false);
});

test.each([
  ['{', 'which is no JSON'],
  ['{}', 'in which all is {  }'],
  ['[{ "figures": { "loss": "high" } }]', 'in which [0].figures.loss is "high", expected a number'],
  ['[{ "part": "train" }]', 'in which [0].part is "train", expected one of validation, test'],
  ['[{ "examples": { "worst": [{ "text": 3 }] } }]', 'in which [0].examples.worst[0].text is 3, expected a text'],
])('a damaged file %s is named, with what is wrong, and stays', async (text, message) => {
  putFile(folder, 'evaluation.json', text);
  const error = await writeEvaluation(folder, record).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FormatError);
  expect(String(error)).toContain(`${join(folder, 'evaluation.json')}, ${message}`);
  expect(readFileSync(join(folder, 'evaluation.json'), 'utf8')).toBe(text);
});
