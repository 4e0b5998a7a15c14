import { expect, test } from 'vitest';
import {
  Adam,
  BatchNorm1d,
  crossEntropy,
  CrossEntropyLoss,
  DataLoader,
  ExponentialLR,
  getRandomState,
  manualSeed,
  Module,
  MSELoss,
  Parameter,
  SGD,
  tensor,
  Trainer,
  type Tensor,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { differences } from '../support/near';
import { classifier, items, makeTrainer, unit } from '../support/trainers';

test('the rates rise in equal factors, and the suggestion is where the loss falls most steeply', async () => {
  const { model } = unit(2);
  // The loss is (w - 1)², its slope 2 (w - 1): with a rate of 0.5 a step is at the target, from 1 on it grows away.
  const batch = { input: tensor([[1]]), target: tensor([[1]]) };
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  const { learningRates, losses, smoothed, suggestion } = await trainer.findLearningRate([batch], {
    from: 1e-3,
    to: 100,
    steps: 41,
  });
  expect(differences(learningRates.slice(0, 3), [1e-3, 10 ** -2.875, 10 ** -2.75], 1e-9)).toEqual([]);
  let w = 2;
  const expected = learningRates.map((rate) => {
    const loss = (w - 1) ** 2;
    w -= rate * 2 * (w - 1);
    return loss;
  });
  // Nearer to the target f32 has no digits left.
  expect(differences(losses.slice(0, 20), expected.slice(0, 20), 1e-3)).toEqual([]);
  expect(losses.length).toBeLessThan(41); // it ends where the loss has grown away
  expect(smoothed[0]).toBeCloseTo(1, 6);
  expect(suggestion).toBeGreaterThan(0.01);
  expect(suggestion).toBeLessThan(0.5);
});

test('everything is as before: a training after it is that without it, bit for bit', async () => {
  const train = async (searching: boolean): Promise<unknown> => {
    manualSeed(3);
    const model = classifier();
    const optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
    const schedule = new ExponentialLR(optimizer, { gamma: 0.99 });
    const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, schedule, scheduleEvery: 'step' });
    const loader = new DataLoader(items, { batchSize: 8, shuffle: true });
    await trainer.fit(loader, { epochs: 1, progress: false });
    model.eval();
    if (searching) {
      const { losses } = await trainer.findLearningRate(loader, { steps: 20, to: 0.1 });
      expect(losses).toHaveLength(20);
      expect(model.training).toBe(false);
    }
    const random = getRandomState();
    const history = await trainer.fit(loader, { epochs: 2, progress: false });
    const weights = await Promise.all(model.parameters().map((parameter) => parameter.data()));
    return { random, weights, losses: history.train('loss'), steps: trainer.steps, rate: optimizer.learningRate };
  };
  expect(await train(true)).toEqual(await train(false));
});

test('parameters and buffers of the loss, and parameters from elsewhere, are as before', async () => {
  class Scaled extends Module {
    readonly scale = new Parameter(tensor([2]));
    readonly normalized = new BatchNorm1d({ numFeatures: 2 });

    forward(output: Tensor, target: Tensor): Tensor {
      return crossEntropy(this.normalized.forward(output).mul(this.scale).add(bias), target);
    }
  }
  const bias = new Parameter(tensor([0.5, 0.25]));
  const [model, loss] = [classifier(), new Scaled()];
  const optimizer = new SGD([...model.parameters(), ...loss.parameters(), bias]);
  const trainer = new Trainer({ model, loss, optimizer });
  const read = async (): Promise<number[][]> =>
    Promise.all(
      [...Object.values(loss.stateDict()), bias].map(async (value) => Array.from(await value.data(), Number)),
    );
  const before = await read();
  await trainer.findLearningRate(new DataLoader(items, { batchSize: 8 }) as never, { steps: 12, from: 0.1 });
  expect(await read()).toEqual(before);
});

test.each(['f16', 'bf16'] as const)('nothing is left of it: %s', async (precision) => {
  const model = classifier();
  const optimizer = new SGD(model.parameters());
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, precision });
  const loader = new DataLoader(items, { batchSize: 8 }) as never;
  await trainer.findLearningRate(loader, { steps: 10 });
  const before = handlesKept();
  await trainer.findLearningRate(loader, { steps: 10 });
  expect(handlesKept()).toBe(before);
});

test('mistakes', async () => {
  const trainer = makeTrainer();
  const loader = new DataLoader(items, { batchSize: 8 }) as never;
  const op = 'Trainer.findLearningRate';
  await expect(trainer.findLearningRate(loader, { from: 0 })).rejects.toThrow(
    `${op}: got [0, 1, 100], expected from above 0`,
  );
  await expect(trainer.findLearningRate(loader, { steps: 5 })).rejects.toThrow('at least 10 steps');
  await expect(trainer.findLearningRate(loader, { stesp: 5 } as never)).rejects.toThrow(`${op}: got an option stesp`);
  await expect(trainer.findLearningRate([])).rejects.toThrow(`${op}: got a loader without batches`);
  const model = classifier();
  const without = new Trainer({ model, loss: new CrossEntropyLoss() });
  await expect(without.findLearningRate(loader)).rejects.toThrow(`${op}: got a Trainer without an optimizer`);
  const both = [trainer.fit(loader, { epochs: 1, progress: false }), trainer.findLearningRate(loader)];
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});
