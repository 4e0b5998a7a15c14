import { expect, test } from 'vitest';
import * as stm from '../../src/index';

test('factories fill', async () => {
  expect(await stm.zeros([2, 1]).array()).toEqual([[0], [0]]);
  expect(await stm.ones([2], { dtype: 'i32' }).data()).toEqual(Int32Array.of(1, 1));
  expect(await stm.full([1], 2.5, { dtype: 'f64' }).data()).toEqual(Float64Array.of(2.5));
  expect(await stm.zerosLike(stm.ones([2], { dtype: 'bool' })).array()).toEqual([false, false]);
  expect(await stm.onesLike(stm.zeros([1, 2])).array()).toEqual([[1, 1]]);
  expect(await stm.eye(2).array()).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(await stm.arange(1, 2, 0.25).data()).toEqual(Float32Array.of(1, 1.25, 1.5, 1.75));
  expect(await stm.arange(3, 0, -1, { dtype: 'i32' }).data()).toEqual(Int32Array.of(3, 2, 1));
});

test('arange refuses a step that leads nowhere', () => {
  expect(() => stm.arange(0, 3, -1)).toThrowError(
    expect.objectContaining({ name: 'OptionError', message: expect.stringMatching(/start 0, end 3, step -1/) }),
  );
  expect(() => stm.arange(0, 3, 0)).toThrow(/step/);
});

test('data that shrinks while it is read is refused, and shared data is copied first', async () => {
  // Younger than the library that the tests are compiled for.
  const buffer = Reflect.construct(ArrayBuffer, [1 << 16, { maxByteLength: 1 << 16 }]) as ArrayBuffer & {
    resize(bytes: number): void;
  };
  const data = new Float32Array(buffer);
  const shape = [0, 1];
  let reads = 0;
  const shrinking = (): number => {
    if (reads++ > 0) buffer.resize(4);
    return 1 << 14;
  };
  Object.defineProperty(shape, 0, { get: shrinking, enumerable: true });
  expect((await stm.tensor({ data, shape }).data()).length).toBe(1 << 14);
  expect(() => stm.tensor({ data, shape })).toThrow(stm.ShapeError);
  expect(() => stm.tensor({ data, shape })).toThrow('tensor: got 1 values, expected 16384 for shape [16384, 1].');

  const shared = new Int32Array(new SharedArrayBuffer(12));
  shared.set([1, 2, 3]);
  const tensors = [
    stm.tensor(shared),
    stm.tensor({ data: shared, shape: [3, 1] }),
    stm.tensor(new Uint8Array(new SharedArrayBuffer(2))),
  ];
  shared.fill(9);
  expect(await Promise.all(tensors.map(async (x) => Array.from(await x.data())))).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [0, 0],
  ]);
});

test('arrays that hold themselves are refused, wherever', () => {
  const whole: unknown[] = [],
    second: unknown[] = [1],
    deep: unknown[] = [[1, 2], [3]];
  whole.push(whole);
  second.push(second);
  deep.push(deep, [deep]);
  for (const cycle of [whole, second, deep, [whole, whole], [[[[[[[1]]]]]]]]) {
    for (const call of [() => stm.tensor(cycle as number[]), () => stm.pad([cycle as number[]])]) {
      expect(call).toThrowError(
        expect.objectContaining({ name: 'ShapeError', message: expect.stringMatching(/\n {2}Fix: /) }),
      );
    }
  }
});
