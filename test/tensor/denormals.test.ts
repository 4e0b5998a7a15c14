import { expect, test } from 'vitest';
import { full, setNumThreads, tensor } from '../../src';

/** From one element, which one thread computes, to as many as several share. */
const sizes = [1, 8, 1_000, 200_000];
const kinds = [
  { dtype: 'f32', tiny: 1e-40, array: (n: number) => new Float32Array(n).fill(1e-40) },
  { dtype: 'f64', tiny: 1e-310, array: (n: number) => new Float64Array(n).fill(1e-310) },
] as const;

test.each(kinds.flatMap((kind) => sizes.map((n) => ({ ...kind, n }))))('on the CPU $n denormals in $dtype count as 0', async ({ dtype, tiny, array, n }) => {
  setNumThreads(4);
  try {
    const given = array(n), x = tensor(given, { device: 'cpu' });
    expect(await x.data()).toEqual(given); // as they are, until something computes with them
    expect(await x.gt(0).any().item()).toBe(0);
    expect(await x.mul(1e20).abs().max().item()).toBe(0);
    expect(await x.sum().item()).toBe(0);
    expect(await full([n], tiny, { dtype, device: 'cpu' }).gt(0).any().item()).toBe(0);
    expect(await full([n], dtype === 'f32' ? 1e-30 : 1e-200, { dtype, device: 'cpu' }).square().mul(1e30).max().item()).toBe(0);
  } finally {
    setNumThreads(0);
  }
});
