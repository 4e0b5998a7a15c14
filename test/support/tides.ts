import type { ForecasterOptions, ForecastRow } from '../../src/tasks';

const DAY = 86_400_000;

/** Days since 2024-01-01 as a date. */
export const dayAt = (day: number): string => new Date(Date.UTC(2024, 0, 1) + DAY * day).toISOString().slice(0, 10);

/** Sales of two shops a day: a wave of eight days, which is ten times as high in the south; more on days of a fair. */
export const tides = (days: number): ForecastRow[] =>
  ['north', 'south'].flatMap((shop, place) =>
    Array.from({ length: days }, (_, day) => {
      const fair = (day * day + 3 * place) % 11 < 2 ? 1 : 0;
      const height = Math.sin((2 * Math.PI * (day + 2 * place)) / 8) + fair;
      return { date: dayAt(day), shop, sales: 10 ** place * (20 + 5 * height), fair, rain: (7 * day) % 5 };
    }),
  );

/** A small model of them, and a training that is enough for it. */
export const smallTides: ForecasterOptions = {
  target: 'sales',
  series: 'shop',
  window: 12,
  horizon: 4,
  season: 8,
  known: ['fair'],
  numeric: [],
  categorical: [],
  calendar: false,
  hiddenSize: 16,
  dropout: 0,
};
export const quickTides = { epochs: 40, batchSize: 16, learningRate: 1e-2, seed: 3, progress: false } as const;
