import { join } from 'node:path';
import { OptionError } from 'stmnet';
import { expect, test } from 'vitest';
import { writeComparison, type ComparisonRow } from '../../src/report/comparison';
import { chartsIn, pageText, sectionsIn } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

const path = join(scratchFolder('comparison'), 'compare.html');

const row = (name: string, accuracy: number, loss: number): ComparisonRow => ({
  name,
  trainingSeconds: 60,
  predictionSeconds: 0.0011,
  parameters: 12345,
  figures: { accuracy, loss },
});

test('the models stand beside each other, the best of each figure pointed out', async () => {
  await writeComparison(path, [row('LSTM-<64>', 0.9, 0.3), row('GRU-64', Number.NaN, 0.2)], { title: 'A < B' });
  const text = pageText(path);
  expect(text).toContain('<h1>A &lt; B</h1>');
  expect(sectionsIn(text)).toEqual(['models', 'charts']);
  expect(text).toContain('<td class="number" data-value="0.9"><strong>0.9000</strong></td>');
  expect(text).toContain('<td class="number" data-value="0.2"><strong>0.2000</strong></td>');
  expect(text).toContain('data-value="60">1 min 00 s</td><td class="number" data-value="0.0011">1.1 ms</td>');
  const scatter = chartsIn(text).get('Accuracy over training time');
  expect(scatter).toMatchObject({ points: [{ name: 'LSTM-<64>', x: 60, y: 0.9, size: 12345 }] });
  expect(text).toContain('The nearer to the top left, the better and quicker.');
  expect(chartsIn(text).get('Parameters')).toMatchObject({ values: [12345, 12345] });
});

test('a comparison that has just begun has no charts yet', async () => {
  await writeComparison(path, [], { running: true });
  expect(sectionsIn(pageText(path))).toEqual(['models']);
  expect(pageText(path)).toContain('Running: 0 models');
});

test('odd options are refused', async () => {
  // @ts-expect-error: a number for a title
  await expect(writeComparison(path, [], { title: 3 })).rejects.toThrow(OptionError);
  await expect(writeComparison('', [])).rejects.toThrow(OptionError);
});
