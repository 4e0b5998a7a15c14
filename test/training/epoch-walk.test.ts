import { expect, test } from 'vitest';
import { ArrayDataset, DataLoader, Dropout, tensor, type Tensor } from 'stmnet';
import { walkEpoch } from '../../src/training/epoch-walk';
import { handlesKept } from '../support/handles';

const settled = (): { done: Promise<unknown> } => ({ done: Promise.resolve() });

test('a step makes its batch, which goes with its scope; batches of other iterables stay', async () => {
  const before = handlesKept();
  const loader = new DataLoader(new ArrayDataset([{ x: [1, 2] }, { x: [3, 4] }, { x: [5, 6] }]), { batchSize: 2 });
  const rows: number[] = [];
  const batches = await walkEpoch(loader, {
    step: (make) => {
      expect(handlesKept()).toBe(before);
      rows.push(make().x.shape[0] ?? 0);
      return settled();
    },
  });
  expect([batches, rows, handlesKept()]).toEqual([2, [2, 1], before]);

  const own = [tensor([1]), tensor([2])];
  const seen: Tensor[] = [];
  await walkEpoch(own, { step: (make) => (seen.push(make()), settled()) });
  expect(seen).toEqual(own);
  expect(await own[1]?.item()).toBe(2);
});

test('two steps are queued at a time, and none at the end', async () => {
  const resolves: (() => void)[] = [];
  const walk = walkEpoch([1, 2, 3, 4], {
    step: () => ({ done: new Promise<void>((resolve) => resolves.push(resolve)) }),
  });
  const turns = async (): Promise<number> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return resolves.length;
  };
  expect(await turns()).toBe(3); // the third waits for the first
  resolves[0]?.();
  expect(await turns()).toBe(4);
  resolves.slice(1, 3).forEach((resolve) => resolve());
  const state = await Promise.race([walk, turns().then(() => 'running')]);
  expect(state).toBe('running');
  resolves[3]?.();
  expect(await walk).toBe(4);
});

test('a step may be the last, and a fault of one that is queued ends the walk', async () => {
  expect(await walkEpoch([1, 2, 3], { step: settled, after: async (number) => number < 2 })).toBe(2);
  const fault = new Error('from the device');
  const steps: number[] = [];
  const walk = walkEpoch([1, 2, 3, 4, 5], {
    step: (_, number) => (steps.push(number), { done: number === 1 ? Promise.reject(fault) : Promise.resolve() }),
  });
  await expect(walk).rejects.toBe(fault);
  expect(steps).toEqual([1, 2, 3]);
});

test('the model is in evaluation mode during a step alone', async () => {
  const model = new Dropout();
  const modes: boolean[] = [];
  await walkEpoch([1], {
    evaluating: model,
    step: () => (modes.push(model.training), settled()),
    after: async () => modes.push(model.training) > 0,
  });
  expect(modes).toEqual([false, true]);
});
