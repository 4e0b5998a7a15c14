import { expect, test } from 'vitest';
import { concat, flip, OptionError, pad, PaddedSequence, select, ShapeError, slice, tensor, zeros } from 'stmnet';
import { describeDevices } from '../support/devices';
import { gradient, leaf, lengths } from '../support/ragged';

const other = (): PaddedSequence =>
  new PaddedSequence(
    tensor([
      [
        [5, -5],
        [NaN, NaN],
      ],
      [
        [6, -6],
        [7, -7],
      ],
    ]),
    [1, 2],
  );

describeDevices('concat, slice and select of PaddedSequences', () => {
  test('concat along rows pads to the longest', async () => {
    const x = leaf(),
      y = concat([new PaddedSequence(x, lengths), other()], 0);
    expect([y.shape, y.lengths]).toEqual([
      [4, 3, 2],
      [3, 1, 1, 2],
    ]);
    expect(await y.array()).toEqual([
      [
        [1, -1],
        [2, -2],
        [3, -3],
      ],
      [[4, -4]],
      [[5, -5]],
      [
        [6, -6],
        [7, -7],
      ],
    ]);
    expect(await gradient(x, y)).toEqual([
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
    ]);
  });
  test('concat along steps leaves no padding between', async () => {
    const x = leaf(),
      y = concat([new PaddedSequence(x, lengths), other()], 1);
    expect([y.shape, y.lengths]).toEqual([
      [2, 4, 2],
      [4, 3],
    ]);
    expect(await y.values.array()).toEqual([
      [
        [1, -1],
        [2, -2],
        [3, -3],
        [5, -5],
      ],
      [
        [4, -4],
        [6, -6],
        [7, -7],
        [0, 0],
      ],
    ]);
    expect(await gradient(x, y)).toEqual([
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
    ]);
  });
  test('concat along features keeps the lengths, which must be equal', async () => {
    const x = leaf(),
      sequence = new PaddedSequence(x, lengths),
      y = concat([sequence, pad([[[7], [8], [9]], [[10]]])], -1);
    expect(y.lengths).toEqual(lengths);
    expect(await y.values.array()).toEqual([
      [
        [1, -1, 7],
        [2, -2, 8],
        [3, -3, 9],
      ],
      [
        [4, -4, 10],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]);
    expect(await gradient(x, y)).toEqual([
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(() => concat([sequence, other()], 2)).toThrow(ShapeError);
    expect(() => concat([sequence, other()], 2)).toThrow(
      'concat: got lengths [3, 1] and [1, 2], expected equal lengths along an axis of features.',
    );
  });
  test('concat refuses a mixture', () => {
    expect(() => concat([other(), tensor([[1]])] as never, 0)).toThrow(OptionError);
  });

  test('slice of rows, steps and features', async () => {
    const x = new PaddedSequence(leaf(), lengths);
    expect(await slice(x, [1]).array()).toEqual([[[4, -4]]]);
    expect(await x.slice([0, 1]).array()).toEqual([
      [
        [2, -2],
        [3, -3],
      ],
      [],
    ]);
    expect(await x.slice([], [null, 2]).array()).toEqual([
      [
        [1, -1],
        [2, -2],
      ],
      [[4, -4]],
    ]);
    expect(await x.slice([0, 0, 1], [null, null, 2]).array()).toEqual([[[-1], [-2], [-3]], [[-4]]]);
    expect(await x.slice([0, 5]).array()).toEqual([[], []]);
    expect(x.slice([-1], [null]).lengths).toEqual([1]);
  });
  test('negative steps count from the end of each row', async () => {
    const x = new PaddedSequence(leaf(), lengths);
    expect(await x.slice([0, -2]).array()).toEqual([
      [
        [2, -2],
        [3, -3],
      ],
      [[4, -4]],
    ]);
    expect(await x.slice([0, 0], [null, -1]).array()).toEqual([
      [
        [1, -1],
        [2, -2],
      ],
      [],
    ]);
    expect(await x.slice([0, -3], [null, -1]).array()).toEqual([
      [
        [1, -1],
        [2, -2],
      ],
      [],
    ]);
    expect(x.slice([0, -2]).shape).toEqual([2, 2, 2]);
    const first = slice(
      new PaddedSequence(
        tensor([
          [1, 2, 3],
          [4, 5, Number.NaN],
        ]),
        [3, 2],
      ),
      [0, 0],
      [null, -1],
    );
    expect(first.lengths).toEqual([2, 1]);
    expect(await first.values.array()).toEqual([
      [1, 2],
      [4, 0],
    ]);
  });
  test('gradients of slices reach what was kept', async () => {
    const x = leaf();
    expect(await gradient(x, new PaddedSequence(x, lengths).slice([0, -2]))).toEqual([
      [
        [0, 0],
        [1, 1],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
    ]);
    const again = leaf();
    expect(await gradient(again, new PaddedSequence(again, lengths).slice([0, 1]))).toEqual([
      [
        [0, 0],
        [1, 1],
        [1, 1],
      ],
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  test('select of a row, of a step of each row, of a feature', async () => {
    const x = new PaddedSequence(leaf(), lengths);
    expect(await select(x, 0, -1).array()).toEqual([[4, -4]]);
    expect(await select(x, 1, 1).array()).toEqual([
      [2, -2],
      [0, 0],
    ]);
    expect(await x.select(1, -1).array()).toEqual([
      [3, -3],
      [4, -4],
    ]);
    expect(await x.select(1, -2).array()).toEqual([
      [2, -2],
      [0, 0],
    ]);
    const feature = x.select(-1, 1);
    expect(feature).toBeInstanceOf(PaddedSequence);
    expect(await feature.array()).toEqual([[-1, -2, -3], [-4]]);
    const y = leaf();
    expect(await gradient(y, new PaddedSequence(y, lengths).select(1, 1))).toEqual([
      [
        [0, 0],
        [1, 1],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(() => x.select(1, 0.5)).toThrow('PaddedSequence.select: got index 0.5 along dim 1 of f32[2, 3, 2] on');
    expect(() => x.select(0, 2)).toThrow('expected a whole number in -2..1, along an axis that is there.');
  });
  test('a step that no row has is zeros, as beside longer rows', async () => {
    const x = new PaddedSequence(leaf(), lengths);
    expect(await x.select(1, 7).array()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await x.select(1, -7).array()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const empty = new PaddedSequence(zeros([2, 0, 3]), [0, 0]);
    expect(await empty.select(1, -1).array()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(await empty.slice([0, -2]).array()).toEqual([[], []]);
  });
  test('indices and masks too', async () => {
    const words = pad([Int32Array.of(1, 2, 3), Int32Array.of(4)]);
    expect(await concat([words, words], 1).array()).toEqual([
      [1, 2, 3, 1, 2, 3],
      [4, 4],
    ]);
    expect(await words.slice([0, -1]).array()).toEqual([[3], [4]]);
    expect(await words.select(1, 1).array()).toEqual([2, 0]);
  });
});

test('tensors are what they were', async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(await concat([x, x], 1).array()).toEqual([
    [1, 2, 1, 2],
    [3, 4, 3, 4],
  ]);
  expect(await slice(x, [0, 1]).array()).toEqual([[2], [4]]);
  expect(await select(x, 0, 1).array()).toEqual([3, 4]);
  expect(await flip(x, [1]).array()).toEqual([
    [2, 1],
    [4, 3],
  ]);
});
