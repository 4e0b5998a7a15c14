import { expect, test } from 'vitest';
import { ExactMatch, PaddedSequence, tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

test('texts, tokens, several references and weights', async () => {
  const match = new ExactMatch();
  expect(await match.compute()).toBeNaN();
  match.update(['Paris', 'paris ', 'Rome'], ['Paris', 'Paris', 'Rome']);
  expect(await match.compute()).toBe(2 / 3);
  match.update(['Paris'], [['paris', 'Paris']]);
  match.update([['a', 'b'], ['a'], []], [['a', 'b'], ['a', 'b'], []]); // prettier-ignore
  expect(await match.compute()).toBe(5 / 7);
  match.reset();
  match.update(['a', 'b'], ['a', 'c'], { weight: [3, 1] });
  expect(await match.compute()).toBe(3 / 4);
  expect(() => match.update(['a'], ['a', 'b'])).toThrow('ExactMatch.update: got 1 outputs and 2 targets');
});

describeDevices('exact match of numbers', () => {
  test('a sequence counts where all of its real labels are right', async () => {
    const match = new ExactMatch();
    const scores = [[[0, 1], [1, 0]], [[0, 1], [1, 0]], [[0, 1], [0, 1]], [[1, 0], [1, 0]]]; // prettier-ignore
    const labels = [[1, 0], [1, 1], [1, 7], [-100, 5]]; // prettier-ignore
    const lengths = [2, 2, 1, 1];
    const target = new PaddedSequence(tensor(labels, { dtype: 'i32' }), lengths);
    match.update(new PaddedSequence(tensor(scores), lengths), target);
    expect(await match.compute()).toBe(2 / 3); // the last one has no label that counts
    match.update(tensor([[1, 2]], { dtype: 'i32' }), [[1, 2]], { weight: [2] }); // prettier-ignore
    expect(await match.compute()).toBe(4 / 5);
    const other = new ExactMatch({ ignoreIndex: 0 });
    other.update([1, 2, 3], [1, 0, 4]);
    expect(await other.compute()).toBe(1 / 2);
  });
});
