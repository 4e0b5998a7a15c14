import { expect, test } from 'vitest';
import {
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  OptionError,
  Parameter,
  ReduceLROnPlateau,
  SGD,
  StepLR,
  zeros,
  type Optimizer,
  type Schedule,
} from 'stmnet';
import { differences } from '../../support/near';

const makeOptimizer = (): SGD =>
  new SGD([
    { parameters: [new Parameter(zeros([1]))], learningRate: 1 },
    { parameters: [new Parameter(zeros([1]))], learningRate: 0.5 },
  ]);

/** The first group's rates before each of `steps` steps. */
function rates(make: (optimizer: Optimizer) => Schedule, steps: number): number[] {
  const optimizer = makeOptimizer();
  const schedule = make(optimizer);
  return Array.from({ length: steps }, () => {
    const { learningRate } = optimizer;
    schedule.step();
    return learningRate;
  });
}

// The golden cases hold PyTorch's own numbers; these are the corners.
test('each group keeps its own base', () => {
  const optimizer = makeOptimizer();
  const schedule = new ExponentialLR(optimizer, { gamma: 0.5 });
  schedule.step();
  schedule.step();
  expect(optimizer.groups.map((group) => group.learningRate)).toEqual([0.25, 0.125]);
});

test('a milestone that stands twice counts twice, in any order', () => {
  expect(
    differences(
      rates((optimizer) => new MultiStepLR(optimizer, { milestones: [3, 1, 3], gamma: 0.1 }), 5),
      [1, 0.1, 0.1, 0.001, 0.001],
      1e-12,
    ),
  ).toEqual([]);
});

test('warm-up ends at its last factor and stays there', () => {
  expect(
    differences(
      rates((optimizer) => new LinearLR(optimizer, { startFactor: 0, endFactor: 2, totalIters: 2 }), 4),
      [0, 1, 2, 2],
      1e-12,
    ),
  ).toEqual([]);
});

test('a cosine is back at the top after twice tMax', () => {
  expect(
    differences(
      rates((optimizer) => new CosineAnnealingLR(optimizer, { tMax: 2, etaMin: 0.2 }), 5),
      [1, 0.6, 0.2, 0.6, 1],
      1e-12,
    ),
  ).toEqual([]);
});

test('one cycle, linear, from max / divFactor down to a 10,000th of that, and not beyond', () => {
  const optimizer = makeOptimizer();
  const schedule = new OneCycleLR(optimizer, {
    maxLearningRate: 2,
    totalSteps: 10,
    annealStrategy: 'linear',
    divFactor: 20,
    finalDivFactor: 100,
  });
  const seen = [optimizer.learningRate];
  for (let step = 1; step < 10; step++) {
    schedule.step();
    seen.push(optimizer.learningRate);
  }
  expect(
    differences(seen, [0.1, 1.05, 2, ...[1, 2, 3, 4, 5, 6, 7].map((i) => 2 + ((0.001 - 2) * i) / 7)], 1e-12),
  ).toEqual([]);
  schedule.step(); // PyTorch allows one more
  expect(() => schedule.step()).toThrow('OneCycleLR: got step 11, expected at most 10, totalSteps.');
});

test('one cycle of a single step has a rate', () => {
  expect(
    rates((optimizer) => new OneCycleLR(optimizer, { maxLearningRate: 2, totalSteps: 1 }), 1).every(
      (rate) => rate > 0 && rate <= 2,
    ),
  ).toBe(true);
});

test('one cycle of several groups has a highest rate for each', () => {
  const optimizer = makeOptimizer();
  const schedule = new OneCycleLR(optimizer, { maxLearningRate: [2, 0.5], totalSteps: 10 });
  const rates: number[][] = [];
  for (let step = 0; step < 10; step++) {
    rates.push(optimizer.groups.map((group) => group.learningRate));
    schedule.step();
  }
  for (const [first = 0, second = 0] of rates) expect(second).toBeCloseTo(first / 4, 12);
  expect(rates[2]).toEqual([2, 0.5]);
  expect(() => new OneCycleLR(optimizer, { maxLearningRate: [2], totalSteps: 10 })).toThrow(
    'OneCycleLR: got maxLearningRate: 1 learning rates, expected a number, or 2 of them, one for each group',
  );
});

test('a schedule goes on from its state', () => {
  const [first, second] = [makeOptimizer(), makeOptimizer()];
  const schedule = new StepLR(first, { stepSize: 2, gamma: 0.5 });
  for (let step = 0; step < 3; step++) schedule.step();
  const resumed = new StepLR(second, { stepSize: 2, gamma: 0.5 });
  resumed.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
  expect(second.learningRate).toBe(first.learningRate);
  schedule.step();
  resumed.step();
  expect([first.learningRate, second.learningRate]).toEqual([0.25, 0.25]);
});

test('options that are unknown or out of range', () => {
  const optimizer = makeOptimizer();
  expect(() => new StepLR(optimizer, { stepSize: 0 })).toThrow('StepLR: got stepSize: 0');
  expect(() => new StepLR(optimizer, { stepSize: 2, gama: 0.1 } as { stepSize: number })).toThrow(/got an option gama/);
  expect(() => new MultiStepLR(optimizer, { milestones: 3 as unknown as number[] })).toThrow(
    'MultiStepLR: got milestones: 3, expected an array of step numbers.',
  );
  expect(() => new CosineAnnealingLR(optimizer, { tMax: 1.5 })).toThrow(OptionError);
  expect(() => new OneCycleLR(optimizer, { maxLearningRate: 1, totalSteps: 5, divFactor: 0 })).toThrow(
    'OneCycleLR: got divFactor: 0, expected a number above 0.',
  );
  expect(() => new ReduceLROnPlateau(optimizer, { factor: 1 })).toThrow(
    'ReduceLROnPlateau: got factor: 1, expected a number in [0, 1).',
  );
  expect(() => new LinearLR(optimizer).loadStateDict({ steps: 1, base: [1] })).toThrow(/expected 2 learning rates/);
});

test('something that is no optimizer', () => {
  const message = (make: () => Schedule): string => {
    try {
      make();
    } catch (error) {
      if (error instanceof OptionError) return error.message;
    }
    return 'no OptionError';
  };
  const expected =
    'expected an optimizer such as new Adam(model.parameters()).\n  Fix: pass the optimizer first, then the options:';
  expect(message(() => new StepLR({ stepSize: 1 } as never, makeOptimizer() as never))).toBe(
    `StepLR: got { stepSize }, ${expected} new StepLR(optimizer, { … }).`,
  );
  expect(message(() => new ReduceLROnPlateau(undefined as never))).toBe(
    `ReduceLROnPlateau: got undefined, ${expected} new ReduceLROnPlateau(optimizer, { … }).`,
  );
});

test('the state of another schedule is refused', () => {
  const optimizer = new SGD([new Parameter(zeros([1]))], { learningRate: 0.5 });
  const [step, exponential] = [new StepLR(optimizer, { stepSize: 2 }), new ExponentialLR(optimizer, { gamma: 0.5 })];
  step.step();
  expect(() => exponential.loadStateDict(step.stateDict())).toThrow(OptionError);
  expect(() => exponential.loadStateDict(step.stateDict())).toThrow(
    'ExponentialLR.loadStateDict: got the state of "StepLR", expected that of ExponentialLR.\n' +
      '  Fix: build the schedule that was saved.',
  );
  exponential.loadStateDict({ steps: 1, base: [1] });
  expect(optimizer.learningRate).toBe(0.5);
});
