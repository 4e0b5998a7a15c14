import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExtras } from '../../src/index';
import { simulatePurchases } from '../../src/datasets';
import { EventClassifier, writeEvaluation, type EventClassifierOptions } from '../../src/tasks';
import type { EventRow, LabelledEvents } from '../../src/tasks';
import { scratchFolder } from '../support/scratch';
import { quickEvents as quick, smallEvents as small, visits as rows } from '../support/visits';

let folder = '';
scratchFolder('event-classifier', (made) => (folder = made));

const CUT_OFF = 120;

async function trained(options: EventClassifierOptions = {}, given: readonly EventRow[] = rows) {
  const classifier = new EventClassifier({ ...small, ...options });
  await classifier.fit(
    given.filter(({ date }) => Number(date) <= CUT_OFF),
    quick,
  );
  return classifier;
}

/** A date of a day since 2024-01-01. */
const dateOf = (day: number): string => new Date(Date.UTC(2024, 0, 1) + 86_400_000 * day).toISOString().slice(0, 10);
const withDates = (given: readonly EventRow[]): EventRow[] =>
  given.map((row) => ({ ...row, date: dateOf(Number(row['date'])) }));

describe('EventClassifier', () => {
  it.each<EventClassifierOptions>([
    {},
    { cell: 'gru', pooling: 'attention', bidirectional: true, maxLength: 5 },
    { cell: 'rnn', pooling: 'mean', numLayers: 2, normalization: 'layer', residual: true, cutOffs: 2 },
    { pooling: 'max', categorical: ['kind'], numeric: [], value: undefined },
  ])('learns what happens, and answers alike after save and load: %o', async (options) => {
    const classifier = await trained(options);
    const evaluation = await classifier.evaluate(rows, { cutOff: CUT_OFF });
    expect(evaluation.auroc).toBeGreaterThan(0.98);
    expect(evaluation.auroc).toBeGreaterThan(evaluation.baselines[0]?.figures.auroc ?? 1);
    expect(evaluation.accuracy).toBeGreaterThan(0.9);
    const path = join(folder, 'events.safetensors');
    await classifier.save(path);
    const again = await EventClassifier.load(path);
    expect(again.options).toEqual(classifier.options);
    expect(again.columns).toEqual(classifier.columns);
    expect(await again.evaluate(rows, { cutOff: CUT_OFF })).toEqual(evaluation);
    expect(await again.predictAll(rows)).toEqual(await classifier.predictAll(rows));
  });

  it('finds out what columns hold', async () => {
    const given = rows.map((row, place) => ({ ...row, price: String(row['price']), bill: `b${place}`, empty: null }));
    const classifier = await trained({}, given);
    expect(classifier.columns).toEqual({ numeric: ['price'], categorical: ['kind'], leftOut: ['bill', 'empty'] });
    const named = await trained({ numeric: [], categorical: ['price', 'kind'] }, given);
    expect(named.columns).toEqual({ numeric: [], categorical: ['price', 'kind'], leftOut: ['bill', 'empty'] });
  });

  it('learns from customers and dates alone', async () => {
    const given = rows.map(({ customer, date }) => ({ customer, date }));
    const classifier = await trained({}, given);
    expect(classifier.columns).toEqual({ numeric: [], categorical: [], leftOut: [] });
    const { auroc, baselines } = await classifier.evaluate(given, { cutOff: CUT_OFF });
    expect(auroc).toBeGreaterThan(0.9);
    expect(baselines[0]?.name).toBe('logistic regression on recency and frequency');
  });

  it('answers about one customer, several, and all of a table', async () => {
    const classifier = await trained();
    const of = (customer: string): EventRow[] => rows.filter((row) => row['customer'] === customer);
    const [loyal, gone] = await classifier.predict([of('c2'), of('c3')], { cutOff: 100 });
    expect([loyal?.customer, gone?.customer]).toEqual(['c2', 'c3']);
    expect(loyal?.probability).toBeGreaterThan(0.9);
    expect(gone?.probability).toBeLessThan(0.1);
    const alone = await classifier.predict(of('c2'), { cutOff: 100 });
    expect(alone.probability).toBeCloseTo(loyal?.probability ?? 0, 5);
    const all = await classifier.predictAll(rows, { cutOff: 100 });
    const known = Array.from({ length: 34 }, (_, who) => who); // 3 · 33 < 100
    expect(all.map(({ customer }) => customer)).toEqual(known.map((who) => `c${who}`));
    expect(all[2]?.probability).toBeCloseTo(alone.probability, 5);
    const { customer: _, ...nameless } = of('c2')[0] ?? {};
    expect(await classifier.predict([nameless])).not.toHaveProperty('customer');
    expect(await classifier.predict([])).toEqual([]);
  });

  it('asks about each of several customers from its own last row, as about one alone', async () => {
    const classifier = await trained();
    const of = (customer: string, until: number): EventRow[] =>
      rows.filter((row) => row['customer'] === customer && Number(row['date']) <= until);
    const [early, late] = [of('c2', 30), of('c4', 200)];
    const alone = [await classifier.predict(early), await classifier.predict(late)];
    const together = await classifier.predict([early, late]);
    expect(together.map(({ customer }) => customer)).toEqual(['c2', 'c4']);
    for (const [place, { probability }] of together.entries())
      expect(probability).toBeCloseTo(alone[place]?.probability ?? Number.NaN, 5);
  });

  it('looks from the last row of all that are given, if it is not told from where', async () => {
    const classifier = await trained();
    const known = rows.filter(({ date }) => Number(date) <= 100);
    expect(await classifier.predictAll([...known, { customer: 'new', date: 100 }])).toEqual(
      await classifier.predictAll([...rows, { customer: 'new', date: 100 }], { cutOff: 100 }),
    );
    const last = Math.max(...known.map(({ date }) => Number(date)));
    expect(await classifier.evaluate(known)).toEqual(await classifier.evaluate(known, { cutOff: last - 20 }));
  });

  it('sees nothing of what is after the cut-off, but whether it happened', async () => {
    const changed = rows.map((row) =>
      Number(row['date']) > CUT_OFF ? { ...row, price: 1e6, kind: 'odd', extra: 'new' } : row,
    );
    const [one, two] = [new EventClassifier(small), new EventClassifier(small)];
    await one.fit(rows, { ...quick, cutOff: CUT_OFF });
    await two.fit(changed, { ...quick, cutOff: CUT_OFF });
    expect(two.columns).toEqual(one.columns);
    expect(await two.predictAll(rows, { cutOff: 90 })).toEqual(await one.predictAll(rows, { cutOff: 90 }));
    expect(await one.evaluate(changed, { cutOff: CUT_OFF })).toEqual(await one.evaluate(rows, { cutOff: CUT_OFF }));
    const later = rows.filter(({ date }) => Number(date) <= CUT_OFF || Number(date) > CUT_OFF + 20);
    const { share } = await one.evaluate(later, { cutOff: CUT_OFF });
    expect(share).toBe(0); // it happens within the horizon, or it does not
  });

  it('counts rows of one value alone as what is asked for', async () => {
    const classifier = await trained({ targetColumn: 'kind', targetValue: 'gift', horizon: 25 });
    const { share, count } = await classifier.evaluate(rows, { cutOff: 40 });
    const gifts = rows.filter((row) => row['kind'] === 'gift' && Number(row['date']) > 40 && Number(row['date']) <= 65);
    const known = new Set(rows.filter(({ date }) => Number(date) <= 40).map((row) => row['customer']));
    const asked = gifts.filter((row) => known.has(row['customer'] ?? ''));
    expect(asked.length).toBeGreaterThan(0);
    expect({ share, count }).toEqual({ share: asked.length / known.size, count: known.size });
  });

  it('reads dates, timestamps and numbers of days alike', async () => {
    const dated = withDates(rows);
    const stamped = dated.map((row) => ({ ...row, date: `${row['date']}T02:00:00+02:00` }));
    const compact = dated.map((row) => ({ ...row, date: Number(String(row['date']).replaceAll('-', '')) }));
    const texts = rows.map((row) => ({ ...row, date: String(row['date']) }));
    const fit = async (given: readonly EventRow[]): Promise<unknown> => {
      const classifier = new EventClassifier(small);
      await classifier.fit(given, { ...quick, epochs: 2 });
      return (await classifier.predictAll(given)).map(({ probability }) => probability);
    };
    const answers = await fit(rows);
    for (const given of [dated, stamped, compact, texts]) expect(await fit(given)).toEqual(answers);
    const classifier = new EventClassifier(small);
    await classifier.fit(dated, { ...quick, epochs: 1, cutOff: '2024-04-30' });
    expect((await classifier.evaluate(dated, { cutOff: '2024-04-30T00:00Z' })).count).toBe(40);
  });

  it('learns from sequences whose answer is given', async () => {
    const examples: LabelledEvents[] = Array.from({ length: 40 }, (_, at) => ({
      events: rows.filter((row) => row['customer'] === `c${at}`).slice(0, 3 + (at % 4)),
      label: at % 2 === 0 ? (1 as const) : false,
      ...(at === 4 ? { cutOff: 1000 } : {}),
    }));
    const classifier = new EventClassifier({ ...small, pooling: 'max' });
    await classifier.fit(examples, { ...quick, validation: examples.slice(0, 10) });
    const sequences = examples.map(({ events }) => events);
    const path = join(folder, 'labelled.safetensors');
    await classifier.save(path);
    const again = await EventClassifier.load(path);
    const [, second] = await again.predict(sequences.slice(0, 2));
    expect(second?.probability).toBeCloseTo((await again.predict(sequences[1] ?? [])).probability, 5);
    expect((await classifier.evaluate(examples)).count).toBe(40);
  });

  it('takes empty cells and new categories', async () => {
    const holes = rows.map((row, place) => ({
      ...row,
      price: place % 3 === 0 ? null : row['price'],
      kind: place % 4 === 0 ? '' : row['kind'],
    }));
    const classifier = await trained({}, holes);
    const one = rows.filter((row) => row['customer'] === 'c2');
    const answer = await classifier.predict(one.map((row) => ({ ...row, kind: 'never seen', price: 1e300 })));
    expect(answer.probability).toBeGreaterThan(0);
    expect(answer.probability).toBeLessThan(1);
    const plain = await trained();
    const other = await plain.predict(one.map((row) => ({ ...row, kind: 'never seen' })));
    expect(other).toEqual(await plain.predict(one.map((row) => ({ ...row, kind: 'other' }))));
  });

  it('gives the same weights for the same seed, and goes on with the same model', async () => {
    const [one, two] = [await trained(), await trained()];
    expect(await one.predictAll(rows)).toEqual(await two.predictAll(rows));
    const { model } = one;
    await one.fit(rows, { ...quick, epochs: 1 });
    expect(one.model).toBe(model);
    expect(await one.predictAll(rows)).not.toEqual(await two.predictAll(rows));
  });

  it('leaves a run folder, and goes on from it bit for bit', async () => {
    const fit = async (output: string, epochs: number, resume = false): Promise<EventClassifier> => {
      const classifier = new EventClassifier({ ...small, dropout: 0.2 });
      const others = rows.map((row) => ({ ...row, customer: `other ${row['customer']}` }));
      await classifier.fit(rows, {
        ...quick,
        validation: others,
        output: join(folder, output),
        resume,
        epochs,
        cutOff: CUT_OFF,
        keep: 'last',
      });
      return classifier;
    };
    const whole = await fit('whole', 4);
    const config: unknown = JSON.parse(readFileSync(join(folder, 'whole', 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      task: 'events',
      options: { horizon: 20 },
      training: { epochs: 4, seed: 3, cutOff: CUT_OFF },
    });
    const [examined] = JSON.parse(readFileSync(join(folder, 'whole', 'evaluation.json'), 'utf8')) as unknown[];
    expect(examined).toMatchObject({ part: 'validation', baselines: [{ figures: { auroc: expect.any(Number) } }] });
    const again = await fit('whole', 4, true);
    expect(await again.predictAll(rows)).toEqual(await whole.predictAll(rows));
    const loaded = await EventClassifier.load(join(folder, 'whole', 'model.safetensors'));
    expect(await loaded.predictAll(rows)).toEqual(await whole.predictAll(rows));
    expect(await loadExtras(join(folder, 'whole', 'model.safetensors'))).toMatchObject({ task: 'events' });
  });
});

describe('the evaluation of an EventClassifier', () => {
  it('has a logistic regression of the least cross entropy beside it', async () => {
    const { rows: bought, cutOff } = simulatePurchases({ customers: 400, days: 365, horizon: 90, seed: 4 });
    const classifier = new EventClassifier({ horizon: 90, hiddenSize: 4, cutOffs: 1 });
    await classifier.fit(bought, { epochs: 1, seed: 1, progress: false, cutOff });
    const [baseline] = (await classifier.evaluate(bought, { cutOff })).baselines; // on what it learned from
    expect(baseline?.name).toBe('logistic regression on recency, frequency, value');
    const end = Date.parse(cutOff);
    const customers = [...new Set(bought.filter(({ date }) => date <= cutOff).map(({ customer }) => customer))];
    const features = customers.map((customer) => {
      const of = bought.filter((row) => row.customer === customer && row.date <= cutOff);
      const recency = (end - Date.parse(of.at(-1)?.date ?? '')) / 86_400_000;
      const value = of.reduce((sum, { amount }) => sum + amount / of.length, 0);
      return [1, Math.log1p(recency), Math.log1p(of.length), Math.log1p(value)];
    });
    const truth = customers.map((customer) =>
      Number(bought.some((row) => row.customer === customer && row.date > cutOff)),
    );
    expect(baseline?.figures.logLoss).toBeCloseTo(leastCrossEntropy(features, truth), 5);
  });

  it('fits what it is asked about', async () => {
    const classifier = await trained();
    const evaluation = await classifier.evaluate(rows, { cutOff: CUT_OFF });
    const { calibration, count, share, loss, logLoss } = evaluation;
    expect(count).toBe(40);
    expect(loss).toBe(logLoss);
    expect(calibration.map(({ from }) => from)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    expect(calibration.reduce((sum, bin) => sum + bin.count, 0)).toBe(40);
    const happened = calibration.reduce((sum, bin) => sum + (bin.count === 0 ? 0 : bin.observed * bin.count), 0);
    expect(happened).toBeCloseTo(40 * share, 10);
    const answers = await classifier.predictAll(rows, { cutOff: CUT_OFF });
    const likely = answers.filter(({ probability }) => probability >= 0.9).map(({ probability }) => probability);
    expect(calibration[9]?.count).toBe(likely.length);
    expect(calibration[9]?.predicted).toBeCloseTo(likely.reduce((a, b) => a + b, 0) / likely.length, 10);
  });

  it('goes into a report', async () => {
    const classifier = await trained();
    const { auroc, baselines } = await classifier.evaluate(rows, { cutOff: CUT_OFF });
    const record = await classifier.examine(rows, 'test', { cutOff: CUT_OFF });
    expect(record).toMatchObject({ part: 'test', figures: { auroc }, baselines, calibration: { length: 10 } });
    expect(record.labels?.map(({ label, count }) => [label, count])).toEqual([
      ['no', expect.any(Number)],
      ['yes', expect.any(Number)],
    ]);
    expect(record.confusion?.counts.flat().reduce((sum, count) => sum + count)).toBe(40);
    expect(record.lengths?.reduce((sum, { count }) => sum + count, 0)).toBe(40);
    expect(record.examples?.uncertain).toHaveLength(20);
    expect(record.examples?.uncertain?.[0]?.text).toMatch(
      /^c\d+: (?:1 event|\d+ events), the last (?:1 day|\d+ days) before the cut-off$/,
    );
    await writeEvaluation(folder, record);
    expect(readFileSync(join(folder, 'evaluation.json'), 'utf8')).toContain('logistic regression');
  });
});

/** By Newton's method, on features that are not scaled. */
function leastCrossEntropy(features: readonly (readonly number[])[], truth: readonly number[]): number {
  const size = features[0]?.length ?? 0;
  let weights = new Array<number>(size).fill(0);
  const chance = (row: readonly number[]): number =>
    1 / (1 + Math.exp(-row.reduce((sum, feature, at) => sum + feature * (weights[at] ?? 0), 0)));
  for (let round = 0; round < 30; round++) {
    const equations = Array.from({ length: size }, () => new Array<number>(size + 1).fill(0));
    features.forEach((row, example) => {
      const p = chance(row);
      row.forEach((a, i) => {
        row.forEach((b, j) => (equations[i]![j]! += a * b * p * (1 - p)));
        equations[i]![size]! += a * ((truth[example] ?? 0) - p);
      });
    });
    const change = solved(equations);
    weights = weights.map((weight, at) => weight + (change[at] ?? 0));
  }
  return features.reduce((sum, row, example) => {
    const p = chance(row);
    return sum - Math.log(truth[example] === 1 ? p : 1 - p) / features.length;
  }, 0);
}

/** The solution of linear equations, each with its right side at the end, by elimination. */
function solved(equations: number[][]): number[] {
  equations.forEach((pivot, at) => {
    for (const [other, row] of equations.entries()) {
      if (other === at) continue;
      const factor = row[at]! / pivot[at]!;
      row.forEach((_, column) => (row[column]! -= factor * pivot[column]!));
    }
  });
  return equations.map((row, at) => row.at(-1)! / row[at]!);
}
