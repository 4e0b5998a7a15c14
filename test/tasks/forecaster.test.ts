import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Forecaster, type ForecasterOptions, type ForecastRow } from '../../src/tasks';
import { scratchFolder } from '../support/scratch';
import { dayAt, quickTides as quick, smallTides as small, tides } from '../support/tides';

let folder = '';
scratchFolder('forecaster', (made) => (folder = made));

const rows = tides(120);
const isBefore = (day: number) => (row: ForecastRow) => String(row['date']) < dayAt(day);
const train = rows.filter(isBefore(90));

async function trained(options: ForecasterOptions = {}, given: readonly ForecastRow[] = train): Promise<Forecaster> {
  const forecaster = new Forecaster({ ...small, ...options });
  await forecaster.fit(given, quick);
  return forecaster;
}

/** Rows whose targets are not known from a day on. */
const until = (day: number, given = rows): ForecastRow[] =>
  given.map((row) => (isBefore(day)(row) ? row : { ...row, sales: null }));

describe('Forecaster', () => {
  it.each<ForecasterOptions>([
    {},
    { cell: 'gru', anchor: 'season', loss: 'mae', quantiles: [], categorical: ['shop'] },
    { cell: 'rnn', anchor: 'none', loss: 'huber', bidirectional: true, numeric: ['rain'] },
    { scaling: 'window', categorical: [] },
    { scaling: 'window', anchor: 'none', quantiles: [0.5] },
    { loss: 'quantile', scaling: 'all', logarithm: true, calendar: true },
    { strategy: 'recursive', known: ['fair'] },
    { strategy: 'recursive', loss: 'quantile', anchor: 'season' },
  ])('learns how series go on, and answers alike after save and load: %o', async (options) => {
    const forecaster = await trained(options);
    const evaluation = await forecaster.evaluate(rows, { from: dayAt(90) });
    const [persistence, seasonal] = evaluation.baselines;
    expect([persistence?.name, seasonal?.name]).toEqual(['persistence', 'seasonal naive (8 steps)']);
    expect(evaluation.scaledMse).toBeLessThan(0.5 * (seasonal?.figures.scaledMse ?? 0));
    expect(evaluation.scaledMse).toBeLessThan(0.3 * (persistence?.figures.scaledMse ?? 0));
    expect(evaluation.rmse).toBeLessThan(0.7 * (seasonal?.figures.rmse ?? 0));
    expect(evaluation.count).toBe(2 * 27); // of each shop, from the 90th day to the last with four days behind it
    expect(evaluation.steps).toHaveLength(4);
    const path = join(folder, 'forecast.safetensors');
    await forecaster.save(path);
    const again = await Forecaster.load(path);
    expect(again.options).toEqual(forecaster.options);
    expect(again.columns).toEqual(forecaster.columns);
    expect(await again.evaluate(rows, { from: dayAt(90) })).toEqual(evaluation);
    expect(await again.predictAll(until(100))).toEqual(await forecaster.predictAll(until(100)));
  });

  it('forecasts each series behind its last value, in its own units, between its quantiles', async () => {
    const forecaster = await trained();
    const forecasts = await forecaster.predictAll(until(100));
    expect(forecasts.map(({ series }) => series)).toEqual(['north', 'south']);
    for (const { series, steps } of forecasts) {
      expect(steps.map(({ time }) => time)).toEqual([100, 101, 102, 103].map(dayAt));
      for (const { time, values, quantiles } of steps) {
        const truth = Number(rows.find((row) => row['shop'] === series && row['date'] === time)?.['sales']);
        expect(Math.abs((values['sales'] ?? 0) - truth)).toBeLessThan(series === 'north' ? 3 : 30);
        const around = Object.values(quantiles?.['sales'] ?? {});
        expect(Object.keys(quantiles?.['sales'] ?? {})).toEqual(['0.1', '0.5', '0.9']);
        expect(around).toEqual([...around].sort((a, b) => a - b));
      }
    }
    const north = until(100).filter(({ shop }) => shop === 'north');
    const rounded = (given: unknown): unknown =>
      JSON.parse(JSON.stringify(given), (_, value: unknown) => (typeof value === 'number' ? value.toFixed(3) : value));
    expect(rounded(await forecaster.predict(north))).toEqual(rounded(forecasts[0]));
    expect(rounded(await forecaster.predict([north, north]))).toEqual(rounded([forecasts[0], forecasts[0]]));
    const reversed = await forecaster.predictAll(until(100).toReversed());
    expect(rounded(reversed.toReversed())).toEqual(rounded(forecasts));
  });

  it.each<ForecasterOptions>([
    {},
    { strategy: 'recursive' },
    { scaling: 'window', anchor: 'season', numeric: ['rain'] },
  ])('reads nothing of what comes after, and figures are those of its forecasts: %o', async (options) => {
    const holes = rows.map((row, place) => (place % 13 === 10 ? { ...row, sales: null } : row));
    const forecaster = new Forecaster({ ...small, ...options });
    await forecaster.fit(holes.filter(isBefore(60)), { ...quick, epochs: 2 });
    const known = until(100, holes).map((row) => (isBefore(100)(row) ? row : { ...row, rain: null }));
    const forecasts = await forecaster.predictAll(known);
    const errors = forecasts.flatMap(({ series, steps }) =>
      steps.flatMap(({ time, values }) => {
        const truth = holes.find((row) => row['shop'] === series && row['date'] === time)?.['sales'];
        return typeof truth === 'number' ? [truth - (values['sales'] ?? 0)] : [];
      }),
    );
    const { mae, rmse, count } = await forecaster.evaluate(holes, { from: dayAt(100), stride: 100 });
    expect([count, errors.length < 8]).toEqual([2, true]);
    expect(mae).toBeCloseTo(
      errors.reduce((sum, error) => sum + Math.abs(error) / errors.length, 0),
      3,
    );
    expect(rmse).toBeCloseTo(Math.sqrt(errors.reduce((sum, error) => sum + error ** 2 / errors.length, 0)), 3);
  });

  it('measures its intervals: about as much of the truth lies in them as should', async () => {
    for (const strategy of ['direct', 'recursive'] as const) {
      const { coverage, nominalCoverage } = await (await trained({ strategy })).evaluate(train);
      expect(nominalCoverage).toBeCloseTo(0.8, 12);
      expect(coverage).toBeGreaterThan(0.6);
      expect(coverage).toBeLessThan(0.97);
    }
  });

  it('gives baselines their exact figures', async () => {
    const forecaster = new Forecaster({ target: 'x', time: 't', window: 4, horizon: 2, season: 4, hiddenSize: 4 });
    const given = Array.from({ length: 24 }, (_, t) => ({ t, x: (t % 4) + t / 100 }));
    await forecaster.fit(given, { ...quick, epochs: 1 });
    const { baselines, count } = await forecaster.evaluate(given.slice(0, 6));
    expect(count).toBe(1); // forecast 0.04 and 1.05 by 3.03, or by 0 and 1.01
    expect(baselines[0]?.figures.mae).toBeCloseTo((2.99 + 1.98) / 2, 10);
    expect(baselines[1]?.figures.mae).toBeCloseTo(0.04, 10);
    expect(baselines[1]?.figures.rmse).toBeCloseTo(0.04, 10);
  });

  it('forecasts several targets at once, each with figures of its own', async () => {
    const forecaster = await trained({ target: ['sales', 'rain'], numeric: [], quantiles: [] });
    const evaluation = await forecaster.evaluate(rows, { from: dayAt(90), stride: 4 });
    expect(evaluation.count).toBe(2 * 7);
    expect(Object.keys(evaluation.targets ?? {})).toEqual(['sales', 'rain']);
    expect(evaluation.targets?.['rain']?.mae).toBeLessThan(1);
    expect(evaluation).not.toHaveProperty('coverage');
    const [first] = await forecaster.predictAll(
      until(100).map((row) => ({ ...row, rain: row['sales'] && row['rain'] })),
    );
    expect(Object.keys(first?.steps[0]?.values ?? {})).toEqual(['sales', 'rain']);
    expect(first?.steps[0]).not.toHaveProperty('quantiles');
  });

  it('fills missing rows and values, and leaves them out of loss and figures', async () => {
    const holes = rows
      .filter((_, place) => place % 7 !== 3)
      .map((row, place) => (place % 9 ? row : { ...row, sales: '' }));
    const forecaster = await trained({}, holes.filter(isBefore(90)));
    const { count, scaledMse, baselines } = await forecaster.evaluate(holes, { from: dayAt(90) });
    expect(count).toBeGreaterThan(40);
    expect(scaledMse).toBeLessThan(baselines[0]?.figures.scaledMse ?? 0);
    // A value that is missing is not asked for: changing it where it is put in its place changes no figure.
    const bare = holes.filter((row) => row['sales'] !== '' || String(row['date']) >= dayAt(118));
    expect((await forecaster.evaluate(bare, { from: dayAt(90) })).count).toBe(count);
  });

  it('goes on training with the scales that it has', async () => {
    const forecaster = await trained();
    const before = await forecaster.evaluate(rows, { from: dayAt(90) });
    await forecaster.fit(rows, { ...quick, epochs: 10 });
    expect((await forecaster.evaluate(rows, { from: dayAt(90) })).scaledMse).toBeLessThan(before.scaledMse);
  });

  it('tests back from rolling origins', async () => {
    const forecaster = new Forecaster(small);
    const { folds, baselines, rmse } = await forecaster.backtest(rows, { folds: 2, size: 8, fit: quick });
    expect(folds.map(({ from, count }) => [from, count])).toEqual([
      [dayAt(104), 10],
      [dayAt(112), 10],
    ]);
    expect(rmse).toBeCloseTo(((folds[0]?.rmse ?? 0) + (folds[1]?.rmse ?? 0)) / 2, 10);
    expect(rmse).toBeLessThan(baselines[1]?.figures.rmse ?? 0);
    expect(forecaster.model).toBeUndefined();
  });

  it('measures what there is of a fold where the last values of a series are missing', async () => {
    const forecaster = new Forecaster({ ...small, known: [] });
    const tested = async (given: readonly ForecastRow[]) => {
      const { folds } = await forecaster.backtest(given, { folds: 2, fit: { ...quick, epochs: 1 } });
      return folds.map(({ from, count, baselines }) => ({ from, count, naive: baselines[0]?.figures.mae ?? 0 }));
    };
    const isHole = (row: ForecastRow): boolean =>
      row['shop'] === 'south' && (row['date'] === dayAt(115) || String(row['date']) >= dayAt(118));
    const empty = await tested(rows.map((row) => (isHole(row) ? { ...row, sales: null } : row)));
    const absent = await tested(rows.filter((row) => !isHole(row)));
    expect(empty.map(({ from, count }) => [from, count])).toEqual([
      [dayAt(112), 2],
      [dayAt(116), 2],
    ]);
    expect(absent).toEqual(empty);
    const salesOf = (shop: string, day: number): number =>
      Number(rows.find((row) => row['shop'] === shop && row['date'] === dayAt(day))?.['sales']);
    const errors = [112, 113, 114, 115].flatMap((day) =>
      ['north', 'south'].flatMap((shop) =>
        shop === 'south' && day === 115 ? [] : [Math.abs(salesOf(shop, day) - salesOf(shop, 111))],
      ),
    );
    expect(empty[0]?.naive).toBeCloseTo(
      errors.reduce((sum, error) => sum + error / 7, 0),
      10,
    );
  });

  it('leaves a run folder whose validation is in its report', async () => {
    const output = join(folder, 'run');
    const forecaster = new Forecaster(small);
    const validation = rows.filter((row) => !isBefore(78)(row));
    const history = await forecaster.fit(train, { ...quick, epochs: 3, output, validation });
    expect(history.epochs.at(-1)?.validation?.loss).toBeGreaterThan(0);
    const again = await Forecaster.load(join(output, 'model.safetensors'));
    expect(await again.evaluate(validation)).toEqual(await forecaster.evaluate(validation));
  });
});
