import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataLoader, MeanAbsoluteError, mseLoss, MSELoss, SGD, tensor, Trainer, type Tensor } from 'stmnet';
import { unit } from '../support/trainers';

const quiet = { progress: false } as const;

describe('fields that nothing reads', () => {
  const warned: string[] = [];
  beforeEach(() => {
    warned.length = 0;
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warned.push(String(warning)));
  });
  afterEach(() => vi.restoreAllMocks());

  test('are named once by the short form', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({ model, loss: new MSELoss() });
    const items = [1, 2].map((value) => ({ input: [value], target: [value], id: value, length: 3 }));
    await trainer.evaluate(new DataLoader(items));
    await trainer.evaluate(new DataLoader(items));
    expect(warned).toEqual([
      'Trainer: got batches with fields that nothing reads, id, length; expected only input, target and weight, or a ' +
        'Trainer with forward and loss that read more.\n  Fix: leave them out of the items, or read them there.',
    ]);
  });

  test('are named for a step by itself', () => {
    const { model } = unit(1);
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
    const batch = { input: [[1]], target: [[1]], weigth: [2] };
    trainer.step(batch);
    expect(warned.map((text) => text.split(';')[0])).toEqual([
      'Trainer: got batches with a field that nothing reads, weigth',
    ]);
  });

  test('are not those that are read in training alone, in evaluation alone, or not in every batch', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { learningRate: 0 }),
      forward: (linear, batch: { x: Tensor; previous: Tensor; late: Tensor }) => {
        if (trainer.steps === 2) return linear.forward(batch.late);
        return linear.forward(linear.training ? batch.previous : batch.x);
      },
      loss: (output: Tensor) => output.mean(),
    });
    const one = tensor([[1]]);
    const batches = [1, 2, 3].map(() => ({ x: one, previous: one, late: one }));
    await trainer.evaluate(batches);
    await trainer.fit(batches, { epochs: 2, validation: batches, ...quiet });
    expect(warned).toEqual([]);
  });

  test('are named by a Trainer that cannot train, after its evaluation', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({
      model,
      forward: (linear, batch: { x: Tensor; id: Tensor }) => linear.forward(batch.x),
      loss: (output: Tensor) => output.mean(),
    });
    const batch = { x: tensor([[1]]), id: tensor([1]) };
    await trainer.evaluate([batch, batch]);
    await trainer.evaluate([batch]);
    expect(warned.map((text) => text.split(';')[0])).toEqual([
      'Trainer: got batches with a field that nothing reads, id',
    ]);
  });

  test('are named once by functions of one’s own; what a metric reads is read', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { learningRate: 0 }),
      forward: (linear, batch: { x: Tensor; y: Tensor; z: Tensor; id: Tensor }) => linear.forward(batch.x),
      loss: (output, { y }) => mseLoss(output, y),
      metrics: [{ metric: new MeanAbsoluteError(), from: (output, { z }) => [output, z] }],
    });
    const items = [1, 2, 3].map((value) => ({ x: [value], y: [value], z: [value], id: value }));
    await trainer.fit(new DataLoader(items) as never, { epochs: 2, ...quiet });
    expect(warned).toEqual([
      'Trainer: got batches with a field that nothing reads, id; expected what forward, loss or the from of a metric ' +
        'reads.\n  Fix: leave it out of the items, or read it there.',
    ]);
  });
});
