import { once } from 'node:events';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  Accuracy,
  Adam,
  BucketSampler,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  Embedding,
  IterableDataset,
  LastStep,
  Linear,
  LSTM,
  Module,
  MSELoss,
  Parameter,
  Sequential,
  SGD,
  StepLR,
  Trainer,
  crossEntropy,
  loadCheckpoint,
  manualSeed,
  rand,
  tensor,
  type Batch,
  type CallbackState,
  type CheckpointOptions,
  type EpochRecord,
  type FitOptions,
  type Sequence,
  type Tensor,
  type TrainerCallback,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { describeDevices } from '../support/devices';
import { items, unit } from '../support/trainers';
import { scratchFolder } from '../support/scratch';

let folder = '';
const root = scratchFolder('checkpoints', (path) => (folder = path));

const names = async (): Promise<string[]> => (await readdir(folder)).sort();
const stepFile = (step: number): string => `step-${String(step).padStart(9, '0')}.safetensors`;

/** What of a record is the same each time. */
const settled = ({ epoch, train, validation, learningRate }: EpochRecord) => ({
  epoch,
  train,
  validation,
  learningRate,
});

interface Setup {
  trainer: Trainer;
  loader: DataLoader<(typeof items)[number]>;
}

type Loader = Setup['loader'];

const lengths = items.map(({ input }) => input.length);
const shuffled = (): Loader => new DataLoader(items, { batchSize: 8, shuffle: true });

function setup(loader = shuffled, more: { compile?: boolean; accumulate?: number } = {}): Setup {
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Dropout({ p: 0.3 }),
    new Linear({ inFeatures: 16, outFeatures: 2 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 2e-2 });
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer,
    schedule: new StepLR(optimizer, { stepSize: 2, gamma: 0.5 }),
    metrics: [new Accuracy()],
    ...more,
  });
  return { trainer, loader: loader() };
}

async function stateOf(trainer: Trainer): Promise<unknown> {
  const { state, ...numbers } = trainer.optimizer.stateDict();
  const tensors = Object.entries({ ...trainer.model.stateDict(), ...state });
  const values = await Promise.all(tensors.map(async ([name, x]) => [name, await x.data()]));
  return { steps: trainer.steps, numbers, values, records: trainer.history.epochs.map(settled) };
}

/** Stops a training by an error after some steps, as a fault of the program would. */
const failing = (step: number): TrainerCallback => ({
  onStep: (run) => {
    if (run.steps === step) throw new Error('stopped');
  },
});

