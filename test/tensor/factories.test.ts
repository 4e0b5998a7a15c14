import { expect, test } from 'vitest';
import * as stm from '../../src/index';

test('factories fill', async () => {
  expect(await stm.zeros([2, 1]).array()).toEqual([[0], [0]]);
  expect(await stm.ones([2], { dtype: 'i32' }).data()).toEqual(Int32Array.of(1, 1));
  expect(await stm.full([1], 2.5, { dtype: 'f64' }).data()).toEqual(Float64Array.of(2.5));
  expect(await stm.zerosLike(stm.ones([2], { dtype: 'bool' })).array()).toEqual([false, false]);
  expect(await stm.onesLike(stm.zeros([1, 2])).array()).toEqual([[1, 1]]);
  expect(await stm.eye(2).array()).toEqual([[1, 0], [0, 1]]);
  expect(await stm.arange(1, 2, 0.25).data()).toEqual(Float32Array.of(1, 1.25, 1.5, 1.75));
  expect(await stm.arange(3, 0, -1, { dtype: 'i32' }).data()).toEqual(Int32Array.of(3, 2, 1));
});

test('arange refuses a step that leads nowhere', () => {
  expect(() => stm.arange(0, 3, -1)).toThrowError(expect.objectContaining({ name: 'OptionError', message: expect.stringMatching(/start 0, end 3, step -1/) }));
  expect(() => stm.arange(0, 3, 0)).toThrow(/step/);
});
