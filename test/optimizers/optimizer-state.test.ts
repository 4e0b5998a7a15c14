import { describe, expect, test } from 'vitest';
import {
  Adam,
  Adamax,
  Linear,
  noGrad,
  OptionError,
  Optimizer,
  Parameter,
  RMSprop,
  Sequential,
  SGD,
  ShapeError,
  synchronize,
  tensor,
  type OptimizerStateDict,
  type Tensor,
} from 'stmnet';
import { spreadArray } from '../support/gradients';
import { here } from '../support/devices';
import { exportedClasses } from '../support/exports';
import { parameter } from '../support/trained-parameters';

function stepOnce(optimizer: Optimizer, step: number): void {
  optimizer.groups
    .flatMap((group) => group.parameters)
    .forEach((item, i) => {
      item.grad = tensor(spreadArray(item.shape, 10 * step + i + 3), { dtype: item.dtype });
    });
  optimizer.step();
}

const bits = (tensors: readonly Tensor[]): Promise<Uint8Array[]> =>
  Promise.all(
    tensors.map(async (item) => {
      const data = await item.data();
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }),
  );

const classes = exportedClasses<Optimizer, [Parameter[]]>(Optimizer);
const makers: Record<string, (parameters: Parameter[]) => Optimizer> = {
  ...Object.fromEntries(classes.map(([name, Class]) => [name, (parameters: Parameter[]) => new Class(parameters)])),
  'SGD with momentum': (parameters) => new SGD(parameters, { momentum: 0.9, nesterov: true }),
  'Adam, amsgrad': (parameters) => new Adam(parameters, { amsgrad: true }),
  'RMSprop, centered': (parameters) => new RMSprop(parameters, { centered: true, momentum: 0.5 }),
};

describe.each(Object.entries(makers))('the state of %s', (_, make) => {
  test.each(['f32', 'f64'] as const)('goes through JSON and comes back bit for bit, %s', async (dtype) => {
    const parameters = [parameter([3, 4], 1, dtype), parameter([5], 2, dtype)];
    const optimizer = make(parameters);
    for (let step = 0; step < 3; step++) stepOnce(optimizer, step);
    const { state, ...numbers } = optimizer.stateDict({ copy: true });
    const copies = noGrad(() => parameters.map((item) => new Parameter(item.detach().clone())));
    const resumed = make(copies);
    resumed.loadStateDict({ ...(JSON.parse(JSON.stringify(numbers)) as Omit<OptimizerStateDict, 'state'>), state });
    const again = resumed.stateDict();
    expect(Object.keys(again.state)).toEqual(Object.keys(state));
    expect(await bits(Object.values(again.state))).toEqual(await bits(Object.values(state)));
    for (let step = 3; step < 6; step++) [optimizer, resumed].forEach((each) => stepOnce(each, step));
    expect(await bits(copies)).toEqual(await bits(parameters));
  });

  test('is refused by every other class', () => {
    const optimizer = make([parameter([2])]);
    stepOnce(optimizer, 0);
    const dict = optimizer.stateDict();
    for (const [name, other] of Object.entries(makers)) {
      const target = other([parameter([2])]);
      if (target.constructor === optimizer.constructor) continue;
      expect(() => target.loadStateDict(dict), name).toThrow(
        `${target.constructor.name}.loadStateDict: got the state of "${optimizer.constructor.name}", ` +
          `expected that of ${target.constructor.name}.`,
      );
      expect([target.steps, Object.keys(target.stateDict().state)]).toEqual([0, []]);
    }
  });
});