describeDevices('a training with checkpoints', () => {
  const fit = (
    { trainer, loader }: Setup,
    checkpoints: Partial<CheckpointOptions> = {},
    more: Partial<FitOptions> = {},
  ): Promise<unknown> =>
    trainer.fit(loader, {
      epochs: 5,
      progress: false,
      validation: new DataLoader(items.slice(0, 20), { batchSize: 10 }),
      checkpoints: { folder, ...checkpoints },
      ...more,
    });

  test.each<[what: string, make: () => Loader]>([
    ['a shuffled loader', shuffled],
    ['one with a seed', () => new DataLoader(items, { batchSize: 8, shuffle: true, seed: 4 })],
    ['buckets', () => new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: 8 }) })],
    ['a stream', () => new DataLoader(new IterableDataset(items, { shuffleBuffer: 20 }), { batchSize: 8 })],
  ])('goes on bit for bit from the middle of an epoch of %s, and counts on', async (_, make) => {
    manualSeed(3);
    const whole = setup(make);
    await fit(whole, { folder: await mkdtemp(join(root, 'whole-')) }, { validateEvery: 5 });
    manualSeed(3);
    const failed = fit(setup(make), { everySteps: 3 }, { validateEvery: 5, callbacks: [failing(23)] });
    await expect(failed).rejects.toThrow('stopped');
    expect(await names()).toEqual([stepFile(18), stepFile(21)]);
    manualSeed(999); // which the checkpoint brings back
    const resumed = setup(make);
    await fit(resumed, { everySteps: 3 }, { validateEvery: 5, resume: true });
    expect(resumed.trainer.history.validations).toEqual(whole.trainer.history.validations);
    expect(await stateOf(resumed.trainer)).toEqual(await stateOf(whole.trainer));
    expect(resumed.trainer.history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
  });

  test('goes on bit for bit where its steps are compiled', async () => {
    const alike = items.filter(({ input }) => input.length === 4);
    const make = (): Setup => setup(() => new DataLoader(alike, { batchSize: 5, shuffle: true }), { compile: true });
    manualSeed(3);
    const whole = make();
    await fit(whole, { folder: await mkdtemp(join(root, 'whole-')) }, { epochs: 9 });
    manualSeed(3);
    const failed = fit(make(), { everySteps: 3 }, { epochs: 9, callbacks: [failing(11)] });
    await expect(failed).rejects.toThrow('stopped');
    const resumed = make();
    await fit(resumed, { everySteps: 3 }, { epochs: 9, resume: true });
    expect(await stateOf(resumed.trainer)).toEqual(await stateOf(whole.trainer));
  });

  test('goes on bit for bit where a step has several batches', async () => {
    const make = (): Setup => setup(shuffled, { accumulate: 3 });
    manualSeed(3);
    const whole = make();
    await fit(whole, { folder: await mkdtemp(join(root, 'whole-')) });
    manualSeed(3);
    await expect(fit(make(), { everySteps: 2 }, { callbacks: [failing(9)] })).rejects.toThrow('stopped');
    expect(await names()).toEqual([stepFile(6), stepFile(8)]); // the second of the third epoch
    const resumed = make();
    await fit(resumed, { everySteps: 2 }, { resume: true });
    expect(await stateOf(resumed.trainer)).toEqual(await stateOf(whole.trainer));
  });

  test('that is at its end is not trained on, and goes on where there are to be more epochs', async () => {
    const first = setup();
    await fit(first, {}, { epochs: 2 });
    const again = setup();
    await fit(again, {}, { epochs: 2, resume: true });
    expect(await stateOf(again.trainer)).toEqual(await stateOf(first.trainer));
    await fit(first, {}, { epochs: 4, resume: true }); // the same Trainer, too
    expect([first.trainer.steps, first.trainer.history.epochs.length]).toEqual([32, 4]);
    await fit(again, {}, { epochs: 3, resume: true }); // of which there are four already
    expect(await stateOf(again.trainer)).toEqual(await stateOf(first.trainer));
  });

  test('leaves nothing behind', async () => {
    const { trainer, loader } = setup();
    await fit({ trainer, loader }, {}, { epochs: 1 });
    const before = handlesKept();
    await fit({ trainer, loader }, { everySteps: 3, best: { figure: 'validation.loss' } }, { epochs: 3, resume: true });
    expect(handlesKept()).toBe(before);
  });

  test('begins where there is no checkpoint yet', async () => {
    const { trainer, loader } = setup();
    await fit({ trainer, loader }, {}, { epochs: 1, resume: true });
    expect([trainer.steps, await names()]).toEqual([8, [stepFile(8)]]);
  });

  test('keeps so many, and the best one', async () => {
    manualSeed(7);
    const seen: number[] = [];
    const note: TrainerCallback = { onEpochEnd: ({ validation }) => void seen.push(validation?.loss ?? NaN) };
    const { trainer, loader } = setup();
    const best = { figure: 'validation.loss', mode: 'min' } as const;
    await fit({ trainer, loader }, { keep: 3, everyEpochs: 2, best, restoreBest: true }, { callbacks: [note] });
    expect(await names()).toEqual(['best.safetensors', stepFile(16), stepFile(32), stepFile(40)]);
    const lowest = Math.min(...seen);
    const validation = new DataLoader(items.slice(0, 20), { batchSize: 10 });
    expect((await trainer.evaluate(validation)).loss).toBe(lowest);
    const other = setup();
    await loadCheckpoint(join(folder, 'best.safetensors'), { model: other.trainer.model });
    expect((await other.trainer.evaluate(validation)).loss).toBe(lowest);
  });
});

