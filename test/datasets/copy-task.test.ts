import { expect, test } from 'vitest';
import { OptionError } from 'stmnet';
import { copyTask } from '../../src/datasets';

test('ten symbols are to be said again after the sign', () => {
  const sequences = copyTask({ sequences: 200, steps: 30 });
  for (const { input, target } of sequences) {
    expect([input.shape, target.length]).toEqual([[50, 10], 50]);
    const symbols = Array.from({ length: 50 }, (_, step) => input.data.slice(step * 10, step * 10 + 10).indexOf(1));
    expect(Array.from(input.data).reduce((sum, value) => sum + value, 0)).toBe(50);
    expect(symbols.slice(0, 10)).toEqual(Array.from(target.slice(40)));
    expect(symbols.slice(10)).toEqual(Array.from({ length: 40 }, (_, step) => (step === 29 ? 9 : 0)));
    expect(Array.from(target.slice(0, 40))).toEqual(new Array<number>(40).fill(0));
  }
  const said = new Set(sequences.flatMap(({ target }) => Array.from(target.slice(40))));
  expect([...said].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(copyTask({ sequences: 200, steps: 30 })).toEqual(sequences);
});

test('what cannot be drawn is told', () => expect(() => copyTask({ sequences: 1, steps: 5 })).toThrow(OptionError));
