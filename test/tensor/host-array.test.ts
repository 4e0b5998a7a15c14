import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  collate,
  DTypeError,
  OptionError,
  pad,
  ShapeError,
  Standardize,
  tensor,
  type SourceArray,
  type TensorSource,
} from 'stmnet';

const float16 = (globalThis as { Float16Array?: { of: (...numbers: number[]) => SourceArray } }).Float16Array;

describe('typed arrays of every kind', () => {
  const kinds: [string, SourceArray, string][] = [
    ['Int8Array', Int8Array.of(1, -2), 'i32'],
    ['Int16Array', Int16Array.of(1, -2), 'i32'],
    ['Uint16Array', Uint16Array.of(1, 65_535), 'i32'],
    ['Uint8ClampedArray', Uint8ClampedArray.of(1, 255), 'i32'],
    ['Uint32Array', Uint32Array.of(1, 2), 'i32'],
    ['BigInt64Array', BigInt64Array.of(1n, -(2n ** 31n)), 'i32'],
    ['BigUint64Array', BigUint64Array.of(1n, 2n), 'i32'],
    ['Float32Array', Float32Array.of(1, 0.5), 'f32'],
    ['Float64Array', Float64Array.of(1, 0.1), 'f64'],
    ['Int32Array', Int32Array.of(1, -2), 'i32'],
    ['Uint8Array', Uint8Array.of(1, 0), 'bool'],
    ['Buffer', Buffer.from([1, 0]), 'bool'],
    ...(float16 === undefined
      ? []
      : [['Float16Array', float16.of(1, 0.5), 'f32'] satisfies [string, SourceArray, string]]),
  ];
  test.each(kinds)('%s', async (_, data, dtype) => {
    const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
    for (const x of [tensor(data), tensor({ data, shape: [2] }), collate([data]), pad([data])]) {
      expect(x.dtype).toBe(dtype);
      expect(Array.from(await x.data())).toEqual(numbers);
    }
    expect(Array.from(await tensor(data, { dtype: 'f64' }).data())).toEqual(numbers);
    expect(Array.from(await pad([data, data.slice(0, 1)], { dtype: 'f64' }).data())).toEqual([...numbers, numbers[0]]);
    expect(Array.from(await collate([data, data], 'f32').data())).toEqual([...numbers, ...numbers].map(Math.fround));
  });
  test('numbers that do not fit are named', () => {
    expect(() => tensor(Uint32Array.of(2 ** 31))).toThrow(
      'tensor: got the value 2147483648, expected whole numbers of 32 bits for dtype i32.\n' +
        "  Fix: correct the value, or choose another dtype, as in dtype: 'f32'.",
    );
    expect(() => tensor(BigInt64Array.of(2n ** 40n))).toThrow(DTypeError);
    expect(() => tensor(BigInt64Array.of(2n ** 60n), { dtype: 'f64' })).toThrow(
      'tensor: got the value 1152921504606846976n, expected whole numbers of 53 bits.',
    );
    expect(() => tensor(Buffer.from('PCM'))).toThrow(
      'tensor: got the value 80, expected 0, 1, false or true for dtype bool.',
    );
    expect(() => pad([[1, 2], [0.5]], { dtype: 'i32' })).toThrow(
      'pad: got the value 0.5 as item 1, expected whole numbers of 32 bits for dtype i32.',
    );
  });
  test('a DataView and an ArrayBuffer are bytes, not numbers', () => {
    for (const make of [
      () => tensor(new DataView(new ArrayBuffer(8)) as never),
      () => collate([{ x: { data: new DataView(new ArrayBuffer(8)), shape: [8] } }] as never),
      () => tensor(new ArrayBuffer(8) as never),
    ]) {
      expect(make).toThrow(OptionError);
    }
    expect(() => tensor(new DataView(new ArrayBuffer(8)) as never)).toThrow(
      'tensor: got DataView(8), expected a typed array of numbers, or { data: typed array, shape: array of extents }.',
    );
  });
});

test('arrays of another realm are taken for what they are', async () => {
  const make = (code: string): never => vm.runInNewContext(code) as never;
  for (const [code, dtype] of [
    ['Float32Array.of(1, 0.5)', 'f32'],
    ['Float64Array.of(1, 0.5)', 'f64'],
    ['Int32Array.of(1, 2)', 'i32'],
    ['Int16Array.of(1, 2)', 'i32'],
    ['Uint8Array.of(1, 0)', 'bool'],
    ['[1, 0.5]', 'f32'],
  ] as const) {
    const data: ArrayLike<number> = make(code);
    for (const x of [
      tensor(data as TensorSource),
      tensor(make(`({ data: ${code.startsWith('[') ? `Float32Array.from(${code})` : code}, shape: [2] })`)),
      collate([data as number[]]),
      pad([data as number[]]),
    ]) {
      expect(x.dtype).toBe(dtype);
      expect(Array.from(await x.data())).toEqual(Array.from(data));
    }
  }
  expect(await new Standardize().fit([make('({ data: Float32Array.of(1, 3), shape: [2, 1] })')]).mean?.data()).toEqual(
    Float32Array.of(2),
  );
});

describe('nested arrays', () => {
  test('one that holds itself is refused', () => {
    const first: unknown[] = [],
      second: unknown[] = [1];
    first[0] = first;
    second[1] = second;
    for (const make of [tensor, pad, (x: never) => collate([x, x]), (x: never) => new Standardize().fit([x])]) {
      expect(() => make(first as never)).toThrow(ShapeError);
      expect(() => make(second as never)).toThrow(ShapeError);
    }
    expect(() => tensor(first as never)).toThrow(
      'tensor: got arrays nested more than 6 deep, expected at most 6 axes.',
    );
  });
  test('are rounded once', async () => {
    expect(Array.from(await pad([[[0.1]], [[0.2]]], { dtype: 'f64' }).data())).toEqual([0.1, 0.2]);
    expect(Array.from(await tensor([16_777_217], { dtype: 'i32' }).data())).toEqual([16_777_217]);
  });
  test('and host arrays whose shape does not fit', () => {
    const bad = { data: Float32Array.of(1, 2, 3), shape: [2, 2] };
    for (const make of [
      () => tensor(bad),
      () => pad([bad, bad]),
      () => collate([bad]),
      () => new Standardize().fit([bad]),
    ])
      expect(make).toThrow(/got 3 values(?: in item 0)?, expected 4 for shape \[2, 2\]/);
    expect(() => tensor([Float32Array.of(1)] as never)).toThrow(
      'Fix: put the numbers of all arrays into one typed array',
    );
    expect(() => tensor(tensor([1]) as never)).toThrow(
      /^tensor: got f32\[1\] on .*, expected a number, .*\n {2}Fix: take it as it is; clone\(\) copies a tensor\.$/,
    );
    expect(() => pad([pad([[1]]) as never])).toThrow(
      /^pad: got f32\[1, 1\] on (cpu|cuda:0), lengths \[1\] as item 0, expected/,
    );
    expect(() => tensor('words' as never)).toThrow(
      'tensor: got "words", expected a number, nested arrays, a typed array, or { data: typed array, shape }.',
    );
  });
});

test('padding takes no memory on the host', async () => {
  const long = pad([[1, 2], [3]], { steps: 100_000 });
  expect(long.shape).toEqual([2, 100_000]);
  expect(Array.from(await long.data())).toEqual([1, 2, 3]);
  expect(await long.values.sum().item()).toBe(6);
});
