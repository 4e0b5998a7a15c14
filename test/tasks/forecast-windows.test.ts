import { expect, test } from 'vitest';
import { ForecastEncoder, type EncodedSeries } from '../../src/tasks/forecast-encoder';
import { seriesOf } from '../../src/tasks/forecast-rows';
import { anchorOf, ForecastWindows, originsOf, seasonBefore, type WindowForm } from '../../src/tasks/forecast-windows';
import { Forecaster, type ForecasterOptions, type ForecastRow } from '../../src/tasks';

const form: WindowForm = { window: 3, horizon: 2, anchor: 'last', scaling: 'series', season: 2 };

/** Series as they are read: y is the target, z is known beforehand, kind says the same in all rows of a series. */
function encoded(rows: readonly ForecastRow[], options: ForecasterOptions = {}, ahead = 0): EncodedSeries[] {
  const settings = new Forecaster({
    target: 'y',
    time: 't',
    series: 's',
    known: ['z'],
    numeric: [],
    categorical: ['kind'],
    minFrequency: 1,
    ...options,
  }).options;
  const series = seriesOf('test', rows, settings);
  const encoder = ForecastEncoder.fit('test', series, settings);
  return series.map((one) => encoder.encode('test', one, ahead));
}

const rows: ForecastRow[] = ['a', 'b'].flatMap((s, which) =>
  Array.from({ length: 8 }, (_, t) => ({ s, t, y: 100 * which + t, z: t % 2, kind: `k${which}` })),
);
/** Values of 0 to 7 with mean 0 and deviation 1. */
const scaled = (t: number): number => (t - 3.5) / Math.sqrt(5.25);
const rounded = (numbers: ArrayLike<number>): number[] => Array.from(numbers, (one) => Number(one.toFixed(4)) + 0);
const expected = (numbers: readonly number[]): number[] => rounded(numbers);

test('targets are scaled series by series, so that both are alike', () => {
  const [a, b] = encoded(rows);
  expect(rounded(a!.targets.scaled)).toEqual(expected([0, 1, 2, 3, 4, 5, 6, 7].map(scaled)));
  expect(b!.targets.scaled).toEqual(a!.targets.scaled);
  const [low] = encoded(rows, { scaling: 'all' });
  expect(low!.targets.scales[0]?.mean).toBe(53.5);
});

test('a window has the targets, their differences from the anchor, and what is known; then the steps ahead', () => {
  const [a] = encoded(rows);
  const origins = originsOf(a!, form);
  expect(origins.map(({ at }) => at)).toEqual([3, 4, 5, 6]);
  const item = new ForecastWindows(origins, form).at(1);
  const [one] = [scaled(1) - scaled(0)];
  const z = (t: number): number => (t % 2 === 0 ? -1 : 1);
  expect(item.input.shape).toEqual([3, 3]);
  expect(rounded(item.input.data)).toEqual(expected([1, 2, 3].flatMap((t) => [scaled(t), (t - 3) * one, z(t)])));
  expect(rounded(item.target.data)).toEqual(expected([one, 2 * one]));
  expect(rounded(item.ahead!.data)).toEqual([z(4), z(5)]);
  expect(Array.from(item.categories!.data)).toEqual([1, 1, 1]);
  expect(Array.from(item.aheadCategories!.data)).toEqual([1, 1]);
  expect(item).not.toHaveProperty('scale');
});

test('anchors: the season before, none, and the scale of a window', () => {
  const [a] = encoded(rows);
  const origin = { series: a!, at: 6 };
  expect(rounded(anchorOf(origin, { ...form, anchor: 'season' }))).toEqual(expected([scaled(4), scaled(5)]));
  expect(Array.from(anchorOf(origin, { ...form, anchor: 'none' }))).toEqual([0, 0]);
  expect([0, 1, 2, 3, 4].map((step) => seasonBefore(10, step, 3))).toEqual([7, 8, 9, 7, 8]);
  const own = new ForecastWindows([origin], { ...form, scaling: 'window' }).at(0);
  const deviation = Math.sqrt(2 / 3);
  expect(rounded(own.input.data.filter((_, place) => place % 2 === 0))).toEqual(
    expected([-2 / deviation, -1 / deviation, 0]),
  );
  expect(rounded(own.scale!.data)).toEqual(expected([(scaled(1) - scaled(0)) * deviation]));
  const around = { ...form, scaling: 'window', anchor: 'none' } as const;
  expect(rounded(anchorOf(origin, around))).toEqual(expected([scaled(4), scaled(4)]));
});

test('what is missing is filled with the value before, marked, and weighs nothing', () => {
  const holes = rows.filter(({ t }) => t !== 4).map((row) => (row['t'] === 6 ? { ...row, y: null } : row));
  const [a] = encoded(holes);
  const { values, filled } = a!.targets;
  expect(Array.from(values)).toEqual([0, 1, 2, 3, Number.NaN, 5, Number.NaN, 7]);
  expect(Array.from(filled)).toEqual([0, 1, 2, 3, 3, 5, 5, 7]);
  expect(a!.flags).toBe(1);
  const item = new ForecastWindows([{ series: a!, at: 5 }], form).at(0);
  expect(Array.from(item.weight.data)).toEqual([1, 0]);
  expect(Array.from(item.input.data).filter((_, place) => place % 5 === 2)).toEqual([0, 0, 1]); // steps 2, 3 and 4
});

test('windows whose values are all missing are left out, and those at the end end with the last value', () => {
  const [a] = encoded(
    rows.map((row) => ((row['t'] as number) < 4 || row['t'] === 7 ? { ...row, y: '' } : row)),
    {},
    2,
  );
  expect([a!.past, a!.steps]).toEqual([7, 9]);
  expect(originsOf(a!, form).map(({ at }) => at)).toEqual([5]);
});
