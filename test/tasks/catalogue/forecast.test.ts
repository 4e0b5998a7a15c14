import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { forecast } from '../../../src/tasks/catalogue/forecast';
import { fileMaker, refusal } from '../../support/text-file';
import { dayAt, quickTides, smallTides, tides } from '../../support/tides';

const file = fileMaker();
const settings = { target: ['sales'], series: 'shop' };

test('rows of a table, of a stream, and of JSON Lines', async () => {
  const row = { date: '2024-01-01', shop: 'a', sales: '5' };
  const text = 'date,shop,sales\n2024-01-01,a,5\n';
  expect(await forecast.examples({ from: file('sales.csv', text), settings })).toEqual([row]);
  expect(await forecast.examples({ from: new PassThrough().end(text), settings })).toEqual([row]);
  const lines = file('sales.jsonl', '{"date":"2024-01-01","shop":"a","sales":5}\n');
  expect(await forecast.examples({ from: lines, settings })).toEqual([{ ...row, sales: 5 }]);
  expect(await refusal(forecast.examples({ from: file('odd.jsonl', '3\n'), settings }))).toContain('got 3 in');
  const other = file('other.csv', 'date;sales\n1;2\n');
  await expect(forecast.examples({ from: other, settings: {} })).rejects.toThrow(
    'without columns date and value, expected columns that say when and what (date, value) among date;sales.\n' +
      "  Fix: pass --delimiter ';' if that divides the fields, or name the columns that are meant by --time",
  );
  expect(forecast.examplesText?.(tides(5), settings)).toBe('10 rows of 2 series');
  expect(forecast.examplesText?.(tides(5), {})).toBe('10 rows');
});

test('the end of each series is held back, behind a window and a season that are read, in any order', () => {
  const rows = tides(60).toReversed();
  const {
    train = [],
    validation = [],
    how,
  } = forecast.holdBack(rows, 0.1, 1, { ...settings, window: 5, horizon: 2 }) ?? {};
  const days = (part: typeof train, shop: string): unknown[] =>
    part.filter((row) => row['shop'] === shop).map((row) => row['date']);
  for (const shop of ['north', 'south']) {
    expect(days(train, shop)).toEqual(Array.from({ length: 54 }, (_, day) => dayAt(day)));
    expect(days(validation, shop)).toEqual(Array.from({ length: 13 }, (_, day) => dayAt(47 + day)));
  }
  expect(how).toBe('the last 10 % in time, or a horizon, and the 7 rows before them');
  expect(forecast.holdBack(tides(20), 0.1, 1, settings)).toBeUndefined();
});

test('one input by itself is refused, and a run is asked about a table', () => {
  expect(() => forecast.inputOf('x')).toThrow('got an input by itself, expected the rows of all series');
  expect(forecast.askCommand('run')).toBe('stmnet predict run --data FILE');
});

test('answers are lines with the names of the columns', async () => {
  const task = forecast.make({ ...smallTides, known: [], target: ['sales', 'rain'], quantiles: [] });
  await task.fit(tides(40) as never[], { ...quickTides, epochs: 1 });
  const lines = tides(40).map((row) => JSON.stringify(row));
  const from = file('tides.jsonl', `${lines.join('\n')}\n`);
  const told: string[] = [];
  const answers = (await forecast.answers?.(task, { from, settings }, (line) => told.push(line))) ?? [];
  expect(told).toEqual(['forecast: the 4 steps after the last value of each series; shop, date, sales, rain']);
  expect(answers).toHaveLength(8);
  expect(Object.keys(answers[0] ?? {})).toEqual(['shop', 'date', 'sales', 'rain']);
  expect(answers[4]).toMatchObject({ shop: 'south', date: dayAt(40) });
  expect(forecast.measuredInputs?.(task)).toHaveLength(100);
});
