import { expect, test } from 'vitest';
import { flip, pad, PaddedSequence, tensor, zeros } from 'stmnet';
import { describeDevices } from '../support/devices';
import { gradient, leaf, lengths } from '../support/ragged';

describeDevices('flip of PaddedSequences', () => {
  test('turns steps within each length, rows with their lengths', async () => {
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
  });

  test('hands gradients back to the steps that they are of', async () => {
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
  });

  test('of rows without steps, and of axes that are not there', async () => {
    const words = pad([Int32Array.of(1, 2, 3), Int32Array.of(4), Int32Array.of()]);
    expect(await flip(words, [1]).array()).toEqual([[3, 2, 1], [4], []]);
    expect(await flip(new PaddedSequence(zeros([2, 0, 3]), [0, 0]), [1]).array()).toEqual([[], []]);
    const x = new PaddedSequence(leaf(), lengths);
    expect(() => flip(x, [3])).toThrow('flip: got dim 3, expected -3..2');
    expect(() => flip(x, [1, -2])).toThrow('flip: got dim -2 twice');
    expect(() => flip(x, 1 as never)).toThrow('put the numbers into one array, as in flip([1, …])');
  });
});
