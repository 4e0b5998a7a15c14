import { join } from 'node:path';
import { OptionError } from 'stmnet';
import { expect, test } from 'vitest';
import { writeTuning, type TrialRecord } from '../../src/report/tuning';
import { chartsIn, pageText, sectionsIn } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

const path = join(scratchFolder('tuning'), 'tune.html');

const trials: TrialRecord[] = [
  { number: 1, settings: { cell: 'gru', learningRate: 1e-4 }, value: 0.75, epochs: 2, seconds: 3, state: 'stopped' },
  { number: 2, settings: { cell: 'lstm', learningRate: 1e-2 }, value: 0.5, epochs: 2, seconds: 3, state: 'stopped' },
  { number: 3, settings: { cell: 'lstm', learningRate: 1e-3, heads: true }, epochs: 0, seconds: 1, state: 'failed' },
  { number: 4, settings: { cell: 'lstm', learningRate: 2e-3 }, value: 0.875, epochs: 8, seconds: 9, state: 'finished' },
];

const rowsIn = (text: string): string[] =>
  [...text.matchAll(/<th scope="row" class="number">(\d+)<\/th>/gu)].map(([, number = '']) => number);

test('trials stand by how good they are, those that were stopped behind, those without a figure last', async () => {
  await writeTuning(path, trials, { figure: 'accuracy', mode: 'max' });
  const text = pageText(path);
  expect(sectionsIn(text)).toEqual(['settings', 'trials']);
  expect(rowsIn(text)).toEqual(['4', '1', '2', '3']);
  expect(text).toContain('<dd>0.8750</dd><dd class="note">trial 4</dd>');
  expect(text).toContain('cell lstm · learningRate 0.002');
  await writeTuning(path, trials, { figure: 'loss', mode: 'min' });
  expect(rowsIn(pageText(path))).toEqual(['4', '2', '1', '3']);
  const equal = trials.toReversed().map((trial): TrialRecord => ({ ...trial, value: 0.5, state: 'finished' }));
  await writeTuning(path, equal, { figure: 'loss', mode: 'min' });
  expect(rowsIn(pageText(path))).toEqual(['4', '3', '2', '1']);
});

test('settings are axes: names, or numbers, far apart on a logarithmic one', async () => {
  await writeTuning(path, trials, { figure: 'accuracy', mode: 'max' });
  expect(chartsIn(pageText(path)).get('All trials')).toEqual({
    kind: 'parallel',
    best: 'max',
    axes: [
      { name: 'cell', names: ['gru', 'lstm'] },
      { name: 'learningRate', unit: 'number', log: true },
      { name: 'accuracy', unit: 'figure' },
    ],
    lines: [
      { name: 'Trial 2', values: ['lstm', 1e-2, 0.5] },
      { name: 'Trial 1', values: ['gru', 1e-4, 0.75] },
      { name: 'Trial 4', values: ['lstm', 2e-3, 0.875] },
    ],
  });
});

test('axes have the figure in words', async () => {
  await writeTuning(path, trials, { figure: 'bitsPerCharacter', mode: 'min' });
  const charts = chartsIn(pageText(path));
  const all = charts.get('All trials');
  expect(all?.kind === 'parallel' && all.axes.at(-1)?.name).toBe('bits per character');
  expect(charts.get('Bits per character by trial')).toMatchObject({ y: { name: 'bits per character' } });
});

test('the best so far goes along with the trials, those aside that were measured after fewer epochs', async () => {
  const early = { ...trials[0]!, value: 0.99 };
  const last = { ...trials[3]!, number: 5, value: 0.8 };
  await writeTuning(path, [early, ...trials.slice(1), last], { figure: 'accuracy', mode: 'max' });
  const linesOf = (): unknown => chartsIn(pageText(path)).get('Accuracy by trial');
  const points = (values: readonly (number | null)[]) => values.map((value, at) => [[1, 2, 4, 5][at], value]);
  expect(linesOf()).toMatchObject({
    lines: [{ points: points([null, null, 0.875, 0.875]) }, { dots: true, points: points([0.99, 0.5, 0.875, 0.8]) }],
  });
  expect(pageText(path)).toContain('the best so far leaves them out');
  await writeTuning(path, trials.slice(3), { figure: 'accuracy', mode: 'max' });
  expect(linesOf()).toMatchObject({ lines: [{ points: [[4, 0.875]] }, { points: [[4, 0.875]] }] });
  expect(pageText(path)).not.toContain('the best so far leaves them out');
});

test('a best trial without settings of its own has the defaults', async () => {
  await writeTuning(path, [{ ...trials[3]!, settings: {} }], { figure: 'accuracy', mode: 'max' });
  expect(pageText(path)).toContain('<dd class="text">the defaults</dd>');
});

test('a search of which nothing is known yet has a table alone', async () => {
  await writeTuning(path, [], { figure: 'accuracy', mode: 'max', running: true });
  expect(sectionsIn(pageText(path))).toEqual(['trials']);
  expect(pageText(path)).toContain('Running: 0 trials');
});

test('odd options are refused', async () => {
  // @ts-expect-error: without the figure
  await expect(writeTuning(path, trials, { mode: 'max' })).rejects.toThrow(OptionError);
  // @ts-expect-error: no mode
  await expect(writeTuning(path, trials, { figure: 'loss', mode: 'low' })).rejects.toThrow(OptionError);
});
