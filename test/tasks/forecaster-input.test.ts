import { describe, expect, it } from 'vitest';
import { Forecaster, type ForecasterOptions, type ForecastRow } from '../../src/tasks';
import { dayAt, quickTides, smallTides as small, tides } from '../support/tides';

const quick = { ...quickTides, epochs: 1 };
const rows = tides(40);
const one = { target: 'x', window: 4, horizon: 2, hiddenSize: 4 } as const;
/** A series of x in hours. */
const hours = (count: number): ForecastRow[] =>
  Array.from({ length: count }, (_, hour) => ({
    date: `${dayAt(Math.floor(hour / 24))} ${String(hour % 24).padStart(2, '0')}:00`,
    x: hour % 5,
  }));

const fit = (given: unknown, options: ForecasterOptions = one) => new Forecaster(options).fit(given as [], quick);
const refusal = (given: unknown, options?: ForecasterOptions): Promise<string> =>
  fit(given, options).then(() => 'nothing', String);

describe('bad input to a Forecaster', () => {
  it.each<[object, string]>([
    [{ horizn: 3 }, 'horizn'],
    [{ horizon: 0 }, 'horizon'],
    [{ window: 1.5 }, 'window'],
    [{ target: '' }, 'target: ""'],
    [{ target: [] }, 'target: []'],
    [{ numeric: 'price' }, 'numeric: "price"'],
    [{ numeric: ['a'], categorical: ['a'] }, 'the column "a" twice'],
    [{ target: ['a', 'b', 'a'] }, 'the column "a" twice'],
    [{ time: 't', series: 't' }, 'the column "t" twice'],
    [{ quantiles: [0.1, 1] }, 'quantiles: [0.1, 1]'],
    [{ quantiles: 0.5 }, 'quantiles: 0.5'],
    [{ loss: 'quantile', quantiles: [0.1, 0.9] }, "loss: 'quantile' with quantiles: [0.1, 0.9]"],
    [{ strategy: 'both' }, 'strategy'],
    [{ gaps: 'skip' }, 'gaps'],
  ])('options %o', (options, message) => {
    expect(() => new Forecaster(options)).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no array', 'rows', '"rows" as examples'],
    ['a text', ['row'], '"row" as row 0'],
    ['no time', [...hours(9), { x: 3 }], 'no column date in row 9'],
    ['empty times', [{ x: 1, date: '' }, ...hours(9), { x: 3, date: null }], 'no date in 2 of 11 rows: row 0; row 10'],
    ['no date', [...hours(9), { date: 'soon', x: 3 }], 'date of row 9: "soon"'],
    ['dates and numbers', [...hours(9), { date: 12, x: 3 }], 'in row 0 and 12 in row 9'],
    ['a text', [...hours(9), { date: '2024-01-01 09:00', x: 'many' }], 'x: "many" in row 9, expected a finite number'],
    ['NaN', [...hours(9), { date: '2024-01-01 09:00', x: Number.NaN }], 'x: NaN in row 9, expected a finite number'],
    ['a date twice', [...hours(9), { date: '2024-01-01 02:00', x: 1 }], '"2024-01-01 02:00" twice: in row 2 and row 9'],
    [
      'too few',
      hours(5),
      'got a series of 5 steps up to its last value, expected 6 steps at least, 4 to read and 2 to',
    ],
    ['no target', hours(9).map(({ date }) => ({ date, X: 3 })), 'target: "x", a column that no row has'],
    ['no value', hours(9).map(({ date }) => ({ date, x: '' })), 'the series without a value of x'],
  ])('examples: %s', async (_, given, message) => {
    expect(await refusal(given)).toContain(message);
  });

  it('of an unknown column the near one is named', async () => {
    expect(await refusal(hours(9), { ...one, target: 'X' })).toContain('Fix: write "x", if that is what you mean');
    expect(await refusal(rows, { ...small, numeric: ['rein'] })).toContain('a column rein, which no row has');
    expect(await refusal(rows, { ...small, known: ['fare'] })).toContain('a column fare, which no row has');
    expect(await refusal(rows, { ...small, numeric: undefined, known: ['fairs'] })).toContain(
      'got known: ["fairs"], a column that no row has, expected columns of numbers or categories, among fair, rain.\n' +
        '  Fix: write "fair", if that is what you mean.',
    );
    expect(await refusal(rows, { ...small, series: 'shops' })).toContain('no column shops in row 0');
    expect(await refusal(rows, { ...small, numeric: ['shop'], series: undefined })).toContain('twice');
  });

  it('text in a column of numbers', async () => {
    const given = rows.map((row, place) => ({ ...row, rain: place === 7 ? 'wet' : row['rain'] }));
    expect(await refusal(given, { ...small, numeric: ['rain'] })).toContain('rain: "wet" in row 7');
    const known = rows.map((row, place) => ({ ...row, fair: place === 7 ? '?' : row['fair'] }));
    expect(await refusal(known, small)).toContain('fair: "?" in row 7');
  });

  it('the logarithm of what is not above 0', async () => {
    expect(await refusal(hours(20), { ...one, logarithm: true })).toContain('x: 0 in row 0, expected numbers above 0');
  });

  it('rows in any order are sorted, and a date twice in one of several series is refused', async () => {
    const history = await fit(rows.toReversed(), small);
    expect(history.last?.train.loss).toBeGreaterThan(0);
    expect(await refusal([...rows, { ...rows[45], sales: 3 }], small)).toContain(
      `got date "${dayAt(5)}" of shop "south" twice: in row 45 and row 80, expected one row for each step of a series`,
    );
    const { series: _series, ...single } = small;
    expect(await refusal(rows, single)).toContain(
      'add them up; or name the column that says of which series a row is: new Forecaster({ series: "shop" })',
    );
    const twice = [...hours(9), { date: '2024-01-01 02:00', x: 1 }];
    expect(await refusal(twice)).toMatch(/Fix: leave one of them out, or add them up\.$/);
  });

  it('of too few rows a window and a horizon are named that would do', async () => {
    const fixOf = async (count: number, options: ForecasterOptions) =>
      (await refusal(hours(count), { ...one, ...options })).split('Fix: ')[1];
    expect(await fixOf(3, { window: 1, horizon: 12 })).toBe(
      'take a shorter window or horizon, as horizon: 2, or pass longer series.',
    );
    expect(await fixOf(5, {})).toBe('take a shorter window or horizon, as window: 2, or pass longer series.');
    expect(await fixOf(6, { horizon: 8 })).toBe(
      'take a shorter window or horizon, as window: 3 and horizon: 3, or pass longer series.',
    );
    expect(await fixOf(1, {})).toBe('pass longer series.');
    expect(await fixOf(20, { anchor: 'season' })).toBe("pass anchor: 'last', or longer series.");
    await expect(fit(hours(6), { ...one, window: 3, horizon: 3 })).resolves.toHaveProperty('epochs');
  });

  it('words for numbers that are not known are read as nothing, and Dates as dates', async () => {
    const words = ['NA', 'n/a', 'NaN', 'null', 'None', '-', ' ', null];
    const written = (empty: (place: number) => string | null): ForecastRow[] =>
      tides(40).map((row, place) => ({
        ...row,
        ...(place % 5 === 1 && { sales: empty(place), rain: empty(place + 1) }),
      }));
    const answersOf = async (given: readonly ForecastRow[]) => {
      const forecaster = new Forecaster({ ...small, known: [], numeric: undefined });
      await forecaster.fit(given, quick);
      return [forecaster.columns, await forecaster.predictAll(given), await forecaster.evaluate(given)];
    };
    const expected = await answersOf(written(() => null));
    expect(expected[0]).toEqual({ numeric: ['fair', 'rain'], categorical: [], leftOut: [] });
    expect(await answersOf(written((place) => words[place % words.length] ?? null))).toEqual(expected);
    const dated = written(() => null).map((row) => ({ ...row, date: new Date(String(row['date'])) }));
    expect(await answersOf(dated)).toEqual(expected);
    expect(await refusal([...hours(9), { date: new Date('soon'), x: 3 }])).toContain('date of row 9: Invalid Date');
    expect(await refusal(hours(9).map((row) => ({ ...row, x: 'NA' })))).toContain('the series without a value of x');
  });

  it('irregular gaps', async () => {
    const odd = [...hours(20), { date: '2024-01-01 22:30', x: 1 }];
    const message =
      'got date "2024-01-01 22:30" in row 20 after "2024-01-01 19:00" in row 19, which is no whole number';
    expect(await refusal(odd)).toContain(message);
    expect(await refusal(odd)).toContain('expected a row after each 1 hour');
    expect(await refusal(odd, { ...one, gaps: 'join' })).toBe('nothing');
    const holes = [...hours(20), { date: '2024-01-02 02:00', x: 1 }];
    expect(await refusal(holes)).toBe('nothing');
    expect(await refusal(holes, { ...one, gaps: 'refuse' })).toContain('with 6 steps without a row between');
    const far = [...hours(20), { date: '2034-01-02 02:00', x: 1 }];
    expect(await refusal(far)).toContain('without a row before "2034-01-02 02:00" in row 20');
  });

  it('some series that are shorter than a window are left out, with a warning', async () => {
    const given = [...rows, ...tides(9).map((row) => ({ ...row, shop: `new ${String(row['shop'])}` }))];
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    await fit(given, small);
    expect(await warned).toMatchObject({ code: 'STM_SHORT_SERIES' });
    expect((await warned).message).toContain(
      'got 2 of 4 series that are shorter than a window and the horizon, 16 steps: ' +
        'series "new north" of 9 steps; series "new south" of 9 steps.',
    );
  });

  it('series that are too short, or have no value, are left out of what is asked, with a warning', async () => {
    const forecaster = new Forecaster({ ...small, known: [] });
    await forecaster.fit(rows, quick);
    const short = [
      ...tides(9).flatMap((row) => (row['shop'] === 'north' ? [{ ...row, shop: 'new' }] : [])),
      ...tides(20).flatMap((row) => (row['shop'] === 'north' ? [{ ...row, shop: 'empty', sales: null }] : [])),
    ];
    const warningOf = async <T>(use: () => Promise<T>): Promise<[T, string]> => {
      const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
      const given = await use();
      return [given, `${(await warned).message}`];
    };
    const [forecasts, told] = await warningOf(() => forecaster.predictAll([...short, ...rows]));
    expect(forecasts).toEqual(await forecaster.predictAll(rows));
    expect(told).toBe(
      'Forecaster.predictAll: got 2 of 4 series that are shorter than a window, 12 steps: ' +
        'series "new" of 9 steps; series "empty" of 0 steps.\n' +
        '  Fix: pass rows of a longer time; the others are forecast.',
    );
    const [evaluation, warning] = await warningOf(() => forecaster.evaluate([...short, ...rows]));
    expect(evaluation).toEqual(await forecaster.evaluate(rows));
    expect(warning).toContain('2 of 4 series that are shorter than a window and the horizon, 16 steps: series "new"');
    await expect(forecaster.predictAll(short)).rejects.toThrow('got series "new" of 9 steps up to its last value');
  });

  it('steps that are mostly filled are told of', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const forecaster = new Forecaster(one);
    await forecaster.fit(hours(30), quick);
    expect(forecaster.steps).toBe('step: 1 hour; 0 of 30 steps filled');
    await forecaster.predictAll(hours(30).filter((_, hour) => hour % 5 === 0));
    expect((await warned).message).toBe(
      'Forecaster.predictAll: got no row for 20 of 26 steps (77 %), which are filled, as a step is 1 hour.\n' +
        "  Fix: train on rows that are as far apart, or take each row for a step by gaps: 'join'.",
    );
    await forecaster.fit([...hours(20), ...hours(30).slice(22)], quick);
    expect(forecaster.steps).toBe('step: 1 hour; 2 of 30 steps filled');
  });

  it('columns that a recursive forecast cannot know', async () => {
    const message = await refusal(rows, { ...small, strategy: 'recursive', numeric: ['rain'] });
    expect(message).toContain('got the column "rain" with strategy: \'recursive\', expected columns that are known');
    const forecaster = new Forecaster({ ...small, strategy: 'recursive', numeric: undefined });
    await forecaster.fit(rows, quick);
    expect(forecaster.columns).toEqual({ numeric: ['fair'], categorical: [], leftOut: ['rain'] });
  });

  it('before fit', async () => {
    const forecaster = new Forecaster(small);
    await expect(forecaster.predict(rows)).rejects.toThrow('a task that has learned nothing yet');
    await expect(forecaster.evaluate(rows)).rejects.toThrow('a task that has learned nothing yet');
    expect(() => forecaster.inputFault(rows)).toThrow('a task that has learned nothing yet');
  });

  it('what is asked', async () => {
    const forecaster = new Forecaster(small);
    await forecaster.fit(rows, quick);
    const north = rows.filter(({ shop }) => shop === 'north');
    const asked = (given: unknown): Promise<string> => forecaster.predict(given as []).then(() => 'nothing', String);
    expect(await asked(rows)).toContain('got rows of series "north" and 1 more, expected the rows of one series');
    expect(await asked(north)).toContain(
      `got no fair for ${dayAt(40)}, of which there is no row, expected columns known beforehand, fair, ` +
        `for all 4 steps after ${dayAt(39)}`,
    );
    expect(await asked(north.map((row, day) => (day < 36 ? row : { ...row, sales: '' })))).toBe('nothing');
    expect(await asked(north.map((row, day) => (day < 5 ? row : { ...row, sales: '' })))).toContain(
      'got series "north" of 5 steps up to its last value, expected 12 steps at least',
    );
    expect(await asked(north.map(({ fair: _fair, ...row }) => row))).toContain('got rows without the column fair');
    expect(await asked(north.map((row, day) => ({ ...row, date: day })))).toContain(
      'expected dates, as in the training',
    );
    const evaluated = (options: object): Promise<string> => forecaster.evaluate(rows, options).then(() => '', String);
    expect(await evaluated({ from: 'soon' })).toContain('from: "soon"');
    expect(await evaluated({ from: 3 })).toContain('from: 3, expected a date, as the rows have');
    expect(await evaluated({ from: '2034-01-01' })).toContain('from: "2034-01-01" for series up to');
    expect(await evaluated({ stride: 0 })).toContain('stride: 0');
    await expect(forecaster.backtest(rows, { folds: 9 })).rejects.toThrow('4 steps before the first fold');
    await expect(forecaster.backtest(rows, { size: 2 })).rejects.toThrow('size: 2 with a horizon of 4 steps');
  });

  it('an input that came as JSON', async () => {
    const forecaster = new Forecaster(small);
    await forecaster.fit(rows, quick);
    const north = rows
      .filter(({ shop }) => shop === 'north')
      .map((row, day) => (day < 36 ? row : { ...row, sales: null }));
    expect(forecaster.inputFault(north)).toBeUndefined();
    expect(forecaster.inputFault('rows')).toMatchObject({ given: '"rows"' });
    expect(forecaster.inputFault([3])).toMatchObject({ given: '3 as row 0' });
    expect(forecaster.inputFault(north.slice(30))?.fix).toBe(
      'send {"input": [{"shop": "one", "date": "2024-01-31", "sales": 1, "fair": 1}, …]}, ' +
        'a row for each of 12 steps at least, or an array of such arrays as "inputs"',
    );
  });
});
