import type { EpochRecord } from 'stmnet';
import { writeEvaluation, writeReport, type EvaluationRecord, type RobustnessRecord } from 'stmnet/tasks';
import { expect, test } from 'vitest';
import { withoutOdd } from '../../src/training/history-json';
import { chartsIn, epochRecord, pageText, putFile, sectionsIn } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('report-sections', (own) => (folder = own));

const ofHistory = async (epochs: readonly EpochRecord[], more: object = {}): Promise<string> => {
  putFile(folder, 'history.json', JSON.stringify(withoutOdd({ epochs, validations: [], ...more })));
  return pageText(await writeReport(folder));
};

const ofEvaluation = async (...records: EvaluationRecord[]): Promise<string> => {
  putFile(folder, 'config.json', {});
  for (const record of records) await writeEvaluation(folder, record);
  return pageText(await writeReport(folder));
};

const lines = (text: string, title: string) => {
  const chart = chartsIn(text).get(title);
  return chart?.kind === 'lines' ? chart.lines.map(({ name, points }) => [name, points]) : [];
};

test('forecasts are drawn beside what came, with their interval, and errors at each step', async () => {
  const curve = { before: [3, Number.NaN], truth: [5, 4], forecast: [4, 4] };
  const text = await ofEvaluation({
    figures: { rmse: 1.5, scaledMse: 0.25 },
    forecasts: [
      { ...curve, title: 'sales, from 2024-01-31', low: [3, 2], high: [6, 7] },
      { title: 'rain', before: [1], truth: [2], forecast: [2] },
    ],
    interval: 'from the 0.1 to the 0.9 quantile',
    stepErrors: [
      { name: 'forecast', values: [0.5, 0.75] },
      { name: 'persistence', values: [0.5, 1] },
    ],
  });
  const charts = chartsIn(text);
  expect([...charts.keys()]).toEqual(['sales, from 2024-01-31', 'rain', 'Error at each step']);
  const [came, forecast] = lines(text, 'sales, from 2024-01-31');
  expect(JSON.stringify(came)).toBe('["what came",[[-1,3],[0,null],[1,5],[2,4]]]');
  expect(JSON.stringify(forecast)).toBe('["forecast",[[1,4],[2,4]]]');
  expect(JSON.stringify(charts.get('sales, from 2024-01-31'))).toContain('"points":[[1,3,6],[2,2,7]]}]');
  expect(charts.get('rain')).not.toHaveProperty('bands');
  expect(text.match(/Shaded: from the 0.1 to the 0.9 quantile\./g)).toHaveLength(1);
  expect(lines(text, 'Error at each step').map(([name]) => name)).toEqual(['forecast', 'persistence']);
  expect(text).toContain('<dt>Scaled MSE</dt>');
});

test('changed examples have a table, and a curve for each change', async () => {
  const row = (change: RobustnessRecord['change'], amount: number, accuracy: number): RobustnessRecord => ({
    change,
    amount,
    accuracy,
    f1: Number.NaN,
    changed: 0.25,
  });
  const text = await ofEvaluation({
    robustness: [row('none', 0, 0.9), row('drop', 0.1, 0.75), row('drop', 0.05, 0.8), row('adversarial', 2, 0.5)],
  });
  expect(lines(text, 'Accuracy over the changed part')).toEqual([
    ['characters dropped', [[0, 0.9], [0.05, 0.8], [0.1, 0.75]]], // prettier-ignore
  ]);
  const moved = lines(text, 'Accuracy over how far vectors are moved');
  expect(JSON.stringify(moved)).toBe('[["vectors moved",[[0,0.9],[2,0.5]]]]');
  expect(text.replaceAll(/<[^>]*>/gu, ' ').replaceAll(/\s+/gu, ' ')).toContain(
    'unchanged – 0.9000 NaN 25.0 % characters dropped 10.0 % 0.7500 NaN 25.0 % characters dropped 5.0 %',
  );
});

test('errors of one step alone are no curve', async () => {
  const text = await ofEvaluation({ figures: { mae: 1 }, stepErrors: [{ name: 'forecast', values: [1] }] });
  expect(sectionsIn(text)).not.toContain('test');
});

