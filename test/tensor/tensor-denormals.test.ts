import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { full, linear, matmul, ones, setNumThreads, tensor } from 'stmnet';

/** From one element, which one thread computes, to as many as several share. */
const sizes = [1, 8, 1_000, 200_000];
const kinds = [
  { dtype: 'f32', tiny: 1e-40, root: 1e-20, array: (n: number) => new Float32Array(n).fill(1e-40) },
  { dtype: 'f64', tiny: 1e-310, root: 1e-155, array: (n: number) => new Float64Array(n).fill(1e-310) },
] as const;
const cases = kinds.flatMap((kind) => sizes.map((n) => ({ ...kind, n })));

describe('denormals on the CPU', () => {
  beforeEach(() => setNumThreads(4));
  afterEach(() => setNumThreads(0));

  it.each(cases)('$n of them in $dtype are kept', async ({ dtype, tiny, root, array, n }) => {
    const [given, x, whole] = [
      array(n),
      tensor(array(n), { device: 'cpu' }),
      full([n], tiny, { dtype, device: 'cpu' }),
    ];
    expect(await x.data()).toEqual(given);
    expect(await whole.data()).toEqual(given);
    expect(await x.gt(0).all().item()).toBe(1);
    expect(await x.neg().abs().data()).toEqual(given);
    expect(await x.max().item()).toBe(given[0]);
    expect(await x.div(tiny).min().item()).toBeCloseTo(1, 4);
    expect(await full([n], root, { dtype, device: 'cpu' }).square().min().item()).toBeGreaterThan(0);
  });

  it.each(cases)('$n of them in $dtype are 0 in products', async ({ array, n }) => {
    const x = tensor({ data: array(n), shape: [n, 1] }, { device: 'cpu' });
    const one = ones([1, 1], { dtype: x.dtype, device: 'cpu' });
    expect(await matmul(x, one).abs().max().item()).toBe(0);
    expect(await linear(x, one).abs().max().item()).toBe(0);
    expect(await matmul(one, x.transpose(0, 1)).abs().max().item()).toBe(0);
  });
});