describeDevices('batches that know no state', () => {
  const walks: [what: string, batches: () => Iterable<Batch> | AsyncIterable<Batch>][] = [
    ['an array', () => Array.from({ length: 6 }, (_, i) => batch(i))],
    [
      'a generator whose order is drawn when it begins',
      () => ({
        async *[Symbol.asyncIterator]() {
          const order = Array.from(await rand([6]).data(), (x, i) => ({ x, i })).sort((a, b) => a.x - b.x);
          for (const { i } of order) yield batch(i);
        },
      }),
    ],
  ];
  const batch = (i: number): Batch => ({ input: tensor([[i], [i + 1]]), target: tensor([[i], [2 - i]]) });

  test.each(walks)('%s is walked on in the middle of an epoch', async (_, batches) => {
    const make = (): Trainer => {
      manualSeed(8);
      const model = new Sequential(unit(0.5).model, new Dropout({ p: 0.5 }));
      return new Trainer({
        model,
        loss: new MSELoss(),
        optimizer: new SGD(model.parameters(), { learningRate: 1e-2 }),
      });
    };
    const options = { epochs: 3, progress: false };
    const whole = make();
    await whole.fit(batches(), options);
    const checkpoints = { folder, everySteps: 4 };
    await expect(make().fit(batches(), { ...options, checkpoints, callbacks: [failing(9)] })).rejects.toThrow(
      'stopped',
    );
    const resumed = make();
    manualSeed(9);
    await resumed.fit(batches(), { ...options, checkpoints, resume: true });
    expect(await stateOf(resumed)).toEqual(await stateOf(whole));
  });
});

describeDevices('with state that is carried on, and scaled losses', (device) => {
  test('a training goes on bit for bit', async () => {
    const pieces = Array.from({ length: 5 }, (_, i) => ({
      input: tensor([[i, i + 1, 3], [4, i, i]], { dtype: 'i32' }), // prettier-ignore
      target: tensor([[i + 1, 3, i], [i, i, 2]], { dtype: 'i32' }), // prettier-ignore
    }));
    const make = (): Trainer => {
      manualSeed(10);
      const model = new Sequential(
        new Embedding({ numEmbeddings: 8, embeddingDim: 3 }),
        new LSTM({ inputSize: 3, hiddenSize: 4 }),
        new Linear({ inFeatures: 4, outFeatures: 8 }),
      );
      // Scaled gradients overflow until the GradScaler has made the scale smaller, which takes some steps; the CPU
      // computes them in f32.
      const [size, learningRate] = device === 'cpu' ? [1e36, 1e-36] : [100, 1e-3];
      const loss = (output: Sequence, target: Sequence): Tensor => crossEntropy(output, target).mul(size);
      const optimizer = new SGD(model.parameters(), { learningRate });
      return new Trainer({ model, loss, optimizer, carryState: true, precision: 'f16' });
    };
    const whole = make();
    await whole.fit(pieces, { epochs: 5, progress: false });
    const checkpoints = { folder, everySteps: 3 };
    const options = { epochs: 5, progress: false, checkpoints };
    await expect(make().fit(pieces, { ...options, callbacks: [failing(8)] })).rejects.toThrow('stopped');
    const resumed = make();
    await resumed.fit(pieces, { ...options, resume: true });
    expect(await stateOf(resumed)).toEqual(await stateOf(whole));
  });
});

