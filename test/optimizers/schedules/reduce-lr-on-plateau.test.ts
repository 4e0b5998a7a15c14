import { expect, test } from 'vitest';
import { OptionError, Parameter, ReduceLROnPlateau, SGD, zeros, type ReduceLROnPlateauOptions } from 'stmnet';

const makeOptimizer = (): SGD => new SGD([new Parameter(zeros([1]))], { learningRate: 1 });

const follow = (metrics: readonly number[], options: ReduceLROnPlateauOptions): number[] => {
  const optimizer = makeOptimizer();
  const schedule = new ReduceLROnPlateau(optimizer, { factor: 0.5, ...options });
  return metrics.map((metric) => {
    schedule.step(metric);
    return optimizer.learningRate;
  });
};

test('bears `patience` bad steps, then reduces', () => {
  expect(follow([1, 1, 1, 1, 1, 1], { patience: 1 })).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
});

test('a gain below the threshold is none, relative or absolute', () => {
  expect(follow([10, 9.95, 9.9], { patience: 0, threshold: 0.01 })).toEqual([1, 0.5, 0.25]);
  expect(follow([10, 9.95, 9.9], { patience: 0, threshold: 0.04, thresholdMode: 'abs' })).toEqual([1, 1, 1]);
});

test('NaN is no progress; max mode wants growth', () => {
  expect(follow([Number.NaN, Number.NaN], { patience: 0 })).toEqual([0.5, 0.25]);
  expect(follow([1, 2, 2], { mode: 'max', patience: 0 })).toEqual([1, 1, 0.5]);
});

test('nothing is counted while it cools down, and the least rate holds', () => {
  expect(follow([1, 1, 1, 1, 1], { patience: 0, cooldown: 2 })).toEqual([1, 0.5, 0.5, 0.5, 0.25]);
  expect(follow([1, 1, 1, 1], { patience: 0, minLearningRate: 0.4 })).toEqual([1, 0.5, 0.4, 0.4]);
});

test('its state can be loaded', () => {
  const optimizer = makeOptimizer();
  const schedule = new ReduceLROnPlateau(optimizer, { patience: 1, factor: 0.5 });
  schedule.step(1);
  schedule.step(1);
  const resumed = new ReduceLROnPlateau(optimizer, { patience: 1, factor: 0.5 });
  resumed.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
  resumed.step(1);
  expect(optimizer.learningRate).toBe(0.5);
  expect(() => resumed.loadStateDict({ best: 'x', badSteps: 0, cooldownLeft: 0 })).toThrow(OptionError);
});

test('it wants a metric', () => {
  expect(() => new ReduceLROnPlateau(makeOptimizer()).step()).toThrow(
    'ReduceLROnPlateau.step: got undefined, expected the metric to watch, a number.',
  );
});
