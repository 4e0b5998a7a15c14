import { expect, test } from 'vitest';
import { CosineAnnealingLR, ReduceLROnPlateau, SWALR, type Optimizer, type SWALROptions } from 'stmnet';
import { ratesOf, twoGroups } from '../../support/schedules';

const close = (rates: readonly (readonly number[])[]): unknown =>
  rates.map((row) => row.map((rate) => expect.closeTo(rate, 7) as number));

// torch 2.13.0: cosine = CosineAnnealingLR(o, T_max=8); swa = SWALR(o, swa_lr=[0.4, 0.05], anneal_epochs=…,
// anneal_strategy=…), with cosine.step() before step 4 and swa.step() from then on
const before = [
  [1, 0.5],
  [0.96193977, 0.48096988],
  [0.85355339, 0.4267767],
  [0.69134172, 0.34567086],
  [0.5, 0.25],
];
const cases: [annealSteps: number, strategy: 'cos' | 'linear', between: number[][]][] = [
  [3, 'cos', [[0.475, 0.2], [0.425, 0.1]]], // prettier-ignore
  [3, 'linear', [[0.46666667, 0.18333333], [0.43333333, 0.11666667]]], // prettier-ignore
  [1, 'cos', []],
];

test.each(cases)('from a schedule to a rate of each group, as in PyTorch: %i steps, %s', (steps, strategy, between) => {
  const end = [0.4, 0.05];
  const make = (optimizer: Optimizer): SWALR =>
    new SWALR(optimizer, {
      swaLearningRate: end,
      start: 4,
      annealSteps: steps,
      annealStrategy: strategy,
      schedule: new CosineAnnealingLR(optimizer, { tMax: 8 }),
    });
  expect(ratesOf(make, 9)).toEqual(close([...before, ...between, end, end, end, end].slice(0, 9)));
});

test('from the first rate on, by default at once and in ten steps', () => {
  const rates = ratesOf((optimizer) => new SWALR(optimizer, { swaLearningRate: 0.2 }), 12);
  // torch 2.13.0: SWALR(o, swa_lr=0.2), after 0, 5, 10 and 11 steps
  const some = [rates[0], rates[5], rates[10], rates[11]];
  expect(some).toEqual(close([[1, 0.5], [0.6, 0.35], [0.2, 0.2], [0.2, 0.2]])); // prettier-ignore
});

test('its state goes on in another one', () => {
  const make = (): { schedule: SWALR; rate: () => number } => {
    const optimizer = twoGroups();
    return { schedule: new SWALR(optimizer, { swaLearningRate: 0.2, start: 2 }), rate: () => optimizer.learningRate };
  };
  const [one, other] = [make(), make()];
  for (let step = 0; step < 7; step++) one.schedule.step();
  other.schedule.loadStateDict(one.schedule.stateDict());
  expect(other.rate()).toBe(one.rate());
  expect(other.rate()).toBeCloseTo(0.6, 12);
});

test('mistakes', () => {
  const make = (options: object) => (): SWALR => new SWALR(twoGroups(), options as SWALROptions);
  expect(make({})).toThrow('SWALR: got swaLearningRate: undefined, expected');
  expect(make({ swa_lr: 0.1 })).toThrow('Fix: write swaLearningRate, if that is what you mean by swa_lr.');
  expect(make({ swaLearningRate: 0.1, annealEpochs: 3 })).toThrow('Fix: write annealSteps, if that is what you mean');
  expect(make({ swaLearningRate: 0.1, annealSteps: 0 })).toThrow('SWALR: got annealSteps: 0, expected a whole number');
  expect(make({ swaLearningRate: [0.1] })).toThrow(
    'SWALR: got swaLearningRate: [0.1], 1 for 2 parameter groups, expected a learning rate, or one for each ' +
      'parameter group.\n  Fix: pass such as swaLearningRate: 0.05.',
  );
  const other = new CosineAnnealingLR(twoGroups(), { tMax: 8 });
  const wanted =
    'expected a schedule of this optimizer whose rate follows from the number of steps.\n' +
    '  Fix: pass such as schedule: new CosineAnnealingLR(optimizer, { tMax: 40 }).';
  expect(make({ swaLearningRate: 0.1, schedule: other })).toThrow(
    `SWALR: got schedule: CosineAnnealingLR of another optimizer, ${wanted}`,
  );
  expect(make({ swaLearningRate: 0.1, schedule: [other] })).toThrow('SWALR: got schedule: [CosineAnnealingLR], ');
  const optimizer = twoGroups();
  const watching = new ReduceLROnPlateau(optimizer);
  expect(() => new SWALR(optimizer, { swaLearningRate: 0.1, schedule: watching })).toThrow(
    `SWALR: got schedule: ReduceLROnPlateau, ${wanted}`,
  );
});
