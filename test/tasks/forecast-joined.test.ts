import { expect, test } from 'vitest';
import { momentAfter, seasonOf, stepOf } from '../../src/tasks/forecast-time';
import { joinedStep } from '../../src/tasks/forecast-joined';
import { Forecaster, type ForecastRow } from '../../src/tasks';

const DAY = 86_400_000;
const HOUR = DAY / 24;
/** A Monday. */
const MONDAY = Date.UTC(2023, 0, 2);
const days = (count: number, keep: (day: number) => boolean): number[] =>
  Array.from({ length: count }, (_, day) => day)
    .filter(keep)
    .map((day) => MONDAY + day * DAY);
const weekdays = (count: number): number[] => days(count, (day) => day % 7 < 5);
const joined = (moments: readonly number[]) => joinedStep([moments], stepOf([moments], true)!);
const dates = (moments: readonly number[], count: number): string[] => {
  const step = joined(moments);
  return Array.from({ length: count }, (_, place) =>
    new Date(momentAfter(moments.at(-1) ?? 0, place + 1, step)).toISOString().replace(':00:00.000Z', ''),
  );
};

test('weekdays go on with weekdays, holidays and a Saturday of trade notwithstanding', () => {
  const expected = [
    '2023-02-06T00',
    '2023-02-07T00',
    '2023-02-08T00',
    '2023-02-09T00',
    '2023-02-10T00',
    '2023-02-13T00',
  ];
  expect(dates(weekdays(33), 6)).toEqual(expected);
  expect(
    dates(
      days(33, (day) => (day % 7 < 5 && day !== 10) || day === 19),
      6,
    ),
  ).toEqual(expected);
  expect(dates(weekdays(9).slice(2), 5)).toEqual(['11', '12', '13', '16', '17'].map((day) => `2023-01-${day}T00`));
  expect(seasonOf(joined(weekdays(33)))).toBe(5);
});

test('hours of opening go on with them', () => {
  const moments = weekdays(30).flatMap((day) => [9, 10, 11].map((hour) => day + hour * HOUR));
  expect(dates(moments, 4)).toEqual(['2023-02-01T09', '2023-02-01T10', '2023-02-01T11', '2023-02-02T09']);
  expect(seasonOf(joined(moments))).toBe(3);
});

test('what is regular goes on by its step, and what is not is numbered', () => {
  expect(joined(days(30, () => true))).toEqual({ unit: 'time', size: DAY });
  expect(joined(days(60, (day) => day % 13 !== 5))).toEqual({ unit: 'time', size: DAY });
  expect(joined(days(300, (day) => (day * day) % 11 < 4))).toMatchObject({ isNumbered: true });
  expect(joinedStep([[1, 2, 5, 9, 10, 14]], { unit: 'number', size: 1 })).toEqual({
    unit: 'number',
    size: 1,
    isNumbered: true,
  });
  expect(joinedStep([[1, 3, 5]], { unit: 'number', size: 2 })).toEqual({ unit: 'number', size: 2 });
});

test('a Forecaster that joins rows says when its steps are, or numbers them', async () => {
  const forecast = async (moments: readonly number[], rows: readonly ForecastRow[] = []) => {
    const forecaster = new Forecaster({ target: 'x', gaps: 'join', window: 4, horizon: 3, hiddenSize: 4 });
    const given = moments.map((at, place) => ({ date: new Date(at).toISOString().slice(0, 10), x: place % 5 }));
    await forecaster.fit(given, { epochs: 1, seed: 1, progress: false });
    const [answer] = await forecaster.predictAll([...given, ...rows]);
    return answer?.steps.map(({ time }) => time);
  };
  expect(await forecast(weekdays(19))).toEqual(['2023-01-23', '2023-01-24', '2023-01-25']);
  const irregular = days(100, (day) => (day * day) % 11 < 4);
  expect(await forecast(irregular)).toEqual(['+1', '+2', '+3']);
  expect(await forecast(irregular, [{ date: '2023-05-05', x: null }])).toEqual(['2023-05-05', '+1', '+2']);
});
