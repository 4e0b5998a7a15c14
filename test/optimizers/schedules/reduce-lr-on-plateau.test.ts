import { expect, test } from 'vitest';
import {
  MeanAbsoluteError,
  MSELoss,
  OptionError,
  Parameter,
  ReduceLROnPlateau,
  SGD,
  Trainer,
  zeros,
  type ReduceLROnPlateauOptions,
} from 'stmnet';
import { unit } from '../../support/trainers';

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

test('a Trainer passes it the figure that it watches', async () => {
  const rates = async (figure: string | undefined): Promise<number[]> => {
    const { model, batches } = unit(2);
    const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
    const options = { patience: 0, factor: 0.5, ...(figure === undefined ? {} : { figure }) };
    const schedule = new ReduceLROnPlateau(optimizer, options);
    const metrics = [{ metric: new MeanAbsoluteError(), from: () => [zeros([1]), zeros([1])] as const, name: 'zero' }];
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer, schedule, metrics });
    const history = await trainer.fit(batches, { epochs: 3, progress: false, validation: batches });
    return history.epochs.map(({ learningRate }) => learningRate);
  };
  // The loss falls, and 0 stays 0.
  expect(await rates('train.zero')).toEqual([0.01, 0.01, 0.005]);
  expect(await rates('validation.loss')).toEqual([0.01, 0.01, 0.01]);
  expect(await rates(undefined)).toEqual([0.01, 0.01, 0.01]);
  await expect(rates('validation.zeros')).rejects.toThrow(
    'ReduceLROnPlateau: got figure: "validation.zeros", expected one of train.loss, train.zero, validation.loss, ' +
      "validation.zero.\n  Fix: write 'validation.zero', if that is what you mean.",
  );
  await expect(rates('zero')).rejects.toThrow('got figure: "zero", expected train.NAME or validation.NAME');
});
