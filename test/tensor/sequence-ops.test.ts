import { expect, test } from 'vitest';
import {
  concat,
  flip,
  mapValues,
  OptionError,
  pad,
  PaddedSequence,
  permutation,
  manualSeed,
  select,
  ShapeError,
  slice,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { describeDevices, here } from '../support/devices';

/** Rows [1, 2, 3] and [4], of two features each, NaN in the padding. */
const leaf = (): Tensor =>
  tensor(
    [
      [
        [1, -1],
        [2, -2],
        [3, -3],
      ],
      [
        [4, -4],
        [NaN, NaN],
        [NaN, NaN],
      ],
    ],
    { requiresGrad: true },
  );
const lengths = [3, 1];
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

/** The gradient of a sum over the results' real steps. */
async function gradient(x: Tensor, y: PaddedSequence | Tensor): Promise<unknown> {
  (y instanceof PaddedSequence ? y.zeroPadding().values : y).sum().backward();
  return x.grad?.array();
}

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
  test('flip turns steps within each length, rows with their lengths', async () => {
    const x = new PaddedSequence(leaf(), lengths);
    const steps = flip(x, [1]);
    expect([await steps.array(), steps.lengths]).toEqual([
      [
        [
          [3, -3],
          [2, -2],
          [1, -1],
        ],
        [[4, -4]],
      ],
      lengths,
    ]);
    expect(((await steps.values.array()) as number[][][])[1]).toEqual([
      [4, -4],
      [0, 0],
      [0, 0],
    ]);
    const rows = x.flip([0]);
    expect([await rows.array(), rows.lengths]).toEqual([
      [
        [[4, -4]],
        [
          [1, -1],
          [2, -2],
          [3, -3],
        ],
      ],
      [1, 3],
    ]);
    expect(await flip(x, [-1]).array()).toEqual([
      [
        [-1, 1],
        [-2, 2],
        [-3, 3],
      ],
      [[-4, 4]],
    ]);
    const all = flip(x, [2, -2, 0]);
    expect([await all.array(), all.lengths]).toEqual([
      [
        [[-4, 4]],
        [
          [-3, 3],
          [-2, 2],
          [-1, 1],
        ],
      ],
      [1, 3],
    ]);
    expect(await flip(all, [0, 1, 2]).array()).toEqual(await x.array());
    expect(await flip(x, []).array()).toEqual(await x.array());
    const y = leaf();
    const weighed = flip(new PaddedSequence(y, lengths), [0, 1]).map((values) =>
      values.mul(
        tensor([
          [[1], [2], [3]],
          [[4], [5], [6]],
        ]),
      ),
    );
    expect(await gradient(y, weighed)).toEqual([
      [
        [6, 6],
        [5, 5],
        [4, 4],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
    ]);
    const words = pad([Int32Array.of(1, 2, 3), Int32Array.of(4), Int32Array.of()]);
    expect(await flip(words, [1]).array()).toEqual([[3, 2, 1], [4], []]);
    expect(await flip(new PaddedSequence(zeros([2, 0, 3]), [0, 0]), [1]).array()).toEqual([[], []]);
    expect(() => flip(x, [3])).toThrow('flip: got dim 3, expected -3..2');
    expect(() => flip(x, [1, -2])).toThrow('flip: got dim -2 twice');
    expect(() => flip(x, 1 as never)).toThrow('put the numbers into one array, as in flip([1, …])');
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

test('mapValues goes through either kind, with zeros in the padding', async () => {
  expect(await mapValues(tensor([1, 2]), (values) => values.add(1)).array()).toEqual([2, 3]);
  const mapped = mapValues(new PaddedSequence(tensor([[1, NaN]]), [1]), (values) => values.mul(2));
  expect([mapped.lengths, await mapped.values.array()]).toEqual([[1], [[2, 0]]]);
  expect(mapped.device).toBe(here);
});

test('permutation is the order of one seed', () => {
  manualSeed(1);
  const order = permutation(6);
  expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  manualSeed(1);
  expect(permutation(6)).toEqual(order);
});
