import { expect, test } from 'vitest';
import { flattenSteps, PaddedSequence, tensor, unflattenSteps, zeros, type Tensor } from 'stmnet';
import { describeDevices, here } from '../support/devices';
import { expectGradients, spreadArray } from '../support/gradients';

const array = (x: Tensor): Promise<unknown> => x.array();

describeDevices('steps behind each other', () => {
  const values = [
    [[1, 2], [3, 4], [-9, -9]], // prettier-ignore
    [[-9, -9], [-9, -9], [-9, -9]], // prettier-ignore
    [[5, 6], [7, 8], [9, 10]], // prettier-ignore
  ];
  const lengths = [2, 0, 3];

  test('are the real ones, row after row, and go back', async () => {
    const x = new PaddedSequence(tensor(values), lengths);
    const flat = flattenSteps(x);
    expect(await array(flat)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
      [9, 10],
    ]);
    for (const like of [x, lengths]) {
      const back = unflattenSteps(like, flat);
      expect(back.lengths).toEqual(lengths);
      expect(await array(back.values)).toEqual([
        [[1, 2], [3, 4], [0, 0]], // prettier-ignore
        [[0, 0], [0, 0], [0, 0]], // prettier-ignore
        [[5, 6], [7, 8], [9, 10]], // prettier-ignore
      ]);
    }
  });
  test('have as many steps as what they go back to, and any axes', async () => {
    const like = new PaddedSequence(zeros([2, 4], { dtype: 'i32' }), [1, 2]);
    expect(await array(unflattenSteps(like, tensor([7, 8, 9])).values)).toEqual([
      [7, 0, 0, 0],
      [8, 9, 0, 0],
    ]);
    expect(unflattenSteps(like, zeros([3, 2, 5])).shape).toEqual([2, 4, 2, 5]);
  });
  test('rows without steps, and none at all', async () => {
    expect(unflattenSteps([0, 0], zeros([0, 3])).shape).toEqual([2, 0, 3]);
    const none = unflattenSteps(new PaddedSequence(zeros([2, 4]), [0, 0]), zeros([0, 3]));
    expect(await array(none.values)).toEqual(await array(zeros([2, 4, 3])));
    expect(flattenSteps(none).shape).toEqual([0, 3]);
    expect(unflattenSteps([], zeros([0, 3])).shape).toEqual([0, 0, 3]);
  });
  test('gradients go to each real step and nowhere else', async () => {
    await expectGradients((x) => unflattenSteps(lengths, x).values.pow(2), [spreadArray([5, 2])]);
    const x = tensor(values, { requiresGrad: true });
    flattenSteps(new PaddedSequence(x, lengths)).mul(3).sum().backward();
    expect(await x.grad?.sum([2]).array()).toEqual([
      [6, 6, 0],
      [0, 0, 0],
      [6, 6, 6],
    ]);
  });
});

test('mistakes', () => {
  expect(() => unflattenSteps([2, 0, 3], zeros([4, 2]))).toThrow(
    `unflattenSteps: got f32[4, 2] on ${here} for lengths [2, 0, 3], expected first axis 5, ` +
      'the number of real steps.\n' +
      '  Fix: give each real step of the rows its own, in their order.',
  );
  expect(() => unflattenSteps([], zeros([]))).toThrow(/expected first axis 0/);
  expect(() => unflattenSteps([1.5, 0.5], zeros([2]))).toThrow(/got \[1.5, 0.5\] as like/);
  expect(() => unflattenSteps(zeros([2]), zeros([2]))).toThrow(/got f32\[2\] on .* as like, expected \[N, T, …\]/);
  expect(() => unflattenSteps(zeros([2, 3]), zeros([5]))).toThrow(/for f32\[2, 3\] on .*, expected first axis 6/);
  expect(() => unflattenSteps([1], [[1]] as never)).toThrow(/got \[\[1\]\]/);
  expect(() => flattenSteps([[1]] as never)).toThrow(/flattenSteps: got \[\[1\]\]/);
});

test('of a tensor every step is one, as in a batch of sequences of one length', async () => {
  const words = tensor([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
  const flat = flattenSteps(words);
  expect(await flat.array()).toEqual([1, 2, 3, 4, 5, 6]);
  const back = unflattenSteps(words, flat.unsqueeze(-1));
  expect(back.shape).toEqual([3, 2, 1]);
  expect(await back.data()).toEqual(await words.data());
  expect(() => flattenSteps(zeros([2]))).toThrow(/got f32\[2\] on .* as x, expected \[N, T, …\]/);
});