describe('the state of other parameters is refused', () => {
  const model = (...widths: number[]): Sequential =>
    new Sequential(...widths.slice(1).map((outFeatures, i) => new Linear({ inFeatures: widths[i]!, outFeatures })));
  const saved = model(2, 2, 2);
  const optimizer = new Adam(saved.parameters(), { learningRate: 0.25 });
  stepOnce(optimizer, 0);

  test.each<
    [what: string, other: () => Iterable<Tensor>, kind: typeof OptionError | typeof ShapeError, message: string]
  >([
    [
      'fewer',
      () => saved.parameters().slice(0, 3),
      OptionError,
      'state ["3.exp_avg", "3.exp_avg_sq", "3.step"], expected state of the parameters there are',
    ],
    [
      'more',
      () => [...saved.parameters(), parameter([2])],
      OptionError,
      'the state of 4 parameters in group 0, expected 5',
    ],
    [
      'other shapes',
      () => model(2, 3, 2).parameters(),
      ShapeError,
      `0.exp_avg: f32[2, 2] on ${here}, expected f32[3, 2]`,
    ],
    ['another order', () => saved.parameters().reverse(), ShapeError, 'expected f32[2]'],
    [
      'another order of equal shapes',
      () => [2, 1, 0, 3].map((i) => saved.parameters()[i]!),
      OptionError,
      '0.weight f32[2, 2] as parameter 0 of group 0, expected 1.weight f32[2, 2].\n' +
        '  Fix: build the optimizer with the same parameters in the same order.',
    ],
    [
      'other names',
      () => new Sequential(new Sequential(new Linear({ inFeatures: 2, outFeatures: 2 })), model(2, 2)).parameters(),
      OptionError,
      '1.weight f32[2, 2] as parameter 2 of group 0, expected 1.0.weight f32[2, 2]',
    ],
    ['another dtype', () => saved.parameters().map(({ shape }) => parameter(shape)), ShapeError, 'expected f64[2, 2]'],
  ])('%s', (_, other, kind, message) => {
    const target = new Adam(other());
    expect(() => target.loadStateDict(optimizer.stateDict())).toThrow(kind);
    expect(() => target.loadStateDict(optimizer.stateDict())).toThrow(message);
    expect([target.steps, target.learningRate, Object.keys(target.stateDict().state)]).toEqual([0, 0.001, []]);
  });

  test('before the first step too', () => {
    const fresh = new SGD(model(2, 2).parameters()).stateDict();
    expect(() => new SGD(model(3, 2).parameters()).loadStateDict(fresh)).toThrow(ShapeError);
  });

  test('but a part of the model may list it without the way to it', () => {
    const target = new Adam([0, 1].flatMap((i) => model(2, 2, 2)[i]!.parameters()));
    target.loadStateDict(optimizer.stateDict());
    expect([target.steps, target.learningRate]).toEqual([1, 0.25]);
  });

  test('and so may a state that does not tell, as one from elsewhere', () => {
    const { groups, state, steps } = optimizer.stateDict();
    const target = new Adam([2, 1, 0, 3].map((i) => saved.parameters()[i]!));
    target.loadStateDict({ steps, state, groups: groups.map(({ parameters: __, ...options }) => options) });
    expect(target.steps).toBe(1);
  });

  test.each<[what: string, dict: object, message: string]>([
    ['no groups', { groups: undefined }, 'groups: undefined, expected the state of an optimizer'],
    ['groups of nothing', { groups: [null] }, 'groups: [null]'],
    ['no state', { state: null }, 'state: null'],
    ['numbers in the state', { state: { '0.exp_avg': 3 } }, '3 as state "0.exp_avg"'],
    ['parameters that are none', { groups: [{ parameters: 'all' }] }, 'parameters: "all" in group 0'],
    ['half a step', { steps: 0.5 }, '0.5'],
  ])('a dict with %s is none', (_, part, message) => {
    const target = new Adam(saved.parameters());
    const attempt = (): unknown =>
      Reflect.apply(Reflect.get(target, 'loadStateDict'), target, [{ ...optimizer.stateDict(), ...part }]);
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(message);
    expect(target.steps).toBe(0);
  });
});

