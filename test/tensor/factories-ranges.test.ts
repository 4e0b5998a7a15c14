import { expect, test } from 'vitest';
import { arange, embedding, eye, ones, pad, tensor, tile, type DType, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

describeDevices('tensors that are made of few numbers', () => {
  test.each<[DType, number, number, number]>([
    ['f32', 0, 1000, 1],
    ['f32', 1, 2, 0.1],
    ['f32', -3, 3, 0.7],
    ['f32', 5, -5, -0.3],
    ['f32', 0, 100_000, 1.25],
    ['f32', 2 ** 24, 2 ** 24 + 8, 1],
    ['f64', 0, 1, 1 / 3],
    ['f64', 1e9, 1e9 + 100, 0.1],
    ['i32', -7, 70_000, 3],
    ['i32', 3, 0, -1],
    ['i32', -(2 ** 31), 2 ** 31, 2 ** 30],
    ['bool', 0, 2, 1],
    ['bool', 1, -1, -1],
    ['f32', 4, 4, 1],
    ['i32', 0, 0, 1],
    ['f32', 0, 0.5, 1],
  ])('arange of %s from %d to %d by %d', async (dtype, start, end, step) => {
    const expected = Array.from({ length: Math.ceil((end - start) / step) }, (_, index) => start + index * step);
    const kinds = { f32: Float32Array, f64: Float64Array, i32: Int32Array, bool: Uint8Array, i8: Int8Array };
    expect(await arange(start, end, step, { dtype }).data()).toEqual(kinds[dtype].from(expected));
  });

  test('arange of a length that no list in JavaScript has', async () => {
    const x = arange(0, 3e7, 1, { dtype: 'f64' });
    expect(x.shape).toEqual([3e7]);
    expect(await x.slice([-1]).item()).toBe(29_999_999);
    expect(arange(0, 3, 1, { requiresGrad: true }).requiresGrad).toBe(true);
  });

  test.each<[string, () => Tensor, string, RegExp]>([
    [
      'fractions in i32',
      () => arange(0, 2, 0.5, { dtype: 'i32' }),
      'DTypeError',
      /arange: got 0 to 1.5 in steps of 0.5, expected whole numbers of 32 bits for dtype i32/,
    ],
    ['a fraction in i32', () => arange(0.5, 1, 1, { dtype: 'i32' }), 'DTypeError', /whole numbers/],
    [
      'numbers of more than 32 bits in i32',
      () => arange(2 ** 31 - 2, 2 ** 31 + 1, 1, { dtype: 'i32' }),
      'DTypeError',
      /expected whole numbers of 32 bits/,
    ],
    ['a 2 in bool', () => arange(0, 3, 1, { dtype: 'bool' }), 'DTypeError', /expected 0 and 1 for dtype bool/],
    ['no end', () => arange(0, Infinity), 'OptionError', /expected finite numbers/],
    ['no number', () => arange(0, Number.NaN), 'OptionError', /expected finite numbers/],
    ['text', () => arange('0' as never, 3), 'OptionError', /got "0" as start, expected a number/],
    [
      'more than 2^40 numbers',
      () => arange(0, 2 ** 41),
      'ShapeError',
      /which are 2199023255552 numbers, expected at most 2\^40/,
    ],
    ['an unknown option', () => arange(0, 3, 1, { type: 'i32' } as never), 'OptionError', /an option type/],
  ])('arange refuses %s', (_, call, name, message) => {
    expect(call).toThrowError(expect.objectContaining({ name, message: expect.stringMatching(message) }));
  });

  test('an index of an arange that is out of range is found at the call', () => {
    expect(() => embedding(arange(0, 4, 1, { dtype: 'i32' }), ones([3, 2]))).toThrowError(
      expect.objectContaining({ code: 'ERR_STM_INDEX', message: expect.stringMatching(/an index with the value 3/) }),
    );
  });

  test('eye of every dtype and size', async () => {
    expect(await eye(3, { dtype: 'i32' }).array()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(await eye(2, { dtype: 'bool' }).array()).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(eye(0).shape).toEqual([0, 0]);
    expect(await eye(1).array()).toEqual([[1]]);
    expect(await eye(1000, { dtype: 'f64' }).sum().item()).toBe(1000);
    expect(() => eye(-1)).toThrowError(
      expect.objectContaining({ name: 'OptionError', message: expect.stringMatching(/eye: got n: -1/) }),
    );
    expect(() => eye(1.5)).toThrowError(expect.objectContaining({ name: 'OptionError' }));
  });

  test('tile repeats millions of times, of views too, and adds the gradients up', async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const y = tile(x.transpose(0, 1), [2, 3_000_001]);
    expect(y.shape).toEqual([4, 6_000_002]);
    expect(await y.slice([1, 5], [4, 8]).array()).toEqual([
      [4, 2, 4],
      [3, 1, 3],
      [4, 2, 4],
    ]);
    y.sum().backward();
    expect(await x.grad?.array()).toEqual([
      [6_000_002, 6_000_002],
      [6_000_002, 6_000_002],
    ]);
    expect(tile(x, [0, 3]).shape).toEqual([0, 6]);
    expect(tile(x, [1, 1])).toBe(x);
    expect(await tile(tensor(5), []).item()).toBe(5);
  });

  test('pad to more steps than the longest item', async () => {
    const padded = pad(
      [
        [[1, 2]],
        [
          [3, 4],
          [5, 6],
        ],
      ],
      { steps: 4 },
    );
    expect(await padded.values.array()).toEqual([
      [
        [1, 2],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [
        [3, 4],
        [5, 6],
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(padded.lengths).toEqual([1, 2]);
    expect(await pad([Int32Array.of(7), Int32Array.of()], { steps: 2 }).values.data()).toEqual(
      Int32Array.of(7, 0, 0, 0),
    );
    expect(await pad([new Uint8Array(0)], { steps: 2, dtype: 'bool' }).values.array()).toEqual([[false, false]]);
    const long = pad([[1], [2, 3]], { steps: 20_000_000 });
    expect(long.shape).toEqual([2, 20_000_000]);
    expect(await long.values.sum().item()).toBe(6);
  });
});
