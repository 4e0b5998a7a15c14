import { expect } from 'vitest';
import {
  DataLoader,
  Module,
  ones,
  PaddedSequence,
  Parameter,
  SGD,
  Trainer,
  type HostArray,
  type LossFunction,
  type Sequence,
} from 'stmnet';

/** Gives back its input, and has a parameter for the optimizer. */
export class Same extends Module {
  scale = new Parameter(ones([1]));
  forward(x: Sequence): Sequence {
    return x instanceof PaddedSequence ? x.map((values) => values.mul(this.scale)) : x.mul(this.scale);
  }
}

export interface Item {
  input: HostArray;
  target: HostArray;
}

export const column = (values: readonly number[], width = 1): HostArray => ({
  data: Float32Array.from(values),
  shape: [values.length / width, width],
});

/** What `evaluate` and `fit` report for batches of all sizes. */
async function figures(items: readonly Item[], loss: () => LossFunction, device: string): Promise<number[]> {
  const found: number[] = [];
  for (const batchSize of [1, 2, 3, 5, 8]) {
    for (const compile of [false, true]) {
      const model = new Same();
      const trainer = new Trainer({
        model,
        loss: loss(),
        optimizer: new SGD(model.parameters(), { learningRate: 0 }),
        device,
        compile,
      });
      const batches = new DataLoader(items, { batchSize });
      found.push((await trainer.evaluate(batches))['loss'] ?? Number.NaN);
      const { train, validation } =
        (await trainer.fit(batches, { epochs: 1, validation: batches, progress: false })).last ?? {};
      found.push(train?.['loss'] ?? Number.NaN, validation?.['loss'] ?? Number.NaN);
    }
  }
  return found;
}

export async function expectFigure(
  device: string,
  items: readonly Item[],
  loss: () => LossFunction,
  expected: number,
): Promise<void> {
  for (const figure of await figures(items, loss, device)) expect(figure / expected).toBeCloseTo(1, 5);
}

export const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
