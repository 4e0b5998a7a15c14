import { describe, expect, test } from 'vitest';
import {
  ELU,
  GELU,
  LeakyReLU,
  LogSoftmax,
  PaddedSequence,
  ReLU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
  ones,
  tensor,
} from 'stmnet';
import { differences } from '../support/near';
import { here } from '../support/devices';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

describe('activations', () => {
  test.each([
    [new ReLU(), (x: number) => Math.max(x, 0)],
    [new Sigmoid(), logistic],
    [new Tanh(), Math.tanh],
    [new SiLU(), (x: number) => x * logistic(x)],
    [new Softplus(), (x: number) => Math.log1p(Math.exp(x))],
    [new ELU(), (x: number) => (x > 0 ? x : Math.expm1(x))],
    [new ELU({ alpha: 2 }), (x: number) => (x > 0 ? x : 2 * Math.expm1(x))],
    [new LeakyReLU(), (x: number) => (x > 0 ? x : 0.01 * x)],
    [new LeakyReLU({ negativeSlope: 0.3 }), (x: number) => (x > 0 ? x : 0.3 * x)],
  ])('%o', async (layer, expected) => {
    const inputs = [-3, -0.5, 0, 0.5, 3];
    expect(differences(await layer.forward(tensor(inputs)).data(), inputs.map(expected), 1e-6)).toEqual([]);
    const padded = layer.forward(new PaddedSequence(tensor([inputs.map((x) => [x])]), [4]));
    expect(differences(await padded.values.data(), [...inputs.slice(0, 4).map(expected), 0], 1e-6)).toEqual([]);
  });

  test('GELU is the exact form', async () => {
    expect(
      differences(await new GELU().forward(tensor([-1, 0, 2])).data(), [-0.158_655_25, 0, 1.954_499_7], 1e-6),
    ).toEqual([]);
  });

  test('Softmax and LogSoftmax go along an axis', async () => {
    expect(
      differences(
        await new Softmax({ dim: 0 })
          .forward(
            tensor([
              [1, 0],
              [1, Math.log(3)],
            ]),
          )
          .data(),
        [0.5, 0.25, 0.5, 0.75],
        1e-6,
      ),
    ).toEqual([]);
    expect(
      differences(
        await new LogSoftmax().forward(tensor([[0, Math.log(3)]])).data(),
        [Math.log(0.25), Math.log(0.75)],
        1e-6,
      ),
    ).toEqual([]);
    const padded = new Softmax().forward(new PaddedSequence(ones([1, 2, 4]), [1]));
    expect(differences(await padded.values.data(), [0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0], 1e-6)).toEqual([]);
  });

  test('mistakes', () => {
    expect(() => new Softmax({ dim: 1 }).forward(new PaddedSequence(ones([1, 2, 4]), [1]))).toThrow(
      `Softmax.forward: got dim 1 of a PaddedSequence f32[1, 2, 4] on ${here}, lengths [1], ` +
        'expected an axis of features, after [N, T].\n' +
        '  Fix: use dim: -1.',
    );
    expect(() => new ELU({ alpha: Infinity })).toThrow('ELU: got alpha: Infinity, expected a finite number for alpha');
    const axis: object = { axis: 1 };
    expect(() => new LogSoftmax(axis)).toThrow('LogSoftmax: got an option axis, expected only dim');
  });
});
