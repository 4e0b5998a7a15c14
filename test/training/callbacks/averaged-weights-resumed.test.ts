import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  Adam,
  AveragedWeights,
  BatchNorm1d,
  CrossEntropyLoss,
  crossEntropy,
  DataLoader,
  Dropout,
  EarlyStopping,
  Embedding,
  LastStep,
  Linear,
  loadCheckpoint,
  LSTM,
  manualSeed,
  Sequential,
  SGD,
  tensor,
  Trainer,
  type FitOptions,
  type Sequence,
  type Tensor,
  type TrainerCallback,
} from 'stmnet';
import { describeDevices } from '../../support/devices';
import { stateOf } from '../../support/state-of';
import { items } from '../../support/trainers';
import { scratchFolder } from '../../support/scratch';

let folder = '';
const root = scratchFolder('averages', (path) => (folder = path));

const quiet = { progress: false } as const;
const alike = items.filter(({ input }) => input.length === 4);

interface Settings {
  compile?: boolean;
  accumulate?: number;
  precision?: 'bf16' | 'f16';
}

/** A training whose callback averages; its batches are of one shape if they have to be. */
function make(settings: Settings = {}): { trainer: Trainer; loader: DataLoader<(typeof items)[number]> } {
  manualSeed(3);
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new BatchNorm1d({ numFeatures: 16 }),
    new Dropout({ p: 0.3 }),
    new Linear({ inFeatures: 16, outFeatures: 2 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 2e-2 });
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, ...settings });
  return { trainer, loader: new DataLoader(settings.compile ? alike : items, { batchSize: 5, shuffle: true }) };
}

/** Weights, those of the training among them, and what was measured. */
async function resultOf({ model, history }: Trainer, averages: AveragedWeights): Promise<unknown> {
  const measured = history.validations.map(({ step, validation }) => [step, validation]);
  const averaged = await stateOf(model);
  averages.swap(model);
  return [averaged, await stateOf(model), measured, averages.updates];
}

/** Stops a training by an error after some steps, as a fault of the program would. */
const failing = (step: number): TrainerCallback => ({
  onStep: (run) => {
    if (run.steps === step) throw new Error('stopped');
  },
});

const averaging = (): AveragedWeights => new AveragedWeights({ decay: 0.8, averageBuffers: true, keepLast: true });

