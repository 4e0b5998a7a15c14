import { expect, test } from 'vitest';
import { CosineAnnealingLR, ExponentialLR, LinearLR, SequentialLR, type Optimizer } from 'stmnet';
import { ratesOf, twoGroups } from '../../support/schedules';

const inThree = (optimizer: Optimizer, milestones: readonly number[]): SequentialLR =>
  new SequentialLR(optimizer, {
    schedules: [
      new LinearLR(optimizer, { startFactor: 0.25, totalIters: 3 }),
      new ExponentialLR(optimizer, { gamma: 0.5 }),
      new CosineAnnealingLR(optimizer, { tMax: 2 }),
    ],
    milestones,
  });

test('each begins with its step 0 at its milestone, as in PyTorch', () => {
  // torch 2.13.0: SequentialLR(o, [LinearLR(o, start_factor=0.25, total_iters=3), ExponentialLR(o, gamma=0.5),
  // CosineAnnealingLR(o, T_max=2)], milestones=[2, 4])
  const rates = [0.25, 0.5, 1, 0.5, 1, 0.5, 0, 0.5].map((rate) => expect.closeTo(rate, 12) as number);
  const halves = [0.125, 0.25, 0.5, 0.25, 0.5, 0.25, 0, 0.25].map((rate) => expect.closeTo(rate, 12) as number);
  expect(ratesOf((optimizer) => inThree(optimizer, [2, 4]), 8)).toEqual(rates.map((rate, i) => [rate, halves[i]]));
});

test.each([[[2]], [[4, 2]], [[0, 2]], [[2, 2.5]], [undefined]])('milestones that do not fit: %j', (milestones) => {
  expect(() => inThree(twoGroups(), milestones as never)).toThrow(
    /SequentialLR: got milestones: .*, expected 2 ascending step numbers above 0, one fewer than schedules\./,
  );
});
