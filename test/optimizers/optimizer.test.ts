import { describe, expect, test } from 'vitest';
import {
  Adagrad,
  Adam,
  bernoulli,
  clipGradNorm,
  devices,
  NAdam,
  noGrad,
  Optimizer,
  Parameter,
  RMSprop,
  scope,
  setNumThreads,
  SGD,
  synchronize,
  tensor,
  zeros,
  type OptimizerOptions,
  type Tensor,
} from 'stmnet';
import { binding } from '../../src/native/load';
import { idOf } from '../../src/tensor/tensor';
import { exportedClasses } from '../support/exports';
import { handlesKept } from '../support/handles';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';
import { parameter, stepOnce } from '../support/trained-parameters';

const id = (x: Tensor): number => idOf(x, 'test');

type Make = (parameters: Parameter[], options?: OptimizerOptions) => Optimizer;

const classes = exportedClasses<Optimizer, Parameters<Make>>(Optimizer);
const kinds: Record<string, Make> = {
  ...Object.fromEntries(classes.map(([name, Class]): [string, Make] => [name, (...args) => new Class(...args)])),
  'SGD with momentum': (parameters, options) => new SGD(parameters, { momentum: 0.9, ...options }),
  'Adam, amsgrad': (parameters, options) => new Adam(parameters, { amsgrad: true, ...options }),
  'NAdam, decoupled decay': (parameters, options) =>
    new NAdam(parameters, { weightDecay: 0.1, decoupledWeightDecay: true, ...options }),
  'RMSprop, centered': (parameters, options) => new RMSprop(parameters, { centered: true, momentum: 0.5, ...options }),
  'Adagrad, initial and decay': (parameters, options) =>
    new Adagrad(parameters, { initialAccumulatorValue: 0.1, learningRateDecay: 0.01, ...options }),
};

const dataOf = (tensors: readonly Tensor[]): Promise<number[][]> =>
  Promise.all(tensors.map(async (item) => Array.from(await item.data())));

describe.each(Object.entries(kinds))('%s', (_, make) => {
  test('the elements of a part do not depend on the parts that threads take', async () => {
    const run = async (threads: number): Promise<number[][]> => {
      setNumThreads(threads);
      const parameters = [
        parameter([41_003], 1, 'f32'),
        parameter([7], 2, 'f32'),
        parameter([0], 3, 'f32'),
        parameter([30_001], 4, 'f32'),
      ];
      const optimizer = make(parameters);
      for (let step = 0; step < 3; step++) stepOnce(optimizer, parameters, step);
      return dataOf(parameters);
    };
    try {
      const one = await run(1);
      expect(await run(2)).toEqual(one);
      expect(await run(3)).toEqual(one);
    } finally {
      setNumThreads(0);
    }
  });

  test('f32 follows f64', async () => {
    const run = async (dtype: 'f32' | 'f64'): Promise<number[]> => {
      const parameters = [parameter([13], 1, dtype)];
      const optimizer = make(parameters, { learningRate: 0.05 });
      for (let step = 0; step < 10; step++) stepOnce(optimizer, parameters, step);
      return (await dataOf(parameters)).flat();
    };
    expect(differences(await run('f32'), await run('f64'), 2e-5)).toEqual([]);
  });

  test('a view with gaps is trained like a dense parameter', async () => {
    const [dense, base] = [parameter([4, 5]), zeros([5, 6], { dtype: 'f64' })];
    const view = new Parameter(base.slice([0, 1], [null, 5]).transpose(0, 1));
    noGrad(() => view.copy_(dense));
    const [first, second] = [make([dense]), make([view])];
    for (let step = 0; step < 3; step++) {
      stepOnce(first, [dense], step);
      stepOnce(second, [view], step);
    }
    expect(await view.data()).toEqual(await dense.data());
    const edges = (await base.data()).filter((__, i) => i % 6 === 0 || i % 6 === 5);
    expect(edges).toEqual(new Float64Array(10));
  });

  test('loading a state goes on where it was saved', async () => {
    const parameters = [parameter([3, 4]), parameter([5], 2)];
    const optimizer = make(parameters, { learningRate: 0.03 });
    for (let step = 0; step < 3; step++) stepOnce(optimizer, parameters, step);
    const copies = parameters.map((item) => new Parameter(item.detach().clone()));
    const resumed = make(copies);
    const saved = optimizer.stateDict();
    resumed.loadStateDict(saved);
    expect(resumed.steps).toBe(3);
    expect(resumed.learningRate).toBe(0.03);
    for (let step = 3; step < 6; step++) {
      stepOnce(optimizer, parameters, step);
      stepOnce(resumed, copies, step);
    }
    expect(await dataOf(copies)).toEqual(await dataOf(parameters));
  });
});

