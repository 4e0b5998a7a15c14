import { expect, test } from 'vitest';
import { DAY } from '../../src/tasks/event-time';
import {
  calendarParts,
  momentAfter,
  seasonOf,
  stepOf,
  stepsBetween,
  stepText,
  timeText,
} from '../../src/tasks/forecast-time';

const at = (date: string): number => Date.parse(date);
const HOUR = DAY / 24;

test.each([
  [['2024-01-01', '2024-02-01', '2024-04-01'], { unit: 'months', size: 1 }, '1 month', 12],
  [['2023-11-30', '2023-12-31', '2024-01-31', '2024-02-29'], { unit: 'months', size: 1 }, '1 month', 12],
  [['2024-01-15', '2024-07-15'], { unit: 'months', size: 6 }, '6 months', 2],
  [['2020-01-01', '2021-01-01', '2023-01-01'], { unit: 'months', size: 12 }, '12 months', 1],
  [['2024-01-01', '2024-01-08', '2024-01-15'], { unit: 'time', size: 7 * DAY }, '1 week', 52],
  [['2024-01-01', '2024-01-02', '2024-01-05', '2024-01-06'], { unit: 'time', size: DAY }, '1 day', 7],
  [['2024-01-01T00:00Z', '2024-01-01T00:15Z', '2024-01-01T00:30Z'], { unit: 'time', size: HOUR / 4 }, '15 minutes', 96],
  [['2024-01-01T00:00Z', '2024-01-01T01:00Z', '2024-01-01T02:00Z'], { unit: 'time', size: HOUR }, '1 hour', 24],
  [['2024-01-01', '2024-01-31', '2024-03-01'], { unit: 'time', size: 30 * DAY }, '30 days', 1],
])('the step of %o', (dates, step, text, season) => {
  const found = stepOf([dates.map(at)], true);
  expect(found).toEqual(step);
  expect(found && [stepText(found), seasonOf(found)]).toEqual([text, season]);
  dates.forEach((date) => {
    const steps = found && stepsBetween(at(dates[0] ?? ''), at(date), found);
    expect(found && momentAfter(at(dates[0] ?? ''), steps ?? Number.NaN, found)).toBe(at(date));
  });
});

test('steps of numbers, and the most frequent of several', () => {
  expect(stepOf([[0, 0.1, 0.2, 0.3, 0.5]], false)).toEqual({ unit: 'number', size: 0.1 });
  expect(momentAfter(0, 3, { unit: 'number', size: 0.1 })).toBe(0.3);
  expect(stepsBetween(0.1, 0.7, { unit: 'number', size: 0.2 })).toBe(3);
  expect(stepsBetween(0.1, 0.65, { unit: 'number', size: 0.2 })).toBeUndefined();
  expect(stepOf([[1], [3]], false)).toBeUndefined();
  expect(
    stepOf(
      [
        [0, 2, 5],
        [1, 4],
      ],
      false,
    ),
  ).toEqual({ unit: 'number', size: 3 });
});

test('no step lies between two months', () => {
  const month = { unit: 'months', size: 1 } as const;
  expect(stepsBetween(at('2024-01-15'), at('2024-03-15'), month)).toBe(2);
  expect(stepsBetween(at('2024-01-15'), at('2024-03-16'), month)).toBeUndefined();
  expect(stepsBetween(at('2024-01-31'), at('2024-02-29'), month)).toBe(1);
  expect(stepsBetween(at('2024-01-01'), at('2024-03-01'), { unit: 'months', size: 3 })).toBeUndefined();
});

test('the calendar is read as far as it changes and has come twice', () => {
  const hour = { unit: 'time', size: HOUR } as const;
  expect(calendarParts(hour, 3 * DAY)).toEqual(['hour']);
  expect(calendarParts(hour, 30 * DAY)).toEqual(['hour', 'weekday']);
  expect(calendarParts(hour, 1000 * DAY)).toEqual(['hour', 'weekday', 'year']);
  expect(calendarParts({ unit: 'time', size: DAY }, 1000 * DAY)).toEqual(['weekday', 'year']);
  expect(calendarParts({ unit: 'time', size: 7 * DAY }, 1000 * DAY)).toEqual(['year']);
  expect(calendarParts({ unit: 'months', size: 1 }, 1000 * DAY)).toEqual(['year']);
  expect(calendarParts({ unit: 'months', size: 12 }, 5000 * DAY)).toEqual([]);
  expect(calendarParts({ unit: 'number', size: 1 }, 5000)).toEqual([]);
});

test('times are written as dates, with the time of the day where there is one', () => {
  expect(timeText(at('2024-01-31'), true)).toBe('2024-01-31');
  expect(timeText(at('2024-01-31T18:00Z'), true)).toBe('2024-01-31T18:00:00Z');
  expect(timeText(7, false)).toBe(7);
});
