import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  DataLoader,
  EarlyStopping,
  IterableDataset,
  loadCheckpoint,
  manualSeed,
  rand,
  type Batch,
  type Batches,
  type FitOptions,
  type StopOptions,
  type Trainer,
  type TrainerCallback,
} from 'stmnet';
import { scripted } from '../support/scripted';
import { items, loader, makeTrainer } from '../support/trainers';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('state', (path) => (folder = path));

describe('where another figure is watched than before', () => {
  /** Trains on, an epoch for each score. */
  async function fit(scores: readonly number[], epochs: number, more: Partial<FitOptions>): Promise<Trainer> {
    const { trainer, batches } = scripted(scores);
    const options = { epochs, progress: false, resume: true, validation: batches, checkpoints: { folder } };
    await trainer.fit(batches, { ...options, ...more });
    return trainer;
  }

  const figure = 'validation.score';
  test.each([
    [
      { figure, mode: 'max' },
      { value: 0.9, step: 1 },
    ],
    [
      { figure, mode: 'min' },
      { value: 4, step: 4 },
    ],
    [{ figure: 'validation.loss' }, { value: -4, step: 4 }],
  ] as const)('the best checkpoint by %j is looked for anew', async (best, found) => {
    await fit([0.9, 0.8], 2, { checkpoints: { folder, best: { figure, mode: 'max' } } });
    const scores = best.figure === figure && best.mode === 'max' ? [0.7, 0.6] : [5, 4];
    await fit(scores, 4, { checkpoints: { folder, best } });
    const { position } = await loadCheckpoint<{ position: { best: object } }>(join(folder, 'best.safetensors'));
    expect(position.best).toEqual({ mode: 'min', ...best, ...found, epoch: found.step });
  });

  test.each([
    ['max', [2, 2, 2, 9], { epochs: 6, best: 3 }],
    ['min', [6, 7, 8, 9, 1], { epochs: 7, best: 6 }],
  ] as const)('EarlyStopping by %s counts on from max, or anew', async (mode, scores, expected) => {
    const patient = { figure, patience: 3 };
    await fit([1, 2, 3], 3, { callbacks: [new EarlyStopping({ ...patient, mode: 'max' })] });
    const stopping = new EarlyStopping({ ...patient, mode });
    const { history } = await fit(scores, 9, { callbacks: [stopping] });
    expect({ epochs: history.epochs.length, best: stopping.best }).toEqual(expected);
  });
});

/** Trains the classifier on 60 items, in batches of 8. @returns weights and records */
async function train(data: Batches<Batch>, options: Partial<FitOptions>): Promise<unknown> {
  manualSeed(4);
  const trainer = makeTrainer();
  await trainer.fit(data, { epochs: 4, progress: false, ...options });
  const { epochs } = trainer.history;
  return {
    weights: await Promise.all(Object.values(trainer.model.stateDict()).map(async (x) => x.data())),
    records: epochs.map(({ epoch, step, train: figures, examples }) => ({ epoch, step, figures, examples })),
  };
}

describe('a training that a callback has asked to end, interrupted before the end of the epoch', () => {
  const stream = (): Batches<Batch> =>
    new DataLoader(new IterableDataset(items, { shuffleBuffer: 9 }), { batchSize: 8 });
  const stopAt = (step: number, how: StopOptions): TrainerCallback => ({
    onStep: (run) => {
      if (run.steps === step) run.stop(how);
    },
  });
  const fault = (): never => {
    throw new Error('interrupted');
  };

  test.each<[what: string, make: () => Batches<Batch>, how: StopOptions, steps: number, cut: TrainerCallback]>([
    ['is brought to that', loader, {}, 16, { onStep: (run) => (run.steps === 12 ? fault() : undefined) }],
    [
      'has no further step if so asked',
      loader,
      { after: 'step' },
      11,
      { onEpochEnd: ({ epoch }) => void (epoch === 2 && fault()) },
    ],
    ['has none on a stream', stream, {}, 11, { onEpochEnd: ({ epoch }) => void (epoch === 2 && fault()) }],
  ])('%s', async (_, make, how, steps, cut) => {
    const whole = await train(make(), { callbacks: [stopAt(11, how)] });
    const checkpoints = { folder, everySteps: 1 };
    const interrupted = train(make(), { checkpoints, callbacks: [stopAt(11, how), cut] });
    await expect(interrupted).rejects.toThrow('interrupted');
    const resumed = await train(make(), { checkpoints, resume: true });
    expect(resumed).toEqual(whole);
    expect(resumed).toMatchObject({ records: [{ step: 8 }, { epoch: 2, step: steps }] });
  });
});

test('why a callback ended a training is known after it was interrupted, and taken up again twice', async () => {
  const make = (): Trainer => makeTrainer();
  const why = { epochs: 3, progress: false, checkpoints: { folder, everySteps: 1 }, resume: true };
  const reason = 'NaN'; // also what JSON has no number for
  const stopping: TrainerCallback = { onStep: (run) => (run.steps === 9 ? run.stop({ reason }) : undefined) };
  const cutAt = (step: number): TrainerCallback => ({
    onStep: (run) => {
      if (run.steps === step) throw new Error('interrupted');
    },
  });
  await expect(make().fit(loader(), { ...why, callbacks: [stopping, cutAt(11)] })).rejects.toThrow('interrupted');
  await expect(make().fit(loader(), { ...why, callbacks: [cutAt(13)] })).rejects.toThrow('interrupted');
  const stopped = { epoch: 2, step: 16, reason };
  expect((await make().fit(loader(), why)).stopped).toEqual(stopped);
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  expect((await make().fit(loader(), why)).stopped).toEqual(stopped); // of a training that has ended
  warned.mockRestore();
});

test('callbacks that draw numbers as they begin change nothing', async () => {
  const draw = (): void => rand([3]).dispose();
  const drawing = (): TrainerCallback => ({ onStart: draw, state: () => ({ data: {} }), loadState: draw });
  const whole = await train(loader(), { callbacks: [drawing()] });
  const checkpoints = { folder };
  await train(loader(), { epochs: 2, checkpoints, callbacks: [drawing()] });
  expect(await train(loader(), { checkpoints, resume: true, callbacks: [drawing()] })).toEqual(whole);
});
