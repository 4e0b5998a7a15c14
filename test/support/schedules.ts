import { Parameter, SGD, zeros, type Optimizer, type Schedule } from 'stmnet';

/** An optimizer of two groups with learning rates 1 and 0.5. */
export const twoGroups = (): SGD =>
  new SGD([
    { parameters: [new Parameter(zeros([1]))], learningRate: 1 },
    { parameters: [new Parameter(zeros([1]))], learningRate: 0.5 },
  ]);

/** The rates of both groups before each of `steps` steps. */
export function ratesOf(make: (optimizer: Optimizer) => Schedule, steps: number): number[][] {
  const optimizer = twoGroups();
  const schedule = make(optimizer);
  return Array.from({ length: steps }, () => {
    const rates = optimizer.groups.map(({ learningRate }) => learningRate);
    schedule.step();
    return rates;
  });
}
