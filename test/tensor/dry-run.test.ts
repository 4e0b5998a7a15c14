import { describe, expect, test } from 'vitest';
import {
  arange,
  compile,
  getRandomState,
  init,
  keep,
  manualSeed,
  memory,
  NativeError,
  noGrad,
  ones,
  rand,
  randn,
  scope,
  setMaxMemory,
  ShapeError,
  synchronize,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { dryRun } from '../../src/tensor/dry-run';
import { here } from '../support/devices';

const later = { given: 'a tensor of a dry run', expected: 'one with values', fix: 'compute it' };
const dry = <R>(fn: () => R): R => dryRun('test', later, fn);

/** Tensors of 4 MB, made by all kinds of ops. */
function large(): Tensor[] {
  const shape = [1000, 1000];
  const [x, y] = [ones(shape), randn(shape)];
  const host = tensor({ data: new Float32Array(1e6), shape });
  noGrad(() => [x.mul_(2), y.add_(host)]);
  const parts = [x, y, host, x.matmul(y), y.sum(0, { keepDim: true }).expand(shape), x.softmax(1), rand(shape)];
  return [...parts, arange(0, 1e6).reshape(shape), x.clone(), init.orthogonal_(zeros([1000, 1000])), y.to(here)];
}

describe('a dry run', () => {
  test('gives shapes and dtypes, and takes no memory', async () => {
    await synchronize();
    const { usedBytes } = memory();
    setMaxMemory(usedBytes + 2 ** 20);
    try {
      scope(() => {
        const made = dry(large);
        expect(new Set(made.map((x) => `${x.dtype} ${x.shape.join()}`))).toEqual(new Set(['f32 1000,1000']));
      });
      await synchronize();
      expect(memory().usedBytes).toBe(usedBytes);
    } finally {
      setMaxMemory(0);
    }
  });

  test('finds mistakes as ever, and ends with them', async () => {
    expect(() => dry(() => ones([2, 3]).matmul(ones([2, 3])))).toThrow(ShapeError);
    expect(await ones([2]).sum().item()).toBe(2);
  });

  test('leaves the random state as it was, whatever draws or starts numbers', async () => {
    manualSeed(3);
    rand([5]);
    const before = getRandomState();
    dry(() => [randn([100]), manualSeed(9)]);
    expect(getRandomState()).toEqual(before);
    expect(() =>
      dry(() => {
        randn([3]);
        throw new TypeError('no');
      }),
    ).toThrow(TypeError);
    expect(getRandomState()).toEqual(before);
  });

  test('leaves the values of tensors that were there', async () => {
    const x = tensor([1, 2, 3]);
    dry(() => noGrad(() => x.mul_(2).add_(1)));
    expect(await x.array()).toEqual([1, 2, 3]);
    x.mul_(2);
    expect(await x.array()).toEqual([2, 4, 6]);
  });

  test('gives tensors that reject later reads, alone and not the reads of others, and can be overwritten', async () => {
    const x = scope(() => dry(() => keep(ones([3]))));
    const error: unknown = await x.data().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NativeError);
    expect(error).toMatchObject({ code: 'ERR_STM_UNSUPPORTED', op: 'test' });
    expect(String(error)).toBe(
      'NativeError: test: got a tensor of a dry run, expected one with values.\n  Fix: compute it.',
    );
    await expect(x.add(1).array()).rejects.toThrow('test: got a tensor of a dry run');
    noGrad(() => x.mul_(2));
    await synchronize();
    expect(await ones([1]).item()).toBe(1);
  });

  test('computes everything after all where values are read in it', async () => {
    manualSeed(5);
    const expected = await rand([3]).mul(2).array();
    manualSeed(5);
    const { x, before, sum } = dry(() => {
      const drawn = rand([3]);
      noGrad(() => drawn.mul_(2));
      return { x: drawn, before: drawn.array(), sum: ones([4]).sum().item() };
    });
    expect(await before).toEqual(expected);
    expect(await sum).toBe(4);
    expect(await x.array()).toEqual(expected);
  });

  test('is one with a dry run inside it, and computes what a compiled step needs', async () => {
    const made = dry(() => [dry(() => keep(ones([2]))), keep(ones([2]))]);
    for (const x of made) await expect(x.data()).rejects.toThrow('test: got a tensor of a dry run');
    const step = compile((x: Tensor) => x.mul(3));
    for (let i = 0; i < 3; i++) step(ones([2]));
    const y = dry(() => step(ones([2]).mul(5)));
    expect(await y.array()).toEqual([15, 15]);
  });
});
