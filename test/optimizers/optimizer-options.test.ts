import { describe, expect, test } from 'vitest';
import {
  Adagrad,
  Adam,
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  StepLR,
  DisposedError,
  OptionError,
  Optimizer,
  RMSprop,
  SGD,
  ShapeError,
  tensor,
  zeros,
  type OptimizerOptions,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';
import { exportedClasses } from '../support/exports';
import { parameter, stepOnce } from '../support/trained-parameters';

describe('mistakes', () => {
  const weight = parameter([2]);
  test('no parameters, the same twice, results of ops, other things', () => {
    expect(() => new Adam([])).toThrow(
      'Adam: got no parameters, expected at least one.\n  Fix: pass model.parameters(), after the layers were made.',
    );
    expect(() => new Adam([{ parameters: [weight] }, { parameters: [weight] }])).toThrow(
      /twice, expected each parameter once/,
    );
    expect(() => new Adam([weight.mul(2)])).toThrow(/which an op made, expected leaves/);
    expect(() => new Adam([[weight] as unknown as Tensor])).toThrow(OptionError);
    expect(() => new Adam(7 as unknown as Tensor[])).toThrow(
      'Adam: got 7, expected parameters, or groups { parameters, … }.',
    );
  });
  test('options that are unknown or out of range', () => {
    expect(() => new Adam([weight], { learningrate: 1 } as object)).toThrow(
      /got an option learningrate.*\n.*learningRate/,
    );
    expect(() => new Adam([weight], { betas: [0.9, 1] })).toThrow(
      'Adam: got betas: [0.9, 1], expected two numbers in [0, 1).',
    );
    expect(() => new SGD([weight], { nesterov: true })).toThrow(/nesterov: true with momentum: 0/);
    expect(() => new RMSprop([weight], { eps: -1 })).toThrow(OptionError);
    expect(() => new Adagrad([{ parameters: [weight], initialAccumulatorValue: Number.NaN }])).toThrow(OptionError);
  });
  test('a gradient of another shape', () => {
    expect(() => {
      weight.grad = tensor([1, 2, 3], { dtype: 'f64' });
    }).toThrow(ShapeError);
  });
  test('a disposed parameter', () => {
    const gone = parameter([2]);
    const optimizer = new SGD([gone]);
    gone.dispose();
    expect(() => optimizer.step()).toThrow(DisposedError);
  });
  test('a state of another model changes nothing', () => {
    const [small, large] = [parameter([2]), parameter([3])];
    const [first, second] = [new Adam([small]), new Adam([large], { learningRate: 0.5 })];
    stepOnce(first, [small], 0);
    stepOnce(second, [large], 0);
    expect(() => second.loadStateDict(first.stateDict())).toThrow(
      `Adam.loadStateDict: got 0.exp_avg: f64[2] on ${here}, expected f64[3].`,
    );
    expect([second.learningRate, second.steps]).toEqual([0.5, 1]);
    const state = second.stateDict();
    expect(() => second.loadStateDict({ ...state, groups: [] })).toThrow(/got 0 groups, expected 1/);
    expect(() => second.loadStateDict({ ...state, state: { ...state.state, '7.step': zeros([1]) } })).toThrow(
      /got state \["7.step"\]/,
    );
    const { '0.exp_avg_sq': __, ...part } = state.state;
    expect(() => second.loadStateDict({ ...state, state: part })).toThrow(
      /expected \["exp_avg", "exp_avg_sq", "step"\]/,
    );
  });
});

describe('options that would change nothing', () => {
  const makers = exportedClasses<Optimizer, [readonly unknown[], OptimizerOptions]>(Optimizer);

  test.each(makers)('%s refuses what is no object of options', (name, Maker) => {
    expect(() => new Maker([parameter([1])], JSON.parse('0.05'))).toThrow(
      `${name}: got 0.05, expected an object of options (learningRate, weightDecay, …).\n` +
        '  Fix: pass an object of options: { learningRate: 0.05 }.',
    );
    for (const given of [true, 'fast', null, [0.1], new Map([['learningRate', 0.1]])]) {
      const options = given as OptimizerOptions;
      expect(() => new Maker([parameter([1])], options)).toThrow(
        /Fix: pass an object of options: \{ learningRate: 0\.01 \}/,
      );
      expect(() => new Maker([{ parameters: [parameter([1])] }], options)).toThrow(OptionError);
    }
  });

  test.each<[name: string, make: (options: never) => unknown]>([
    ['StepLR', (options) => new StepLR(new SGD([parameter([1])]), options)],
    ['MultiStepLR', (options) => new MultiStepLR(new SGD([parameter([1])]), options)],
    ['ExponentialLR', (options) => new ExponentialLR(new SGD([parameter([1])]), options)],
    ['CosineAnnealingLR', (options) => new CosineAnnealingLR(new SGD([parameter([1])]), options)],
    ['LinearLR', (options) => new LinearLR(new SGD([parameter([1])]), options)],
    ['OneCycleLR', (options) => new OneCycleLR(new SGD([parameter([1])]), options)],
    ['ReduceLROnPlateau', (options) => new ReduceLROnPlateau(new SGD([parameter([1])]), options)],
  ])('%s refuses what is no object of options', (name, make) => {
    for (const given of [5, true, 'min', [5], new Map()]) {
      expect(() => make(given as never)).toThrow(new RegExp(`^${name}: got .*, expected an object of options`));
    }
  });

  test('lr is refused, of the optimizer and of a group, and so is any other new name of a group', () => {
    const optimizer = new Adam([parameter([1])]);
    const fix = /got lr = 0\.5, expected .*\n {2}Fix: write learningRate in place of lr/;
    expect(() => Object.assign(optimizer, { lr: 0.5 })).toThrow(fix);
    expect(() => Object.assign(optimizer.groups[0] ?? {}, { lr: 0.5 })).toThrow(fix);
    expect(() => Object.assign(optimizer.groups[0] ?? {}, { momentum: 0.5 })).toThrow(/momentum/);
    Object.assign(optimizer.groups[0] ?? {}, { weightDecay: 0.5, learningRate: 0.25 });
    expect([optimizer.learningRate, optimizer.groups[0]?.weightDecay]).toEqual([0.25, 0.5]);
    expect(
      Object.keys(optimizer.stateDict().groups[0]?.options ?? optimizer.stateDict().groups[0] ?? {}),
    ).not.toContain('lr');
  });
});