describeDevices('what is trained outside of the model', () => {
  test('goes on, too: parameters of the loss, and others in the optimizer', async () => {
    class Weighed extends Module {
      readonly scale = new Parameter(tensor([2]));
      forward(output: Tensor, target: Tensor): Tensor {
        return output.sub(target).pow(2).mul(this.scale).add(this.scale.reciprocal()).mean();
      }
    }
    const make = (start: number): { trainer: Trainer; batches: Batch[]; loss: Weighed; shift: Parameter } => {
      const { model, batches } = unit(start);
      const [loss, shift] = [new Weighed(), new Parameter(tensor([start]))];
      const optimizer = new Adam([...model.parameters(), ...loss.parameters(), shift], { learningRate: 0.1 });
      const shifted = { forward: (output: Tensor, target: Tensor) => loss.forward(output.add(shift), target) };
      const trainer = new Trainer({ model, loss: shifted, optimizer });
      return { trainer, batches, loss, shift };
    };
    const numbers = async ({ trainer, loss, shift }: ReturnType<typeof make>): Promise<unknown> => [
      await stateOf(trainer),
      await loss.scale.item(),
      await shift.item(),
    ];
    const options = { epochs: 3, progress: false, checkpoints: { folder, everySteps: 3 } };
    const whole = make(1);
    await whole.trainer.fit(whole.batches, { epochs: 3, progress: false });
    const first = make(1);
    await expect(first.trainer.fit(first.batches, { ...options, callbacks: [failing(4)] })).rejects.toThrow('stopped');
    const resumed = make(5);
    await resumed.trainer.fit(resumed.batches, { ...options, resume: true });
    expect(await numbers(resumed)).toEqual(await numbers(whole));
    expect(await whole.shift.item()).not.toBe(1);
  });
});

describeDevices('callbacks', () => {
  /** Counts, and ends the training at a number. */
  class Counter implements TrainerCallback {
    count = 0;
    weights: Tensor | undefined;
    readonly #end: number;

    constructor(end: number) {
      this.#end = end;
    }

    onEpochEnd(_: EpochRecord, run: { stop(): void }): void {
      this.weights = tensor([++this.count, Number.NaN]);
      if (this.count === this.#end) run.stop();
    }

    state(): CallbackState {
      return { data: { count: this.count }, tensors: this.weights === undefined ? {} : { weights: this.weights } };
    }

    loadState({ data, tensors }: CallbackState): void {
      this.count = Number(data['count']);
      this.weights = tensors?.['weights']?.clone();
    }
  }

  const make = (): { trainer: Trainer; batches: Batch[] } => {
    const { model, batches } = unit(1);
    const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
    return { trainer: new Trainer({ model, loss: new MSELoss(), optimizer }), batches };
  };

  test('get their state back, and what they have ended stays ended', async () => {
    const first = make();
    const options = { progress: false, checkpoints: { folder } };
    await first.trainer.fit(first.batches, { ...options, epochs: 2, callbacks: [new Counter(9)] });
    const [second, counter] = [make(), new Counter(3)];
    const more = { ...options, epochs: 8, resume: true };
    await second.trainer.fit(second.batches, { ...more, callbacks: [{ onEnd: () => undefined }, counter] });
    expect([counter.count, second.trainer.history.epochs.length]).toEqual([3, 3]);
    const [third, ended] = [make(), new Counter(3)];
    const warned = once(process, 'warning');
    const history = await third.trainer.fit(third.batches, { ...more, callbacks: [ended] });
    expect(String(await warned)).toContain(
      'Trainer.fit: got a training that a callback ended after epoch 3, and so it does not go on to epoch 8.\n  Fix: ',
    );
    expect([ended.count, await ended.weights?.data(), history.epochs.length, third.trainer.steps]).toEqual([
      3,
      Float32Array.of(3, Number.NaN),
      3,
      6,
    ]);
    const fourth = make();
    await expect(fourth.trainer.fit(fourth.batches, more)).rejects.toThrow(
      'got callbacks without Counter, of which ' +
        `${join(folder, stepFile(6))} has the state, expected the callbacks that the checkpoint was made with`,
    );
  });

  test('a stop from outside does not end a training for ever', async () => {
    const first = make();
    const options = { progress: false, checkpoints: { folder }, epochs: 4, resume: true };
    const training = first.trainer.fit(first.batches, options);
    first.trainer.stop();
    await training;
    const { length } = first.trainer.history.epochs;
    expect(length).toBeLessThan(4);
    const second = make();
    await second.trainer.fit(second.batches, options);
    expect(second.trainer.history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
  });
});