test('parameters without a gradient stay, get no state, and start from their own first step', async () => {
  const [a, b] = [parameter([3], 1), parameter([3], 1)];
  const late = new Adam([a, b], { learningRate: 0.1 });
  stepOnce(late, [a], 0);
  b.grad = undefined;
  expect(Object.keys(late.stateDict().state)).toEqual(['0.exp_avg', '0.exp_avg_sq', '0.step']);
  expect(await b.data()).toEqual(await parameter([3], 1).data());
  late.zeroGrad();
  stepOnce(late, [b], 0); // the same gradient as `a` had in its first step
  expect(await b.data()).toEqual(await a.data());
  expect(await late.stateDict().state['1.step']?.item()).toBe(1);
});

test('zeroGrad drops gradients, and a step without any does nothing', async () => {
  const weight = parameter([2]);
  const optimizer = new SGD([weight], { learningRate: 1 });
  weight.grad = tensor([1, 1], { dtype: 'f64' });
  optimizer.zeroGrad();
  expect(weight.grad).toBeUndefined();
  optimizer.step();
  expect(await weight.data()).toEqual(await parameter([2]).data());
  expect(optimizer.steps).toBe(1);
});

test('groups have options of their own, and learningRate sets them all', async () => {
  const [a, b] = [new Parameter(tensor([1])), new Parameter(tensor([1]))];
  const optimizer = new SGD([{ parameters: [a], learningRate: 0.5 }, { parameters: [b] }], {
    learningRate: 0.1,
    weightDecay: 1,
  });
  expect(optimizer.groups.map((group) => [group.learningRate, group.weightDecay])).toEqual([
    [0.5, 1],
    [0.1, 1],
  ]);
  for (const item of [a, b]) item.grad = tensor([1]);
  optimizer.step();
  expect(differences((await dataOf([a, b])).flat(), [1 - 0.5 * 2, 1 - 0.1 * 2], 1e-6)).toEqual([]);
  optimizer.learningRate = 0;
  optimizer.step();
  expect(optimizer.groups.map((group) => group.learningRate)).toEqual([0, 0]);
  expect(() => (optimizer.learningRate = -1)).toThrow(
    'SGD: got learningRate: -1, expected a finite number of at least 0 for learningRate.',
  );
});

test('a learning rate may change at every step, and in one group only', async () => {
  const [a, b] = [new Parameter(tensor([0], { dtype: 'f64' })), new Parameter(tensor([0], { dtype: 'f64' }))];
  const optimizer = new SGD([{ parameters: [a] }, { parameters: [b] }], { learningRate: 1 });
  const [first] = optimizer.groups;
  const seen: number[][] = [];
  for (const rate of [1, 0.5, 0.5, 0.25]) {
    if (first) first.learningRate = rate;
    for (const item of [a, b]) item.grad = tensor([1], { dtype: 'f64' });
    optimizer.step();
    seen.push((await dataOf([a, b])).flat());
  }
  expect(seen).toEqual([
    [-1, -1],
    [-1.5, -2],
    [-2, -3],
    [-2.25, -4],
  ]);
  if (first) first.learningRate = -1;
  expect(() => optimizer.step()).toThrow(
    'SGD.step: got learningRate: -1, expected a finite number of at least 0 for learningRate.',
  );
});

