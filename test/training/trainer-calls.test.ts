import { describe, expect, test } from 'vitest';
import {
  MeanAbsoluteError,
  memory,
  MSELoss,
  ones,
  scope,
  SGD,
  Trainer,
  zeros,
  type Batch,
  type Sequence,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { makeTrainer, unit } from '../support/trainers';

describe('one at a time', () => {
  const made = (): { trainer: Trainer; batches: Batch[] } => {
    const { model, batches } = unit(2);
    return {
      batches,
      trainer: new Trainer({
        model,
        loss: new MSELoss(),
        optimizer: new SGD(model.parameters(), { learningRate: 0 }),
        metrics: [new MeanAbsoluteError()],
      }),
    };
  };

  test('a callback may evaluate in the middle of an epoch, whose figures do not change by it', async () => {
    const { trainer, batches } = made();
    const seen: number[] = [];
    const history = await trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [{ onStep: async (run) => void seen.push((await run.evaluate(batches.slice(1)))['loss']) }],
    });
    expect(seen).toEqual([1, 1]);
    expect(history.last?.train).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
    const left: Promise<Record<string, number>>[] = [];
    const unawaited = await trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onStep: (run) => void left.push(run.evaluate(batches)) }],
    });
    expect(unawaited.last?.train).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
    for (const figures of await Promise.all(left)) expect(figures).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
  });
  test('between epochs a callback may evaluate, but not train', async () => {
    const { trainer, batches } = made();
    const losses: unknown[] = [];
    const history = await trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onEpochEnd: async (_, seen) => void losses.push((await seen.evaluate(batches.slice(1)))['loss']) }],
    });
    expect(losses).toEqual([1, 1]);
    expect(history.train('loss')).toEqual([2, 2]);
    const nested = trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onEpochEnd: async () => void (await trainer.fit(batches, { epochs: 1 })) }],
    });
    await expect(nested).rejects.toThrow('Trainer.fit: got a call while fit is running');
  });
  test('a second fit before the first is done', async () => {
    const { trainer, batches } = made();
    const first = trainer.fit(batches, { epochs: 2, progress: false });
    await expect(trainer.fit(batches, { epochs: 1, progress: false })).rejects.toThrow(
      'Trainer.fit: got a call while fit is running, expected one at a time: they train the same model.\n' +
        '  Fix: await fit first.',
    );
    expect((await first).train('loss')).toEqual([2, 2]);
  });
  test('evaluations at a time', async () => {
    const { trainer, batches } = made();
    const [both, second] = await Promise.all([trainer.evaluate(batches), trainer.evaluate(batches.slice(1))]);
    expect(both).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
    expect(second).toEqual({ loss: 1, meanAbsoluteError: 1 });
  });
  test('predictions may come at any time, and leave figures and modes alone', async () => {
    const { trainer, batches } = made();
    const modes: boolean[] = [];
    const predicted: Promise<Sequence[]>[] = [];
    const history = await trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [
        {
          onStep: (seen) =>
            void (predicted.push(seen.predict(batches), seen.predict(batches)) && modes.push(seen.model.training)),
        },
      ],
    });
    expect(history.last?.train).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
    expect(modes).toEqual([true, true]);
    for (const [, second] of await Promise.all(predicted)) expect(await second?.data()).toEqual(Float32Array.of(6));
    expect(trainer.model.training).toBe(true);
  });
  test('a callback that throws leaves the trainer usable', async () => {
    const { trainer, batches } = made();
    const thrown = trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [
        {
          onStep: () => {
            throw new Error('enough');
          },
        },
      ],
    });
    await expect(thrown).rejects.toThrow('enough');
    expect((await trainer.fit(batches, { epochs: 1, progress: false })).last?.train['loss']).toBe(2);
  });
});

describe('memory', () => {
  test("batches of one's own are not disposed of", async () => {
    const { model, batches } = unit(1);
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
    await trainer.fit(batches, { epochs: 3, progress: false });
    expect(await batches[0]?.input.data()).toEqual(Float32Array.of(1, 2));
    const before = handlesKept();
    const loss = scope(() => trainer.step(batches[0] ?? { input: zeros([1, 1]), target: zeros([1, 1]) }));
    expect(handlesKept()).toBe(before + 1);
    loss.dispose();
  });
  test('the queue is at most two steps long', async () => {
    const trainer = makeTrainer();
    const batch: Batch = { input: ones([8, 40, 2]), target: zeros([8], { dtype: 'i32' }) };
    const peaks: number[] = [];
    for (let step = 0; step < 30; step++) {
      trainer.step(batch).dispose();
      const queued = memory().queuedCommands;
      await trainer.fence();
      peaks.push(queued);
    }
    const oneStep = Math.max(...peaks.slice(0, 1));
    expect(Math.max(...peaks)).toBeLessThanOrEqual(4 * Math.max(oneStep, 60));
  });
});