test('a history has figures, curves, speed and a table of its epochs', async () => {
  const text = await ofHistory([
    epochRecord(1, { loss: 2, accuracy: 0.5 }, { validation: { loss: 1.5, accuracy: 0.75 } }),
    epochRecord(2, { loss: 1, accuracy: 0.6 }, { validation: { loss: 1.75, accuracy: 0.8 } }),
  ]);
  expect(sectionsIn(text)).toEqual(['figures', 'curves', 'training', 'epochs']);
  const losses = ['1.0000', '1.7500', '1.5000 <span class="note">epoch 1</span>'];
  expect(text).toContain(
    `<th scope="row">Loss</th>${losses.map((loss) => `<td class="number">${loss}</td>`).join('')}`,
  );
  expect(text).toContain('Training and validation: in the last epoch, 2.');
  expect(text).toContain('<dt>Loss</dt><dd>What training makes small');
  expect(text).toContain('<dt>Accuracy</dt><dd>The part of the answers that are right. The larger, the better.</dd>');
  expect(text).toContain('best 1.5000 in epoch 1');
  expect(text).toContain('best 0.8000 in epoch 2');
  expect(lines(text, 'Accuracy')).toEqual([
    [
      'training',
      [
        [1, 0.5],
        [2, 0.6],
      ],
    ],
    [
      'validation',
      [
        [1, 0.75],
        [2, 0.8],
      ],
    ],
  ]);
  expect(chartsIn(text).get('Accuracy')).toMatchObject({ mark: { x: 2, y: 0.8 }, x: { name: 'epoch' } });
  expect(lines(text, 'Learning rate')).toEqual([
    [
      'learning rate',
      [
        [1, 1e-3],
        [2, 5e-4],
      ],
    ],
  ]);
  expect(lines(text, 'Gradient norm')).toEqual([]);
  expect(text).toContain('2 epochs as a table');
});

test('what is not finite leaves a gap, and is said', async () => {
  const text = await ofHistory([
    epochRecord(1, { loss: 2 }, { skipped: 1, gradientNorm: { mean: 1, max: Number.POSITIVE_INFINITY } }),
    epochRecord(2, { loss: Number.NaN }, { skipped: 3, gradientNorm: { mean: 1, max: 4 } }),
    epochRecord(3, { loss: Number.NaN }, { gradientNorm: { mean: 1, max: 2 } }),
  ]);
  expect(lines(text, 'Loss')).toEqual(
    [
      [
        'training',
        [
          [1, 2],
          [2, null],
          [3, null],
        ],
      ],
      ['validation', []],
    ].slice(0, 1),
  );
  expect(text).toContain('Not finite in epoch 2 and 1 more.');
  expect(text).toContain('Steps left out, as they were not finite: 1 in epoch 1, 3 in epoch 2.');
  expect(text).toContain('<td class="number" data-value="NaN">NaN</td>');
  expect(lines(text, 'Gradient norm')).toEqual([
    [
      'mean',
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
    ],
    [
      'largest',
      [
        [1, null],
        [2, 4],
        [3, 2],
      ],
    ],
  ]);
});

test('a figure that is another one by a second name has no curve of its own', async () => {
  const text = await ofHistory([
    epochRecord(1, { loss: 2, logLoss: 2, f1: 0.5 }, { validation: { loss: 1, logLoss: 1 + 1e-7, f1: 0.25 } }),
    epochRecord(2, { loss: 1, logLoss: 1, f1: 0.5 }, { validation: { loss: 1, logLoss: 1, f1: 0.25 } }),
  ]);
  const charts = chartsIn(text);
  expect(['Loss', 'Log loss', 'F1'].filter((title) => charts.has(title))).toEqual(['Loss', 'F1']);
  expect(text).toContain('<th scope="row">Log loss</th>');
});

test('figures that happen to be alike have curves of their own', async () => {
  const text = await ofHistory([epochRecord(1, { loss: 2, accuracy: 1, f1: 1 })]);
  expect(['Accuracy', 'F1'].filter((title) => chartsIn(text).has(title))).toEqual(['Accuracy', 'F1']);
});

test('validations within epochs go along steps', async () => {
  const validations = [{ epoch: 1, step: 5, validation: { loss: 1.25 } }];
  const text = await ofHistory([epochRecord(1, { loss: 2 }, { validation: { loss: 1 } })], { validations });
  expect(chartsIn(text).get('Loss')).toMatchObject({ x: { name: 'step' }, mark: { x: 10, y: 1 } });
  expect(lines(text, 'Loss')).toEqual([
    ['training', [[10, 2]]],
    [
      'validation',
      [
        [5, 1.25],
        [10, 1],
      ],
    ],
  ]);
});

