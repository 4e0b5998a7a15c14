import { describe, expect, it } from 'vitest';
import { ctcGreedyDecode, oneHot, PaddedSequence, tensor, zeros, type Tensor } from 'stmnet';
import { handlesKept } from '../support/handles';

/** Scores whose highest classes these are. */
const highest = (rows: number[][]): Tensor => oneHot(tensor(rows, { dtype: 'i32' }), 4).sub(0.5);

describe('ctcGreedyDecode', () => {
  it('takes repetitions once, and leaves out blanks', async () => {
    const scores = highest([
      [1, 1, 0, 1, 2, 2],
      [0, 0, 0, 0, 0, 0],
      [3, 2, 3, 0, 0, 3],
    ]);
    expect(await ctcGreedyDecode(scores)).toEqual([[1, 1, 2], [], [3, 2, 3, 3]]);
    expect(await ctcGreedyDecode(scores, { blank: 3 })).toEqual([[1, 0, 1, 2], [0], [2, 0]]);
  });

  it('takes the real steps of each row, whatever stands behind them', async () => {
    const scores = highest([
      [1, 1, 0, 1],
      [2, 3, 3, 3],
      [1, 2, 3, 1],
    ]);
    const spoilt = new PaddedSequence(scores, [3, 1, 0]).mask().unsqueeze(2).where(scores, Number.NaN);
    expect(await ctcGreedyDecode(new PaddedSequence(spoilt, [3, 1, 0]))).toEqual([[1], [2], []]);
    expect(await ctcGreedyDecode(zeros([2, 0, 3]))).toEqual([[], []]);
    expect(await ctcGreedyDecode(zeros([0, 2, 3]))).toEqual([]);
  });

  it('leaves no tensors', async () => {
    const scores = highest([[1, 2]]);
    const before = handlesKept();
    await ctcGreedyDecode(scores);
    expect(handlesKept()).toBe(before);
  });

  const spoilt = tensor([[[0, 1], [Number.NaN, 0]]]); // prettier-ignore
  it.each<[Tensor, object, string]>([
    [zeros([2, 3]), {}, 'ctcGreedyDecode: got scores f32[2, 3]'],
    [zeros([1, 2, 3]), { blank: 3 }, 'blank: 3'],
    [zeros([1, 2, 3]), { blank: 0.5 }, 'blank: 0.5'],
    [zeros([1, 2, 3]), { Blank: 1 }, 'blank'],
    [spoilt, {}, 'got NaN among the scores of step 1 of row 0, expected numbers'],
  ])('refuses %s with %o', async (scores, options, message) => {
    await expect(ctcGreedyDecode(scores, options)).rejects.toThrow(message);
  });
});
