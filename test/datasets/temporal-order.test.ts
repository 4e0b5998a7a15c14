import { expect, test } from 'vitest';
import { OptionError } from 'stmnet';
import { temporalOrder } from '../../src/datasets';

/** The symbols of the steps; -1 where a step is not one-hot. */
function symbolsOf(data: ArrayLike<number>, steps: number): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const row = Array.from({ length: 8 }, (_, symbol) => data[step * 8 + symbol] ?? Number.NaN);
    return row.filter((value) => value === 1).length === 1 && row.filter((value) => value === 0).length === 7
      ? row.indexOf(1)
      : -1;
  });
}

test('the class is the order of the two symbols that count', () => {
  const sequences = temporalOrder({ sequences: 400, seed: 2 });
  for (const { input, target } of sequences) {
    const symbols = symbolsOf(input.data, input.shape[0] ?? 0);
    const places = symbols.flatMap((symbol, step) => (symbol === 2 || symbol === 3 ? [step] : []));
    const [first = 0, second = 0] = places;
    expect(places.length).toBe(2);
    expect([first >= 10, first <= 20, second >= 50, second <= 60]).toEqual([true, true, true, true]);
    expect(target).toBe(2 * ((symbols[first] ?? 0) - 2) + (symbols[second] ?? 0) - 2);
    expect([symbols[0], symbols.at(-1)]).toEqual([0, 1]);
    expect(symbols.slice(1, -1).every((symbol) => symbol >= 2)).toBe(true);
  }
  expect(new Set(sequences.map(({ target }) => target))).toEqual(new Set([0, 1, 2, 3]));
  expect(temporalOrder({ sequences: 400, seed: 2 })).toEqual(sequences);
});

test('is short where it is asked for, and no shorter than it can be', () => {
  for (const { input, target } of temporalOrder({ sequences: 100, steps: 10 })) {
    const symbols = symbolsOf(input.data, input.shape[0] ?? 0).filter((symbol) => symbol === 2 || symbol === 3);
    expect(target).toBe(2 * ((symbols[0] ?? 0) - 2) + (symbols[1] ?? 0) - 2);
  }
  expect(() => temporalOrder({ sequences: 1, steps: 9 })).toThrow(OptionError);
});