test('figures of each class are lines of one chart, the lowest where they are many', async () => {
  const figures = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`f1.c${index}`, index / 10]));
  const text = await ofHistory([epochRecord(1, { loss: 2, f1: 0.5, ...figures })]);
  expect(text).toContain('Figures of each class');
  expect(lines(text, 'F1, training').map(([name]) => name)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
  expect(text).toContain('The 8 lowest of 10.');
});

test('learning rates of several groups are several lines where they differ', async () => {
  const text = await ofHistory([
    epochRecord(1, { loss: 2 }, { learningRates: [0.1, 0.01] }),
    epochRecord(2, { loss: 2 }, { learningRates: [0.2, 0.02] }),
  ]);
  expect(lines(text, 'Learning rate')).toEqual([
    [
      'group 1',
      [
        [1, 0.1],
        [2, 0.2],
      ],
    ],
    [
      'group 2',
      [
        [1, 0.01],
        [2, 0.02],
      ],
    ],
  ]);
});

test('gradients are heat maps, over time for each epoch, with what was found', async () => {
  const steps = { lstm: Array.from({ length: 100 }, () => 0.5), gru: [1, Number.NaN] };
  const gradients = { step: 1, parameters: { weight: 2, frozen: Number.NaN }, steps, findings: ['it <vanishes>'] };
  const text = await ofHistory([epochRecord(1, { loss: 2 }), epochRecord(2, { loss: 1 }, { gradients })]);
  expect(sectionsIn(text)).toEqual(['figures', 'curves', 'training', 'gradients', 'epochs']);
  expect(text).toContain('<li><strong>Epoch 2</strong> it &lt;vanishes&gt;</li>');
  const time = chartsIn(text).get('Gradient norm at the input of each recurrent layer, over time');
  expect(time).toMatchObject({ kind: 'heat', rows: ['lstm', 'gru'], framesAre: 'epoch' });
  if (time?.kind !== 'heat') throw new Error('expected a heat map');
  expect([time.columns.length, time.columns[0], time.columns.at(-1)]).toEqual([50, '1–2', '99–100']);
  expect(time.frames.map(({ name }) => name)).toEqual(['2']);
  expect(time.frames[0]?.values.map((row) => row.slice(0, 2))).toEqual([
    [0.5, 0.5],
    [null, null],
  ]);
  expect(chartsIn(text).get('Gradient norm of each parameter, over the epochs')).toMatchObject({
    rows: ['weight'],
    columns: ['2'],
    frames: [{ values: [[2]] }],
  });
});

test('an evaluation of figures alone is a column, and no section', async () => {
  const text = await ofEvaluation({ figures: { loss: 1.5, perplexity: 4.5 } });
  expect(sectionsIn(text)).toEqual(['figures']);
  expect(text).toContain('<th scope="row">Perplexity</th><td class="number">4.5000</td>');
  expect(text).toContain('<dt>Perplexity, test</dt><dd>4.5000</dd>');
});

test('an evaluation of the validation part leads where there is no test, without what only counts', async () => {
  const text = await ofEvaluation({
    part: 'validation',
    figures: { loss: 1.5, perplexity: 4.5, tokens: 1999, unknown: 1, count: 20 },
  });
  expect(text).toContain('<dt>Perplexity, validation</dt><dd>4.5000</dd><dd class="note">of the kept model');
  expect(text).toContain('<dt>Loss, validation</dt>');
  expect(text).not.toContain('<dt>Tokens, ');
  expect(text).toContain('<th scope="row">Tokens</th><td class="number">1,999</td>');
  expect(text).toContain('<th scope="row">Unknown</th><td class="number">1</td>');
  expect(text).toContain('<th scope="row">Count</th><td class="number">20</td>');
});

test('each part that was evaluated has a section of its own', async () => {
  const labels = [{ label: 'a', count: 3 }];
  expect(sectionsIn(await ofEvaluation({ part: 'validation', labels }, { labels }))).toEqual(['validation', 'test']);
});

test('few labels are a table of counts, with the mistakes by how many they are', async () => {
  const counts = [
    [8, 2, 0],
    [3, 7, 0],
    [0, 0, 0],
  ];
  const text = await ofEvaluation({ confusion: { labels: ['<a>', 'b', 'c'], counts } });
  expect(text).toContain('<td class="number right" style="--share: 0.800">8</td>');
  expect(text).toContain('<td class="number wrong" style="--share: 0.300">3</td>');
  const mistakes = text.slice(text.indexOf('Taken for'));
  expect(mistakes.indexOf('<th scope="row">b</th><td>&lt;a&gt;</td><td class="number">3</td>')).toBeGreaterThan(0);
  expect(mistakes.indexOf('30.0 %')).toBeLessThan(mistakes.indexOf('20.0 %'));
});

