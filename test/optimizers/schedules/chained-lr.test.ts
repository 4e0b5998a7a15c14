import { expect, test } from 'vitest';
import { ChainedLR, ExponentialLR, LinearLR, OptionError, ReduceLROnPlateau, type Optimizer } from 'stmnet';
import { ratesOf, twoGroups } from '../../support/schedules';

const warmUpAndDecay = (optimizer: Optimizer): ChainedLR =>
  new ChainedLR(optimizer, {
    schedules: [
      new LinearLR(optimizer, { startFactor: 0.25, totalIters: 3 }),
      new ExponentialLR(optimizer, { gamma: 0.5 }),
    ],
  });

test('the factors of all are multiplied, as in PyTorch', () => {
  // torch 2.13.0: ChainedScheduler([LinearLR(o, start_factor=0.25, total_iters=3), ExponentialLR(o, gamma=0.5)])
  const rates = [0.25, 0.25, 0.1875, 0.125, 0.0625, 0.03125];
  expect(ratesOf(warmUpAndDecay, 6)).toEqual(rates.map((rate) => [rate, rate / 2]));
});

test('its state goes on in another one', () => {
  const [first, second] = [twoGroups(), twoGroups()];
  const schedule = warmUpAndDecay(first);
  for (let step = 0; step < 3; step++) schedule.step();
  const resumed = warmUpAndDecay(second);
  resumed.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
  expect(second.groups.map(({ learningRate }) => learningRate)).toEqual([0.125, 0.0625]);
  resumed.step();
  expect(second.learningRate).toBe(0.0625);
});

test('mistakes', () => {
  const optimizer = twoGroups();
  const chained = (schedules: unknown): ChainedLR => new ChainedLR(optimizer, { schedules: schedules as never });
  const wanted = 'expected schedules of this optimizer whose rate follows from the number of steps.';
  expect(() => chained([])).toThrow(`ChainedLR: got schedules: [], ${wanted}`);
  expect(() => chained(undefined)).toThrow(`ChainedLR: got schedules: undefined, ${wanted}`);
  expect(() => chained([new LinearLR(optimizer), new ReduceLROnPlateau(optimizer)])).toThrow(
    `ChainedLR: got schedules: ReduceLROnPlateau as schedule 1, ${wanted}`,
  );
  expect(() => chained([new LinearLR(twoGroups())])).toThrow('schedule 0 of another optimizer');
  expect(() => new ChainedLR(optimizer, { schedule: [] } as never)).toThrow(OptionError);
});
