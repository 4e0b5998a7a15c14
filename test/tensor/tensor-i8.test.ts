// Tensors of 8 bits, which keep weights: they are made, read, copied and cast, and computed with by quantised layers
// alone.
import { expect, test } from 'vitest';
import {
  add,
  BufferTensor,
  cast,
  clone,
  concat,
  copy_,
  exp,
  full,
  matmul,
  noGrad,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';

const numbers = Int8Array.from([-128, -127, -1, 0, 1, 127]);
const eight = (): Tensor => tensor({ data: numbers, shape: [2, 3] }, { dtype: 'i8' });

test('are made of numbers that fit, and read', async () => {
  expect(String(eight())).toBe(`i8[2, 3] on ${here}`);
  expect(await eight().data()).toEqual(numbers);
  expect(await tensor([[1, -2]], { dtype: 'i8' }).array()).toEqual([[1, -2]]);
  expect(await zeros([3], { dtype: 'i8' }).data()).toEqual(new Int8Array(3));
  expect(tensor(numbers).dtype).toBe('i32'); // unless i8 is asked for
  const into = new Int8Array(6);
  expect(await eight().data({ into })).toBe(into);
  expect(into).toEqual(numbers);
  expect(() => tensor([128], { dtype: 'i8' })).toThrow(
    'tensor: got the value 128, expected whole numbers of 8 bits for dtype i8.\n' +
      "  Fix: correct the value, or choose another dtype, as in dtype: 'f32'.",
  );
  expect(() => full([2], 3, { dtype: 'i8' })).toThrow(
    'full: got 3 for dtype i8, expected 0.\n' +
      "  Fix: make it of its numbers: tensor(new Int8Array([…]), { dtype: 'i8' }).",
  );
});

test('are copied, viewed and written over', async () => {
  expect(await clone(eight()).data()).toEqual(numbers);
  expect(await eight().transpose(0, 1).contiguous().data()).toEqual(Int8Array.from([-128, 0, -127, 1, -1, 127]));
  expect(await eight().slice([1], [2]).reshape([3]).data()).toEqual(Int8Array.from([0, 1, 127]));
  const buffer = new BufferTensor(eight());
  noGrad(() => copy_(buffer, tensor([[1, 2, 3]], { dtype: 'i8' })));
  expect(await buffer.array()).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test.each(['i32', 'f32', 'f64'] as const)('are cast to %s', async (dtype) => {
  expect([...(await cast(eight(), dtype).data())]).toEqual([...numbers]);
});

test.each<[string, () => unknown, string]>([
  ['add', () => add(eight(), 1), `add: got i8[2, 3] on ${here}`],
  ['concat', () => concat([eight(), eight()], 0), `concat: got i8[2, 3] on ${here}`],
  ['sum', () => eight().sum(), `i8[2, 3] on ${here}`],
  ['exp', () => exp(eight()), `exp: got x i8[2, 3] on ${here}, expected f32 or f64`],
  ['matmul', () => matmul(eight(), eight()), `matmul: got a i8[2, 3] on ${here}, expected f32 or f64`],
  [
    'gt',
    () => eight().gt(0),
    `gt: got i8[2, 3] on ${here}, expected a tensor to compute with: i8 only keeps quantised weights.\n` +
      "  Fix: cast it with cast('i32') or cast('f32').",
  ],
  [
    'cast to i8',
    () => tensor([1]).cast('i8'),
    `cast: got f32[1] on ${here} to i8, expected f32, f64, i32 or bool.\n  Fix: quantizeDynamic(model) makes weights ` +
      "of 8 bits; numbers of your own: tensor(int8Array, { dtype: 'i8' }).",
  ],
])('%s does not compute with them', (_, call, message) => {
  expect(call).toThrow(message);
});