test('many labels are a heat map', async () => {
  const labels = Array.from({ length: 20 }, (_, index) => `label ${index}`);
  const counts = labels.map((_, row) => labels.map((__, column) => Number(row === column && row > 0)));
  const chart = chartsIn(await ofEvaluation({ confusion: { labels, counts } })).get('What each label was taken for');
  expect(chart).toMatchObject({ kind: 'heat', rows: labels, columns: labels, value: { unit: 'percent' } });
  if (chart?.kind !== 'heat') throw new Error('expected a heat map');
  expect(chart.frames[0]?.values.slice(0, 2)).toEqual([labels.map(() => null), labels.map((_, i) => Number(i === 1))]);
});

test('labels, calibration, examples, histograms and simpler models are shown where they are', async () => {
  const text = await ofEvaluation({
    figures: { auc: 0.8, loss: 0.5 },
    perClass: [{ label: 'a', precision: Number.NaN, recall: 0.5, f1: 0.25, support: 12 }],
    calibration: [
      { from: 0, to: 0.5, predicted: 0.25, observed: 0.35, count: 30 },
      { from: 0.5, to: 1, predicted: Number.NaN, observed: Number.NaN, count: 0 },
    ],
    examples: {
      worst: Array.from({ length: 7 }, (_, index) => ({
        text: index === 0 ? `<script>${'x'.repeat(2000)}` : `text ${index}`,
        label: 'a',
        predicted: 'b',
        probability: 0.75,
      })),
      uncertain: [{ text: 'alone' }, { text: ' ' }],
    },
    labels: [
      { label: 'few', count: 1 },
      { label: 'many', count: 1200 },
    ],
    lengths: [
      { from: 0, to: 10, count: 4 },
      { from: 10, to: 11, count: 5 },
    ],
    baselines: [{ name: 'logistic regression', figures: { auc: 0.75 } }],
  });
  expect(text).toContain('data-value="0.5"><span class="bar" style="--part: 0.500">0.5000</span>');
  expect(text).toContain('<span class="bar" style="--part: 0">NaN</span>');
  expect(text).toContain('on average 10.0 % apart');
  expect(chartsIn(text).get('Observed share over predicted probability')).toMatchObject({
    bins: [{ count: 30 }, { predicted: null }],
  });
  const [shown, rest] = [`<p dir="auto">&lt;script&gt;${'x'.repeat(392)} …</p>`, `… ${'x'.repeat(1100)} …</p>`];
  expect(text).toContain(`${shown}<details><summary>The rest of it</summary><p dir="auto">${rest}`);
  expect(text).toContain('<span>probability 75.0 %</span>');
  expect(text).toContain('<summary>2 more</summary>');
  expect(text).toContain('<p dir="auto">alone</p>');
  expect(text).toContain('<p class="note">(empty)</p>');
  expect(chartsIn(text).get('Examples of each label')).toMatchObject({ names: ['many', 'few'], values: [1200, 1] });
  expect(chartsIn(text).get('Examples of each length')).toMatchObject({ names: ['0–9', '10'], values: [4, 5] });
  expect(text).toContain('<th scope="row">This model</th><td class="number">0.8000</td>');
  expect(text).toContain('<th scope="row">logistic regression</th><td class="number">0.7500</td>');
});

test('what each token that was written looked at is a heat map of its own', async () => {
  const words = {
    source: ['I', 'know', '.'],
    target: ['Je', 'sais'],
    weights: [
      [0.5, 0.25, 0.25],
      [0, 1, 0],
    ],
  };
  const letters = { source: ['a', 'b'], target: ['A'], weights: [[0.75, 0.25]] };
  const text = await ofEvaluation({ attention: [words, letters, { source: [], target: [], weights: [] }] });
  expect(chartsIn(text).get('I know .')).toMatchObject({
    kind: 'heat',
    columns: words.source,
    rows: words.target,
    frames: [{ values: words.weights }],
  });
  expect(chartsIn(text).get('ab')).toMatchObject({ columns: letters.source });
  expect(text.match(/<figure/g)).toHaveLength(2);
});