describeDevices('a training with averages', (device) => {
  const options = (more: Partial<FitOptions>): FitOptions => ({
    ...quiet,
    epochs: 6,
    validation: new DataLoader(alike, { batchSize: 10 }),
    validateEvery: 4,
    ...more,
  });

  test.each<[what: string, settings: Settings]>([
    ['', {}],
    ['where its steps are compiled', { compile: true }],
    ['where a step has several batches', { accumulate: 2 }],
    ['of products in 16 bits', { precision: 'bf16' }],
  ])('goes on bit for bit %s', async (_, settings) => {
    const [whole, first, second] = [make(settings), make(settings), make(settings)];
    const expected = averaging();
    manualSeed(5);
    await whole.trainer.fit(whole.loader, options({ callbacks: [expected] }));
    manualSeed(5);
    const checkpoints = { folder, everySteps: 3 };
    const failed = first.trainer.fit(
      first.loader,
      options({ checkpoints, callbacks: [averaging(), failing(whole.trainer.steps - 1)] }),
    );
    await expect(failed).rejects.toThrow('stopped');
    const resumed = averaging();
    manualSeed(999); // which the checkpoint brings back
    await second.trainer.fit(second.loader, options({ checkpoints, resume: true, callbacks: [resumed] }));
    expect(await resultOf(second.trainer, resumed)).toEqual(await resultOf(whole.trainer, expected));
  });

  test('is the same where its steps are compiled as where they are not', async () => {
    const results: unknown[] = [];
    for (const compile of [false, true]) {
      const { trainer } = make({ compile });
      const averages = averaging();
      manualSeed(5);
      await trainer.fit(new DataLoader(alike, { batchSize: 5 }), options({ callbacks: [averages] }));
      results.push(await resultOf(trainer, averages));
    }
    expect(results[1]).toEqual(results[0]);
  });

  test('that is at its end has the averages again, and trains on from its own weights', async () => {
    const whole = make();
    const expected = averaging();
    await whole.trainer.fit(whole.loader, options({ callbacks: [expected] }));
    const checkpoints = { folder };
    const first = make();
    await first.trainer.fit(first.loader, options({ epochs: 4, checkpoints, callbacks: [averaging()] }));
    const again = make();
    await again.trainer.fit(again.loader, options({ epochs: 4, checkpoints, resume: true, callbacks: [averaging()] }));
    expect(await stateOf(again.trainer.model)).toEqual(await stateOf(first.trainer.model));
    const last = make();
    const resumed = averaging();
    await last.trainer.fit(last.loader, options({ checkpoints, resume: true, callbacks: [resumed] }));
    expect(await resultOf(last.trainer, resumed)).toEqual(await resultOf(whole.trainer, expected));
  });

  test('the best figure, the best checkpoint and EarlyStopping mean the same weights', async () => {
    const { trainer, loader } = make();
    const best = { figure: 'validation.loss' } as const;
    const stopping = new EarlyStopping({ patience: 9, restoreBest: true });
    const { validation } = options({});
    await trainer.fit(loader, {
      ...quiet,
      epochs: 6,
      ...(validation && { validation }),
      checkpoints: { folder, best },
      callbacks: [stopping, averaging()],
    });
    expect((await trainer.evaluate(validation ?? [])).loss).toBe(stopping.best);
    const restored = await stateOf(trainer.model);
    const other = make();
    await loadCheckpoint(join(folder, 'best.safetensors'), { model: other.trainer.model });
    expect(await stateOf(other.trainer.model)).toEqual(restored);
  });

  test('is not taken up again without them, by others, or where there were none', async () => {
    const checkpoints = { folder };
    const fit = ({ trainer, loader }: ReturnType<typeof make>, more: Partial<FitOptions>): Promise<unknown> =>
      trainer.fit(loader, options({ epochs: 1, checkpoints, ...more }));
    await fit(make(), { callbacks: [averaging()] });
    await expect(fit(make(), { resume: true })).rejects.toThrow(
      'callbacks.AveragedWeights.decay: nothing, there 0.8; callbacks.AveragedWeights.start: nothing, there 1',
    );
    const equal = new AveragedWeights({ averageBuffers: true });
    await expect(fit(make(), { resume: true, callbacks: [equal] })).rejects.toThrow(
      '(callbacks.AveragedWeights.decay: nothing, there 0.8), expected the data, model and options',
    );
    checkpoints.folder = await mkdtemp(join(root, 'without-'));
    await fit(make(), {});
    await expect(fit(make(), { resume: true, callbacks: [averaging()] })).rejects.toThrow(
      '(callbacks.AveragedWeights.decay: 0.8, there nothing;',
    );
  });

  test('with carried state and scaled gradients that overflow goes on bit for bit', async () => {
    const pieces = Array.from({ length: 5 }, (_, i) => ({
      input: tensor([[i, i + 1, 3], [4, i, i]], { dtype: 'i32' }), // prettier-ignore
      target: tensor([[i + 1, 3, i], [i, i, 2]], { dtype: 'i32' }), // prettier-ignore
    }));
    const carrying = (): Trainer => {
      manualSeed(10);
      const model = new Sequential(
        new Embedding({ numEmbeddings: 8, embeddingDim: 3 }),
        new LSTM({ inputSize: 3, hiddenSize: 4 }),
        new Linear({ inFeatures: 4, outFeatures: 8 }),
      );
      const [size, learningRate] = device === 'cpu' ? [1e36, 1e-36] : [100, 1e-3]; // the CPU computes them in f32
      const loss = (output: Sequence, target: Sequence): Tensor => crossEntropy(output, target).mul(size);
      const optimizer = new SGD(model.parameters(), { learningRate });
      return new Trainer({ model, loss, optimizer, carryState: true, precision: 'f16' });
    };
    const common = { ...quiet, epochs: 6, validation: pieces, validateEvery: 2 };
    const [whole, expected] = [carrying(), averaging()];
    const start = await stateOf(whole.model);
    const seen: unknown[] = [];
    const noting: TrainerCallback = {
      onValidation: async ({ step }, { model }) => void (step === 2 && seen.push(await stateOf(model))),
    };
    await whole.fit(pieces, { ...common, callbacks: [expected, noting] });
    expect(seen).toEqual([start]); // both steps have overflowed
    const checkpoints = { folder, everySteps: 3 };
    const failed = carrying().fit(pieces, { ...common, checkpoints, callbacks: [averaging(), failing(17)] });
    await expect(failed).rejects.toThrow('stopped');
    const [resumed, averages] = [carrying(), averaging()];
    await resumed.fit(pieces, { ...common, checkpoints, resume: true, callbacks: [averages] });
    const result = await resultOf(resumed, averages);
    expect(result).toEqual(await resultOf(whole, expected));
    expect(JSON.stringify(result)).not.toContain('null'); // which NaN would be
  });
});
