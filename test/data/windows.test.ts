import { describe, expect, test } from 'vitest';
import { DataLoader, windows, WindowDataset, type Series, type Tensor, type Window, type WindowOptions } from 'stmnet';

const power = Array.from({ length: 10 }, (_, t) => t);
const heat = power.map((t) => 100 + t);
const rows = (item: Window | undefined): unknown[] =>
  item === undefined
    ? []
    : [Array.from(item.input.data), item.input.shape, Array.from(item.target.data), item.target.shape];

describe('windows', () => {
  test('of columns: what came before, and one column of what comes after', () => {
    const made = windows({ power, heat: Float32Array.from(heat) }, { length: 3, horizon: 2, target: 'heat' });
    expect(made).toHaveLength(6);
    expect(rows(made.at(0))).toEqual([[0, 100, 1, 101, 2, 102], [3, 2], [103, 104], [2]]);
    expect(rows(made.at(5))).toEqual([[5, 105, 6, 106, 7, 107], [3, 2], [108, 109], [2]]);
    expect([...made]).toHaveLength(6);
  });
  test('stride, gap, several targets or all', () => {
    const made = windows({ power, heat }, { length: 2, stride: 3, gap: 2, target: ['heat', 'power'] });
    expect(made).toHaveLength(2);
    expect(rows(made.at(1))).toEqual([
      [3, 103, 4, 104],
      [2, 2],
      [107, 7],
      [1, 2],
    ]);
    expect([made.targetBegin(0), made.targetBegin(1)]).toEqual([4, 7]);
    expect(rows(windows({ power, heat }, { length: 2 }).at(7))).toEqual([
      [7, 107, 8, 108],
      [2, 2],
      [9, 109],
      [1, 2],
    ]);
  });
  test('of every form of series the same', () => {
    const forms: Series[] = [
      { power, heat },
      power.map((t) => [t, 100 + t]),
      { data: Float32Array.from(power.flatMap((t) => [t, 100 + t])), shape: [10, 2] },
      { data: Float64Array.from(power.flatMap((t) => [t, 100 + t])), shape: [10, 2] },
      { power: Int16Array.from(power), heat },
    ];
    for (const series of forms) {
      const made = windows(series, { length: 3, horizon: 2, target: 1 });
      expect(rows(made.at(2))).toEqual([[2, 102, 3, 103, 4, 104], [3, 2], [105, 106], [2]]);
      expect(made.at(2).input.data.constructor).toBe(made.at(2).target.data.constructor);
    }
    for (const series of [power, Float32Array.from(power), { data: Uint8Array.from(power), shape: [10] }] as Series[])
      expect(rows(windows(series, { length: 3, target: 0 }).at(0))).toEqual([[0, 1, 2], [3, 1], [3], [1]]);
  });
  test('a Float32Array is not copied', () => {
    const data = Float32Array.from({ length: 3_000_000 }, (_, i) => i);
    const made = windows({ data, shape: [1_000_000, 3] }, { length: 100, horizon: 10 });
    expect(made).toHaveLength(999_891);
    const { input, target } = made.at(999_890);
    expect([input.data.buffer, target.data.buffer]).toEqual([data.buffer, data.buffer]);
    expect([input.data.buffer === data.buffer, target.data.at(-1)]).toEqual([true, 2_999_999]);
  });
  test('what is missing is refused, or the windows that hold it are skipped', () => {
    const gappy = { power, heat: heat.map((value, t) => (t === 4 ? Number.NaN : value)) };
    const options: WindowOptions = { length: 2, horizon: 1, gap: 1 };
    expect(() => windows(gappy, options)).toThrow(
      'windows: got NaN at step 4 of heat, expected finite numbers.\n' +
        "  Fix: fill it, as with the value before, or pass missing: 'skip' to leave out the windows that hold it.",
    );
    const made = windows(gappy, { ...options, missing: 'skip' });
    // Inputs begin, begin + 1; targets begin + 3; the gap may lack a value.
    expect(Array.from(made, ({ input }) => input.data[0])).toEqual([0, 2, 5, 6]);
    expect([made.length, made.targetBegin(1)]).toEqual([4, 5]);
    const holes = [1, null, 3, undefined, 5] as number[];
    expect(windows([...holes, 6, 7], { length: 1, missing: 'skip' })).toHaveLength(2);
    expect(() => windows(holes, { length: 1, missing: 'skip' })).toThrow(
      /a series of 5 steps in which every window of 2 has a missing value/,
    );
    expect(() => windows([1, Infinity, 2], { length: 1 })).toThrow(/got Infinity at step 1 of column 0/);
  });
  test('a column without any value is told as one whose name is wrong', () => {
    const rows: { heat?: number; haet?: number }[] = heat.map((value) => ({ heat: value }));
    const mistyped = { power, heat: rows.map(({ haet }) => haet) } as Series;
    const fix =
      'Fix: look at how heat was read: none of its 10 steps has a value, as where the rows have no field of the ' +
      'name; or leave the column out.';
    expect(() => windows(mistyped, { length: 2 })).toThrow(
      `windows: got undefined at step 0 of heat, expected finite numbers.\n  ${fix}`,
    );
    expect(() => windows(mistyped, { length: 2, missing: 'skip' })).toThrow(
      `in which every window of 3 has a missing value, expected at least one whole window.\n  ${fix}`,
    );
  });
  test('are the items of a loader, and a position knows its series', async () => {
    const make = (series: Series, options: object = {}): DataLoader<Window, { input: Tensor; target: Tensor }> =>
      new DataLoader(windows(series, { length: 3, target: 'heat', ...options }), { batchSize: 4 }) as never;
    const [batch] = make({ power, heat });
    expect([batch?.input.shape, batch?.target.shape]).toEqual([
      [4, 3, 2],
      [4, 1],
    ]);
    expect(await batch?.target.array()).toEqual([[103], [104], [105], [106]]);
    const state = make({ power, heat }).state();
    make({ power, heat }).loadState(state);
    expect(() => make({ power, heat: heat.with(3, 0) }).loadState(state)).toThrow(/content/);
    expect(() => make({ power, heat }, { gap: 1 }).loadState(state)).toThrow(/gap 0, here 1/);
  });
  test('mistakes', () => {
    const make =
      (series: unknown, options: object = { length: 3 }) =>
      () =>
        windows(series as number[], options as WindowOptions);
    expect(make(power, { length: 8, horizon: 3 })).toThrow(
      'windows: got a series of 10 steps, expected at least 11: length 8, gap 0 and horizon 3.\n' +
        '  Fix: take shorter windows, or a longer series.',
    );
    expect(make({ power, heat: [1, 2] })).toThrow(
      'windows: got 2 steps of heat beside 10 of power, expected columns of one length.',
    );
    expect(make([[1, 2], [3]])).toThrow(/got \[3\] as step 1 of a series of 2 columns/);
    expect(make([[], []])).toThrow(/of a series of 0 columns/);
    expect(make({ power, heat }, { length: 2, target: 'haet' })).toThrow(
      'windows: got target: "haet", expected columns of the series: power, heat.\n' +
        '  Fix: write heat, if that is what you mean.',
    );
    expect(make(power, { length: 2, target: 1 })).toThrow(/got target: 1, expected columns of the series: 0/);
    expect(make(power, { length: 2, target: [] })).toThrow(/got target: \[\]/);
    expect(make(power.map(String))).toThrow('windows: got "0" at step 0 of column 0, expected numbers.');
    expect(make(7)).toThrow('windows: got 7 as series, expected columns of numbers by name');
    expect(make({})).toThrow(/got \{\} as series/);
    expect(make({ power: 'abc' })).toThrow(/got power: "abc" as series/);
    expect(make({ data: Float32Array.of(1, 2), shape: [3, 1] })).toThrow(/as series/);
    expect(make(BigInt64Array.of(1n, 2n, 3n, 4n))).toThrow(/as series/);
    expect(make([])).toThrow(/got a series of 0 steps/);
    expect(make(power, { length: 2, window: 3 })).toThrow(/got an option window/);
    const made = windows(power, { length: 3 });
    expect(made).toBeInstanceOf(WindowDataset);
    expect(() => made.at(7)).toThrow('WindowDataset.at: got index 7, expected a whole number in 0..6.');
  });
});