test('a step that is to be skipped changes nothing, the number of steps included', async () => {
  const weight = parameter([5]);
  weight.grad = tensor(spreadArray([5], 3), { dtype: 'f64' });
  const state = [zeros([5], { dtype: 'f64' }), zeros([5], { dtype: 'f64' }), tensor([0], { dtype: 'f64' })];
  const rate = tensor([0.1], { dtype: 'f64' });
  const stepUnless = async (skip: Tensor | undefined): Promise<number[][]> => {
    const missing = binding.adamStep(
      [id(weight)],
      state.map(id),
      [0],
      id(rate),
      0,
      0.9,
      0.999,
      1e-8,
      false,
      false,
      skip === undefined ? undefined : id(skip),
    );
    expect(missing).toEqual([]);
    return dataOf([weight, ...state]);
  };
  const before = await dataOf([weight, ...state]);
  expect(await stepUnless(tensor([1]))).toEqual(before);
  expect(await stepUnless(tensor([Number.NaN]))).toEqual(before);
  expect((await stepUnless(tensor([0])))[3]).toEqual([1]);
  expect((await stepUnless(undefined))[3]).toEqual([2]);
  const dtypes = (learningRate: Tensor, skip: Tensor) => () =>
    binding.sgdStep([id(weight)], [], [], id(learningRate), 0, 0, 0, false, id(skip));
  expect(dtypes(tensor([0.1]), tensor([0]))).toThrow(
    /SGD.step: got the learning rate f32\[1\] on \S+, expected one f64/,
  );
  expect(dtypes(rate, tensor([0, 0]))).toThrow(
    /SGD.step: got f32\[2\] on \S+ as what decides whether to skip the step, expected one f32/,
  );
});

const cuda = devices().find(({ name, available }) => available && name.startsWith('cuda'))?.name;

describe.skipIf(cuda === undefined)('parameters on a CUDA device', () => {
  const to = cuda ?? '';
  test('state follows them, and so does one that is loaded', async () => {
    const run = async (moveAt: number, loadAt: number): Promise<number[][]> => {
      const parameters = [parameter([3, 4]), parameter([5], 2)];
      let optimizer = new Adam(parameters, { learningRate: 0.03 });
      for (let step = 0; step < 4; step++) {
        if (step === moveAt) binding.moveTensors(parameters.map(id), to);
        if (step === loadAt) {
          const saved = optimizer.stateDict();
          optimizer = new Adam(parameters);
          optimizer.loadStateDict(saved);
        }
        parameters.forEach((item, i) => {
          item.grad = tensor(spreadArray(item.shape, 10 * step + i), { dtype: 'f64', device: item.device });
        });
        optimizer.step();
      }
      return dataOf(parameters);
    };
    const expected = (await run(-1, -1)).flat();
    for (const [moveAt, loadAt] of [
      [0, -1],
      [2, -1],
      [2, 2],
      [1, 3],
    ] as const) {
      expect(differences((await run(moveAt, loadAt)).flat(), expected, 1e-12)).toEqual([]);
    }
  });
  test('a group on two devices is an error', () => {
    const parameters = [parameter([2]), parameter([3])];
    parameters.forEach((item, i) => binding.moveTensors([id(item)], i === 0 ? 'cpu' : to));
    expect(() => new SGD(parameters).step()).toThrow(
      `SGD.step: got the parameters f64[2] on cpu and f64[3] on ${to} in one group, expected one device.\n` +
        "  Fix: move the whole model with to('cpu'), or make a group for each device.",
    );
  });
});

test('a gradient that could not be computed leaves every parameter of the group as it was', async () => {
  const [a, b] = [parameter([2], 1), parameter([2], 2)];
  const optimizer = new Adam([a, b]);
  stepOnce(optimizer, [a, b], 0);
  const before = await dataOf([a, b]);
  a.grad = bernoulli(tensor([2, 2], { dtype: 'f64' }));
  optimizer.step();
  await expect(synchronize()).rejects.toThrow(/bernoulli: got 2/);
  expect(await dataOf([a, b])).toEqual(before);
  expect(await optimizer.stateDict().state['0.step']?.item()).toBe(1);
});

test('state made inside a scope outlives it, and steps leave no handles', async () => {
  const weight = parameter([4]);
  const optimizer = new Adam([weight]);
  const once = (): void => scope(() => stepOnce(optimizer, [weight], 0));
  once();
  await synchronize();
  const before = handlesKept();
  for (let step = 0; step < 50; step++) once();
  await synchronize();
  expect(handlesKept()).toBe(before);
});

test('changing parameters after a forward pass makes its backward an error', () => {
  const weight = parameter([2]);
  const optimizer = new SGD([weight]);
  const loss = weight.mul(weight).sum();
  stepOnce(optimizer, [weight], 0);
  expect(() => loss.backward()).toThrow(/SGD.step has changed it in place/);
});

test('clipGradNorm counts a parameter once that stands twice', async () => {
  const weight = parameter([2]);
  weight.grad = tensor([3, 4], { dtype: 'f64' });
  expect(await clipGradNorm([weight, weight], { maxNorm: 10 }).item()).toBe(5);
});
