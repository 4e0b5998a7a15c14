import { expect, test } from 'vitest';
import { LambdaLR } from 'stmnet';
import { ratesOf, twoGroups } from '../../support/schedules';

test('each group has its function, as in PyTorch', () => {
  // torch 2.13.0: LambdaLR(optimizer, [lambda e: 0.9**e, lambda e: 1/(1+e)]) of groups with lr 1 and 0.5
  const lambda = [(steps: number) => 0.9 ** steps, (steps: number) => 1 / (1 + steps)];
  expect(ratesOf((optimizer) => new LambdaLR(optimizer, { lambda }), 4)).toEqual([
    [1, 0.5],
    [0.9, 0.25],
    [expect.closeTo(0.81, 12), expect.closeTo(1 / 6, 12)],
    [expect.closeTo(0.729, 12), 0.125],
  ]);
});

test('one function serves all groups', () => {
  expect(ratesOf((optimizer) => new LambdaLR(optimizer, { lambda: (steps) => 3 - steps }), 3)).toEqual([
    [3, 1.5],
    [2, 1],
    [1, 0.5],
  ]);
});

test('mistakes', () => {
  expect(() => new LambdaLR(twoGroups(), { lambda: [() => 1] })).toThrow(
    'LambdaLR: got lambda: 1 functions for 2 parameter groups, expected a function (steps) => factor, or one for each',
  );
  expect(() => new LambdaLR(twoGroups(), { lambda: 0.9 as never })).toThrow(
    'LambdaLR: got lambda: 0.9, expected a fun',
  );
  const negative = new LambdaLR(twoGroups(), { lambda: (steps) => 1 - 2 * steps });
  expect(() => negative.step()).toThrow('LambdaLR: got -1 from lambda(1), expected a finite number of at least 0.');
});
