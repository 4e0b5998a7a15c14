// What no checkpoint can keep is refused when a training begins, and not at its first checkpoint.
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  HostMetric,
  MSELoss,
  OptionError,
  SGD,
  Trainer,
  type CallbackState,
  type HostNumbers,
  type TrainerCallback,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { unit } from '../support/trainers';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('keepable', (path) => (folder = path));

/** How many values were said, which it notes by value. */
class Counts extends HostMetric<Map<number, number> | Record<string, number>> {
  readonly name = 'counts';
  readonly #plain: boolean;

  constructor(plain: boolean) {
    super();
    this.#plain = plain;
  }

  protected override count({ data }: HostNumbers): Map<number, number> | Record<string, number> {
    const counts = new Map(Array.from(data, (value) => [value, 1] as const));
    return this.#plain ? Object.fromEntries(counts) : counts;
  }

  protected override result(parts: readonly (Map<number, number> | Record<string, number>)[]): number {
    return parts.reduce((sum, part) => sum + (part instanceof Map ? part.size : Object.keys(part).length), 0);
  }
}

const trainerOf = (plain: boolean): Trainer => {
  const { model } = unit(1);
  return new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters()),
    metrics: [new Counts(plain)],
  });
};

test('the state of a metric that is no plain data', async () => {
  const { batches } = unit(1);
  const fit = { epochs: 2, progress: false, checkpoints: { folder, everySteps: 100 } } as const;
  const trainer = trainerOf(false);
  const refused = trainer.fit(batches, fit);
  await expect(refused).rejects.toThrow(OptionError);
  await expect(refused).rejects.toThrow(
    'Trainer.fit: got the metric counts, with Map as state.0, and checkpoints, expected a state of numbers, strings, ' +
      'booleans, tensors, typed arrays, and arrays and plain objects of these.\n  Fix: let count() of a HostMetric ' +
      'return plain data, as Object.fromEntries(map) or [...set], and state() of a count likewise; or leave ' +
      'checkpoints out.',
  );
  expect(trainer.steps).toBe(1);
  expect((await readdir(folder)).filter((name) => name.startsWith('step-'))).toEqual([]);
  const history = await trainer.fit(batches, { epochs: 1, progress: false });
  expect(history.last?.train['counts']).toBe(3);
  expect((await trainerOf(true).fit(batches, fit)).last?.train['counts']).toBe(3);
});

test('nothing is left behind', async () => {
  const { batches } = unit(1);
  const trainer = trainerOf(false);
  const run = (): Promise<unknown> =>
    trainer
      .fit(batches, { epochs: 1, progress: false, checkpoints: { folder }, callbacks: [{ onStep: () => undefined }] })
      .catch(() => undefined);
  await run();
  const before = handlesKept();
  await run();
  expect(handlesKept()).toBe(before);
});

test('the state of a callback that is no plain data', async () => {
  class Seen implements TrainerCallback {
    onEpochEnd(): void {}
    state(): CallbackState {
      return { data: { seen: new Set([1]) } };
    }
  }
  const { model, batches } = unit(1);
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  await expect(
    trainer.fit(batches, { epochs: 1, progress: false, checkpoints: { folder }, callbacks: [new Seen()] }),
  ).rejects.toThrow(
    'Trainer.fit: got the callback Seen, with Set as state.data.seen, and checkpoints, expected a state of numbers',
  );
  expect(trainer.steps).toBe(0);
});
