import { expect, test } from 'vitest';
import { DTypeError, OptionError, augmentSeries, tensor, type AugmentSeriesOptions, type HostArray } from 'stmnet';

const [T, D] = [50, 2];
const series: HostArray = { data: Float32Array.from({ length: T * D }, (_, i) => i), shape: [T, D] };
const versions = (options: Omit<AugmentSeriesOptions, 'seed'>, count = 200): HostArray[] =>
  Array.from({ length: count }, (_, seed) => augmentSeries(series, { seed, ...options }));
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: readonly number[]): number => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
const column = ({ data }: HostArray, which: number): number[] => Array.from(data).filter((_, i) => i % D === which);

test('a series changes alike for one seed and otherwise for others, and itself stays', () => {
  const options = { slice: 0.9, warp: 0.2, scale: 0.1, noise: 0.1 };
  expect(augmentSeries(series, { seed: 3, ...options })).toEqual(augmentSeries(series, { seed: 3, ...options }));
  expect(new Set(versions(options).map(({ data }) => data.join())).size).toBe(200);
  expect(series.data).toEqual(Float32Array.from({ length: T * D }, (_, i) => i));
  expect(augmentSeries(series, { seed: 3 })).toEqual(series);
  expect(augmentSeries(series, { seed: 3 }).data).not.toBe(series.data);
});

test('noise has its deviation, in every value for itself', () => {
  const added = versions({ noise: 0.5 }).flatMap(({ data }) => Array.from(data, (value, i) => value - i));
  expect(Math.abs(mean(added))).toBeLessThan(0.015);
  expect(Math.abs(deviation(added) - 0.5)).toBeLessThan(0.01);
});

test('scaling multiplies each feature by one factor', () => {
  const factors = versions({ scale: 0.2 }).flatMap((version) =>
    [0, 1].map((which) => {
      const all = column(version, which)
        .map((value, step) => value / (step * D + which))
        .slice(1);
      expect(deviation(all)).toBeLessThan(1e-6);
      return mean(all);
    }),
  );
  expect(Math.abs(mean(factors) - 1)).toBeLessThan(0.04);
  expect(Math.abs(deviation(factors) - 0.2)).toBeLessThan(0.03);
});

test('warping moves the steps in time, all features alike, and keeps order and ends', () => {
  for (const version of versions({ warp: 0.4 })) {
    const [first, second] = [column(version, 0), column(version, 1)];
    first.forEach((value, step) => expect(Math.abs((second[step] ?? 0) - value - 1)).toBeLessThan(1e-4));
    expect([first[0], Math.round(1e4 * (first.at(-1) ?? 0)) / 1e4]).toEqual([0, (T - 1) * D]);
    for (let step = 1; step < T; step++) expect(first[step]).toBeGreaterThan(first[step - 1] ?? 0);
  }
  const moved = versions({ warp: 0.4 }).map((version) =>
    Math.max(...column(version, 0).map((x, t) => Math.abs(x - t * D))),
  );
  expect(mean(moved)).toBeGreaterThan(2); // more than a step
});

test('slicing keeps one window', () => {
  const starts = versions({ slice: 0.6 }).map(({ data, shape }) => {
    expect(shape).toEqual([30, D]);
    data.forEach((value, i) => expect(value).toBe((data[0] ?? 0) + i));
    return (data[0] ?? 0) / D;
  });
  expect([Math.min(...starts), Math.max(...starts)]).toEqual([0, 20]);
  expect(augmentSeries([[5]], { seed: 1, slice: 0.1, warp: 1 })).toEqual({ data: Float32Array.of(5), shape: [1, 1] });
});

test('every form of numbers is taken', () => {
  const options = { seed: 1, warp: 0.3, noise: 0.1 };
  const flat = augmentSeries(Float64Array.from([1, 2, 3]), options);
  expect([flat.shape, flat.data.constructor]).toEqual([[3], Float64Array]);
  expect(augmentSeries(Int16Array.of(1, 2, 3), options).data).toBeInstanceOf(Float32Array);
  expect(augmentSeries([[[1], [2]]], options).shape).toEqual([1, 2, 1]);
  expect(augmentSeries([], options)).toEqual({ data: new Float32Array(0), shape: [0] });
  expect(() => augmentSeries(Uint8Array.of(0, 1), options)).toThrow(DTypeError);
  expect(() => augmentSeries(tensor([1, 2]), options)).toThrow('augment items before they become a batch');
  expect(() => augmentSeries(5 as never, options)).toThrow('got 5 as series, expected numbers on the host');
  expect(() => augmentSeries([1, 2], { seed: 1, slice: 0 })).toThrow(
    'got slice: 0, expected a part above 0 and at most 1',
  );
  expect(() => augmentSeries([1, 2], { seed: 1, noise: -1 })).toThrow(OptionError);
});