describe('options switched on a live group', () => {
  /** A step of each of some options, over one group. */
  async function run<O extends object>(
    make: (parameters: Parameter[], options: O) => Optimizer,
    phases: readonly O[],
  ): Promise<{ optimizer: Optimizer; weights: number[] }> {
    const weight = parameter([4]);
    const optimizer = make([weight], phases[0]!);
    phases.forEach((options, step) => {
      Object.assign(optimizer.groups[0]!, options);
      stepOnce(optimizer, step);
    });
    return { optimizer, weights: [...(await weight.data())] };
  }
  const rmsprop = (parameters: Parameter[], options: object): Optimizer => new RMSprop(parameters, options);
  const numbers = (seed: number): number[] => Array.from(spreadArray([4], seed).data);
  const gradient = (step: number): number[] => numbers(10 * step + 3);

  test('RMSprop: momentum starts from zero, whatever the mean of gradients was', async () => {
    const { optimizer, weights } = await run(rmsprop, [
      { centered: true, momentum: 0 },
      { centered: false, momentum: 0.9 },
    ]);
    const [alpha, eps, rate] = [0.99, 1e-8, 0.01];
    const expected = numbers(1).map((w, i) => {
      const [g0, g1] = [gradient(0)[i]!, gradient(1)[i]!];
      const v0 = (1 - alpha) * g0 * g0,
        mean = (1 - alpha) * g0,
        v1 = alpha * v0 + (1 - alpha) * g1 * g1;
      return w - (rate * g0) / (Math.sqrt(v0 - mean * mean) + eps) - (rate * g1) / (Math.sqrt(v1) + eps);
    });
    weights.forEach((w, i) => expect(w).toBeCloseTo(expected[i]!, 12));
    expect(Object.keys(optimizer.stateDict().state)).toEqual(['0.square_avg', '0.momentum_buffer', '0.step']);
  });

  test('what an option needed is still there when it is switched on again', async () => {
    const { optimizer } = await run(rmsprop, [{ momentum: 0.9 }, { momentum: 0 }, { momentum: 0.9 }]);
    const buffer = await optimizer.stateDict().state['0.momentum_buffer']?.data();
    const [alpha, eps] = [0.99, 1e-8];
    const expected = [0, 1, 2, 3].map((i) => {
      let v = 0,
        b = 0;
      for (const step of [0, 1, 2]) {
        const g = gradient(step)[i]!;
        v = alpha * v + (1 - alpha) * g * g;
        if (step !== 1) b = 0.9 * b + g / (Math.sqrt(v) + eps);
      }
      return b;
    });
    expected.forEach((value, i) => expect(buffer?.[i]).toBeCloseTo(value, 10));
  });

  test('SGD: momentum switched on between steps starts at the next one, off it leaves the plain step', async () => {
    const sgd = (parameters: Parameter[], options: object): Optimizer =>
      new SGD(parameters, { learningRate: 0.1, ...options });
    const { weights } = await run(sgd, [{ momentum: 0 }, { momentum: 0.5 }, { momentum: 0.5 }, { momentum: 0 }]);
    const expected = numbers(1).map((w, i) => {
      const [g0, g1, g2, g3] = [0, 1, 2, 3].map((step) => gradient(step)[i]!) as [number, number, number, number];
      return w - 0.1 * (g0 + g1 + (0.5 * g1 + g2) + g3);
    });
    weights.forEach((w, i) => expect(w).toBeCloseTo(expected[i]!, 12));
  });

  test('Adam: amsgrad switched on begins with the square of then', async () => {
    const { optimizer } = await run(
      (parameters: Parameter[], options: object) => new Adam(parameters, options),
      [{ amsgrad: false }, { amsgrad: true }],
    );
    const { state } = optimizer.stateDict();
    expect(await state['0.max_exp_avg_sq']?.data()).toEqual(await state['0.exp_avg_sq']?.data());
  });

  test('a state that is saved before the next step is whole, and loads', async () => {
    const { optimizer } = await run(rmsprop, [{ momentum: 0 }]);
    Object.assign(optimizer.groups[0]!, { momentum: 0.9 });
    const target = new RMSprop([parameter([4])]);
    target.loadStateDict(optimizer.stateDict());
    expect(Object.keys(target.stateDict().state)).toEqual(['0.square_avg', '0.momentum_buffer', '0.step']);
    await synchronize();
  });
});

test.each(['f32', 'f64'] as const)('of a number and a NaN the largest so far is the NaN, %s', async (dtype) => {
  const zero = tensor([0, 0, 0, 0, 0], { dtype });
  const parameters = [0, 1].map(() => new Parameter(zero.clone()));
  const adam = new Adam(parameters.slice(0, 1), { amsgrad: true }),
    adamax = new Adamax(parameters.slice(1));
  for (const gradient of [
    [1, 1, 1, 1, 1],
    [0, NaN, 0, 0, NaN],
  ]) {
    for (const item of parameters) item.grad = tensor(gradient, { dtype });
    adam.step();
    adamax.step();
  }
  const states = [adam.stateDict().state['0.max_exp_avg_sq'], adamax.stateDict().state['0.exp_inf']];
  for (const state of states)
    expect(Array.from((await state?.data()) ?? [], Number.isNaN)).toEqual([false, true, false, false, true]);
});

test('a state that is a copy stays as it was', async () => {
  const optimizer = new Adam([parameter([1])]);
  stepOnce(optimizer, 0);
  const [shared, copy] = [optimizer.stateDict(), optimizer.stateDict({ copy: true })];
  const before = await copy.state['0.exp_avg']?.item();
  stepOnce(optimizer, 1);
  expect(await copy.state['0.exp_avg']?.item()).toBe(before);
  expect([await shared.state['0.step']?.item(), await copy.state['0.step']?.item()]).toEqual([2, 1]);
});
