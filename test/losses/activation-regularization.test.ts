import { describe, expect, test } from 'vitest';
import {
  activationRegularization,
  concat,
  full,
  LSTM,
  ones,
  PaddedSequence,
  temporalActivationRegularization,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';
import { expectGradients, spreadArray } from '../support/gradients';

// prettier-ignore
const output = tensor([[[1, -2], [4, 0], [0.5, 1]], [[0, 3], [2, 3], [-1, 7]]], { dtype: 'f64' });

describe('activation regularisation', () => {
  test('is the mean square', async () => {
    // (1 + 4 + 16 + 0.25 + 1) + (9 + 4 + 9 + 1 + 49) over 12
    expect(await activationRegularization(output).item()).toBeCloseTo(94.25 / 12, 12);
  });

  test('of real steps alone', async () => {
    const padded = new PaddedSequence(output, [2, 1]);
    expect(await activationRegularization(padded).item()).toBeCloseTo((21 + 9) / 6, 12);
  });

  test('of changes is the mean square of a step less the one before', async () => {
    // (9 + 4 + 12.25 + 1) + (4 + 0 + 9 + 16) over 8
    expect(await temporalActivationRegularization(output).item()).toBeCloseTo(55.25 / 8, 12);
    expect(await temporalActivationRegularization(full([2, 5, 3], 4)).item()).toBe(0);
  });

  test('of changes between real steps alone', async () => {
    const padded = new PaddedSequence(output, [2, 3]);
    expect(await temporalActivationRegularization(padded).item()).toBeCloseTo((13 + 29) / 6, 12);
    expect(await temporalActivationRegularization(new PaddedSequence(output, [1, 0])).item()).toBe(0);
  });

  test('where there is nothing to count is 0', async () => {
    expect(await temporalActivationRegularization(ones([2, 1, 3])).item()).toBe(0);
    expect(await temporalActivationRegularization(ones([2, 0, 3])).item()).toBe(0);
    expect(await activationRegularization(zeros([0, 4, 3])).item()).toBe(0);
    expect(await activationRegularization(new PaddedSequence(output, [0, 0])).item()).toBe(0);
  });

  test.each([
    ['activationRegularization', activationRegularization],
    ['temporalActivationRegularization', temporalActivationRegularization],
  ])('%s has the gradients of central differences', async (_, fn) => {
    await expectGradients(fn, [spreadArray([2, 4, 3])]);
    await expectGradients((x) => fn(new PaddedSequence(x, [3, 1])), [spreadArray([2, 4, 3])]);
  });

  test('sends no gradient into padding, whatever stands there', async () => {
    const x = concat([ones([1, 2, 2]), full([1, 1, 2], Number.NaN)], 1).requiresGrad_(true);
    const padded = new PaddedSequence(x, [2]);
    activationRegularization(padded).add(temporalActivationRegularization(padded)).backward();
    expect(await x.grad?.array()).toEqual([[[0.5, 0.5], [0.5, 0.5], [0, 0]]]); // prettier-ignore
  });

  test('goes through a recurrent layer', async () => {
    const lstm = new LSTM({ inputSize: 3, hiddenSize: 2, dtype: 'f64' });
    const penalty = (x: Tensor): Tensor => {
      const { output: h } = lstm.forward(x);
      return activationRegularization(h).mul(2).add(temporalActivationRegularization(h));
    };
    await expectGradients(penalty, [spreadArray([2, 4, 3])]);
  });

  test('refuses what has no steps', () => {
    expect(() => activationRegularization(ones([2, 3]))).toThrow(
      `activationRegularization: got output f32[2, 3] on ${here}, expected what a recurrent layer gives, [N, T, H].\n` +
        '  Fix: pass its output, with the batch first: x.unsqueeze(0).',
    );
    expect(() => temporalActivationRegularization(7 as never)).toThrow(
      'temporalActivationRegularization: got output 7',
    );
  });
});
