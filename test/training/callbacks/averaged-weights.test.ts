import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  AveragedWeights,
  BatchNorm1d,
  compile,
  EarlyStopping,
  Linear,
  loadCheckpoint,
  Module,
  MSELoss,
  ones,
  saveCheckpoint,
  Sequential,
  SGD,
  tensor,
  Trainer,
  type AveragedWeightsOptions,
  type FitOptions,
  type Tensor,
  type TrainerCallback,
} from 'stmnet';
import { describeDevices, here } from '../../support/devices';
import { handlesKept } from '../../support/handles';
import { differences } from '../../support/near';
import { scratchFolder } from '../../support/scratch';
import { scripted } from '../../support/scripted';
import { tolerances } from '../../support/tolerances';

const quiet = { progress: false } as const;
const root = scratchFolder('averages');

/** A small model with a BatchNorm1d, and four batches. */
function normalized(): { model: Sequential; trainer: Trainer; batches: { input: Tensor; target: Tensor }[] } {
  const first = new Linear({ inFeatures: 2, outFeatures: 2 });
  first.loadStateDict({ weight: tensor([[0.5, -0.25], [0.75, 1]]), bias: tensor([0.1, -0.2]) }); // prettier-ignore
  const last = new Linear({ inFeatures: 2, outFeatures: 1, bias: false });
  last.loadStateDict({ weight: tensor([[1, -0.5]]) });
  const model = new Sequential(first, new BatchNorm1d({ numFeatures: 2 }), last);
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const target = tensor([[1], [-1], [0.5]]);
  const input = tensor([[1, 2], [-1, 0.5], [0.25, -2]]); // prettier-ignore
  const batches = [1, 2, 3, 4].map((k) => ({ input: input.mul(k), target }));
  return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer }), batches };
}

/** Parameters and buffers, one behind another. */
const numbersOf = async (model: Module): Promise<number[]> =>
  (await Promise.all(Object.values(model.stateDict()).map(async (x) => Array.from(await x.data())))).flat();

// torch 2.13.0, with x and y as the batches above:
//   model = Sequential(Linear(2, 2), BatchNorm1d(2), Linear(2, 1, bias=False))  # with the weights above
//   optimizer = SGD(model.parameters(), lr=0.1)
//   averaged = AveragedModel(model, multi_avg_fn=…, use_buffers=…)
//   for k in range(4):
//       optimizer.zero_grad(); mse_loss(model(x * (k + 1)), y).backward(); optimizer.step()
//       averaged.update_parameters(model)
//       torch.cat([p.flatten() for p in averaged.module.state_dict().values()])
const byTorch: [what: string, options: AveragedWeightsOptions, rows: number[][]][] = [
  [
    'get_ema_multi_avg_fn(0.75)',
    { decay: 0.75 },
    [
      [0.76927149, 0.28856006, 0.75614256, 0.99539274, 0.10000002, -0.2, 0.88878685, 0.88146025, 0.033333331,
        -0.016666666, 0.010000002, 0.0029166618, 0.93906248, 1.4376302, 1, 0.88878685, -0.26292047],
      [0.77790457, 0.26554525, 0.75430787, 0.99678642, 0.10000002, -0.2, 0.89200807, 0.88313818, 0.039228585,
        -0.018410597, 0.041439861, 0.028407138, 1.3078945, 3.4341693, 2, 0.8922292, -0.26865637],
      [0.78916889, 0.22869217, 0.75147796, 0.99891937, 0.10000002, -0.2, 0.89998144, 0.88534009, 0.048548184,
        -0.021269925, 0.077215999, 0.074334912, 2.0488412, 7.934485, 3, 0.90067184, -0.27601799],
      [0.79931915, 0.1891956, 0.74843413, 1.0012, 0.10000002, -0.2, 0.91162419, 0.88713366, 0.059562437,
        -0.024710028, 0.11480199, 0.13868892, 3.190403, 15.791003, 4, 0.91298616, -0.28209412],
    ], // prettier-ignore
  ],
  [
    'get_swa_multi_avg_fn()',
    {},
    [
      [0.76927149, 0.28856006, 0.75614256, 0.99539274, 0.10000002, -0.2, 0.88878685, 0.88146025, 0.033333331,
        -0.016666666, 0.010000002, 0.0029166618, 0.93906248, 1.4376302, 1, 0.88878685, -0.26292047],
      [0.78653765, 0.24253044, 0.75247324, 0.99818015, 0.10000002, -0.2, 0.89522928, 0.88481605, 0.045123838,
        -0.020154526, 0.041439861, 0.028407138, 1.3078945, 3.4341693, 2, 0.89567149, -0.27439225],
      [0.79867905, 0.20106462, 0.74931151, 1.0005594, 0.10000002, -0.2, 0.90478671, 0.88719267, 0.055584889,
        -0.023385653, 0.077215999, 0.074334912, 2.0488412, 7.934485, 3, 0.90578091, -0.28229579],
      [0.80645174, 0.16847494, 0.7468093, 1.0024301, 0.10000002, -0.2, 0.91522813, 0.8885231, 0.064839967,
        -0.026296824, 0.11480199, 0.13868892, 3.190403, 15.791003, 4, 0.91681802, -0.28680247],
    ], // prettier-ignore
  ],
];

describeDevices('averaged weights', () => {
  test.each(byTorch)('are those of %s after each step', async (_, options, rows) => {
    const { trainer, batches } = normalized();
    const seen: number[][] = [];
    await trainer.fit(batches, {
      ...quiet,
      epochs: 1,
      validation: batches,
      validateEvery: 1,
      callbacks: [
        new AveragedWeights(options),
        { onValidation: async (__, { model }) => void seen.push(await numbersOf(model)) },
      ],
    });
    rows.forEach((row, step) => expect(differences(seen[step] ?? [], row, 10 * tolerances.value.f32)).toEqual([]));
    expect(differences(await numbersOf(trainer.model), rows[3] ?? [], 10 * tolerances.value.f32)).toEqual([]);
  });

  test('buffers are averaged with use_buffers=True, but not how many batches they have seen', async () => {
    const { trainer, batches } = normalized();
    const options = { decay: 0.75, averageBuffers: true };
    await trainer.fit(batches, { ...quiet, epochs: 1, callbacks: [new AveragedWeights(options)] });
    // running_mean, running_var; the latter count in training, 4, is that of the model.
    const statistics = (await numbersOf(trainer.model)).slice(10, 15);
    expect(differences(statistics, [0.053224728, 0.053835247, 1.7618481, 6.5248971, 4], 2e-5)).toEqual([]);
  });
});

/** Trains a weight that grows by 1 a step from 0 on; the loss of a validation is the weight, negative. */
async function follow(
  options: AveragedWeightsOptions,
  { count = 1, ...more }: Partial<FitOptions> & { count?: number } = {},
) {
  const { trainer, model, batches } = scripted([]);
  const training: number[] = [];
  const averages = new AveragedWeights(options);
  const noting: TrainerCallback = { onStep: async (run) => void training.push(await weightOf(run.model)) };
  const callbacks = [averages, noting];
  const given = { ...quiet, epochs: 4, validation: batches, callbacks, ...more };
  const history = await trainer.fit(Array.from({ length: count }, () => batches).flat(), given);
  const measured = history.validations.map(({ validation }) => -validation.loss);
  return { trainer, model, averages, training, measured, weight: await model.weight.item() };
}

const weightOf = async (model: Module): Promise<number> => (await numbersOf(model))[0] ?? Number.NaN;

test('validations measure the averages, which the model has at the end, while training goes on without', async () => {
  expect(await follow({})).toMatchObject({ training: [1, 2, 3, 4], measured: [1, 1.5, 2, 2.5], weight: 2.5 });
  const moving = await follow({ decay: 0.5 });
  expect(moving).toMatchObject({ training: [1, 2, 3, 4], measured: [1, 1.5, 2.25, 3.125], weight: 3.125 });
});

test('start and every say which steps count; before the first one the model is measured as it is', async () => {
  const { measured, training, weight } = await follow({ start: 3, every: 2 }, { epochs: 5, count: 2 });
  expect(training).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(measured).toEqual([2, 4, 5, 6, 7]); // of 4, 6, 8 and 10
  expect(weight).toBe(7);
});

test('validations within epochs do so, too, and each epoch ends with what they measured', async () => {
  const { measured, training } = await follow({}, { epochs: 1, count: 4, validateEvery: 2 });
  expect([measured, training]).toEqual([[1.5, 2.5], [1, 2, 3, 4]]); // prettier-ignore
});

test.each(['before', 'after'])('EarlyStopping %s it brings the averages back that were best', async (place) => {
  const stopping = new EarlyStopping({ figure: 'validation.loss', mode: 'max', patience: 2, restoreBest: true });
  const { trainer, batches: validation } = scripted([]);
  const averages = new AveragedWeights({ start: 2 });
  const callbacks = place === 'before' ? [stopping, averages] : [averages, stopping];
  await trainer.fit([...validation, ...validation, ...validation], { ...quiet, epochs: 9, validation, callbacks });
  expect([trainer.steps, stopping.best]).toEqual([9, -2.5]); // the average of 2 and 3
  expect((await trainer.evaluate(validation)).loss).toBe(-2.5);
});

test('the best checkpoint has them, and comes back', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  const best = { figure: 'validation.loss', mode: 'max' } as const;
  const { weight, model } = await follow(
    { start: 2 },
    { epochs: 3, count: 3, checkpoints: { folder, best, restoreBest: true, everySteps: 2, keep: 9 } },
  );
  expect(weight).toBe(2.5);
  const weightIn = async (file: string): Promise<number> => {
    await loadCheckpoint(join(folder, `${file}.safetensors`), { model });
    return weightOf(model);
  };
  expect(await weightIn('best')).toBe(2.5);
  // Within an epoch, and after the last one.
  expect([await weightIn('step-000000004'), await weightIn('step-000000009')]).toEqual([3, 5.5]);
});

test('keepLast keeps the weights of the last step beside, until it is disposed of', async () => {
  const { model, averages, weight } = await follow({ keepLast: true });
  expect([weight, averages.swapped, averages.updates]).toEqual([2.5, true, 4]);
  averages.swap(model);
  expect([await weightOf(model), averages.swapped]).toEqual([4, false]);
  averages.swap(model);
  expect(await weightOf(model)).toBe(2.5);
  const before = handlesKept();
  averages.dispose();
  expect([handlesKept() - before, averages.updates, await weightOf(model)]).toEqual([-1, 0, 2.5]);
});

test('where an error ends the training, the model has the weights of the training', async () => {
  const weightAfter = async (failing: TrainerCallback): Promise<number> => {
    const { trainer, model, batches } = scripted([]);
    const callbacks = [new AveragedWeights(), failing];
    const fit = trainer.fit([...batches, ...batches], { ...quiet, epochs: 2, validation: batches, callbacks });
    await expect(fit).rejects.toThrow('fails');
    return weightOf(model);
  };
  const fails = (): never => {
    throw new Error('fails');
  };
  expect(await weightAfter({ onEpochEnd: fails })).toBe(2);
  expect(await weightAfter({ onStep: fails })).toBe(1);
});

test('a loss of NaN that ends the training within a checkpoint leaves the weights before it', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  const { trainer, model, batches } = scripted([]);
  const bad = { input: tensor([[Number.NaN]]), target: tensor([[0]]) };
  const options = { checkpoints: { folder, everySteps: 1 }, callbacks: [new AveragedWeights()] };
  const fit = trainer.fit([...batches, ...batches, bad], { ...quiet, epochs: 1, ...options });
  await expect(fit).rejects.toThrow('in epoch 1, batch 3 (step 3 of the trainer)');
  expect(await weightOf(model)).toBe(2);
});

test('a step that is left out counts with the weights as they are, and spoils nothing', async () => {
  const { trainer, model, batches } = scripted([]);
  const bad = { input: tensor([[Number.NaN]]), target: tensor([[0]]) };
  const given = [...batches, ...batches, bad, ...batches];
  await trainer.fit(given, { ...quiet, epochs: 1, onNaN: 'skip', callbacks: [new AveragedWeights()] });
  expect(await weightOf(model)).toBe((1 + 2 + 2 + 3) / 4);
});

test('it begins anew with each training, from the averages of the one before', async () => {
  const { trainer, batches } = scripted([]);
  const averages = new AveragedWeights();
  await trainer.fit([...batches, ...batches], { ...quiet, epochs: 1, callbacks: [averages] });
  expect(await weightOf(trainer.model)).toBe(1.5);
  await trainer.fit([...batches, ...batches], { ...quiet, epochs: 1, callbacks: [averages] });
  expect(await weightOf(trainer.model)).toBe(3);
});

class Tied extends Module {
  readonly first = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  readonly frozen = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  readonly second = this.first;
  readonly late = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });

  forward(x: Tensor): Tensor {
    return [this.first, this.frozen, this.second, this.late]
      .map((layer) => layer.forward(x))
      .reduce((a, b) => a.add(b));
  }
}

test('a shared parameter is averaged once, a frozen one not, and one that is unfrozen from then on', async () => {
  const model = new Tied();
  for (const layer of [model.first, model.frozen, model.late]) layer.loadStateDict({ weight: tensor([[0]]) });
  model.frozen.requiresGrad_(false);
  model.late.requiresGrad_(false);
  const optimizer = new SGD(model.parameters(), { learningRate: 1 });
  const loss = (output: Tensor): Tensor => output.mul(-1).sum();
  const trainer = new Trainer({ model, loss: loss as never, optimizer });
  const averages = new AveragedWeights({ keepLast: true });
  const kept: string[][] = [];
  const unfreezing: TrainerCallback = {
    onStep: () => void kept.push(Object.keys(averages.state().tensors ?? {})),
    onEpochEnd: () => void model.late.requiresGrad_(true),
  };
  const batch = { input: ones([1, 1]), target: ones([1, 1]) };
  await trainer.fit([batch, batch], { ...quiet, epochs: 2, callbacks: [averages, unfreezing] });
  // first grows by 2 a step, 2, 4, 6, 8; late by 1 from the third on, 1 and 2.
  expect(await numbersOf(model)).toEqual([5, 0, 5, 1.5]);
  expect(kept).toEqual([['first.weight'], ['first.weight'], ...Array(2).fill(['first.weight', 'late.weight'])]);
  averages.swap(model);
  expect(await numbersOf(model)).toEqual([8, 0, 8, 2]);
});

test('a loop of one’s own updates, swaps and saves it', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  const path = join(folder, 'own.safetensors');
  const { model, optimizer, step } = grown();
  const averages = new AveragedWeights();
  for (let i = 0; i < 4; i++) {
    step();
    averages.update(model);
  }
  averages.swap(model);
  await saveCheckpoint(path, { model, optimizer, averages });
  const other = grown();
  const again = new AveragedWeights();
  await loadCheckpoint(path, { model: other.model, optimizer: other.optimizer, averages: again });
  expect([await weightOf(other.model), again.swapped, again.updates]).toEqual([2.5, true, 4]);
  again.swap(other.model);
  expect(await weightOf(other.model)).toBe(4);
  other.step();
  again.update(other.model);
  again.swap(other.model);
  expect(await weightOf(other.model)).toBe(3);
});

/** A weight that grows by 1 a step from 0 on, without a Trainer. */
function grown(): { model: Linear; optimizer: SGD; step: () => void } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[0]]) });
  const optimizer = new SGD(model.parameters(), { learningRate: 1 });
  const step = (): void => {
    optimizer.zeroGrad();
    model
      .forward(ones([1, 1]))
      .mul(-1)
      .sum()
      .backward();
    optimizer.step();
  };
  return { model, optimizer, step };
}

test('steps and swaps leave nothing behind', async () => {
  const { model, step } = grown();
  const averages = new AveragedWeights({ decay: 0.9 });
  const cycle = (): void => {
    averages.update(model);
    averages.swap(model);
    averages.swap(model);
  };
  step();
  const without = handlesKept();
  cycle();
  const before = handlesKept();
  for (let i = 0; i < 50; i++) cycle();
  expect([before - without, handlesKept() - before]).toEqual([1, 0]);
  expect(model.weight.grad).toBeDefined(); // the gradients of the model are left alone
  averages.dispose();
  expect(handlesKept()).toBe(without + 1); // that of the line above
  const { trainer, batches } = scripted([]);
  const fit = (): Promise<unknown> =>
    trainer.fit(batches, { ...quiet, epochs: 3, validation: batches, callbacks: [new AveragedWeights()] });
  await fit();
  const trained = handlesKept();
  await fit();
  expect(handlesKept()).toBe(trained);
});

test('mistakes', async () => {
  expect(() => new AveragedWeights({ decay: 1 })).toThrow('AveragedWeights: got decay: 1, expected a probability');
  expect(() => new AveragedWeights({ every: 0 })).toThrow('AveragedWeights: got every: 0, expected a whole number');
  expect(() => new AveragedWeights({ ema_decay: 0.9 } as never)).toThrow('Fix: write decay, if that is what you mean');
  expect(() => new AveragedWeights({ momentum: 0.9 } as never)).toThrow('Fix: write decay, if that is what you mean');
  expect(() => new AveragedWeights({ use_buffers: true } as never)).toThrow('Fix: write averageBuffers, if that');
  const { model } = grown();
  const averages = new AveragedWeights();
  expect(() => averages.swap(model)).toThrow(
    'AveragedWeights.swap: got a model of which nothing has been averaged, expected at least one update.\n' +
      '  Fix: call update(model) after a training step before.',
  );
  averages.update(model);
  expect(() => averages.update(new Linear({ inFeatures: 2, outFeatures: 1, bias: false }))).toThrow(
    `AveragedWeights: got a model with f32[1, 2] on ${here} weight, expected the one whose weight was averaged, ` +
      `f32[1, 1] on ${here}.\n` +
      '  Fix: pass the same model each time, or make an AveragedWeights for each.',
  );
  averages.swap(model);
  expect(() => averages.update(model)).toThrow(
    'AveragedWeights.update: got a model that has the averages, expected one with the weights of the training.\n' +
      '  Fix: call swap(model) once more before training goes on.',
  );
  expect(() => averages.loadState({ data: { swapped: false, counts: { a: 1 } }, tensors: {} })).toThrow(
    'AveragedWeights.loadState: got counts: { a }, expected a number of updates for each of 0 tensors.\n' +
      '  Fix: pass what state() gave.',
  );
  expect(averages.updates).toBe(1);
  expect(() => compile(() => averages.update(model))()).toThrow('got AveragedWeights.update() inside a compiled step');
  expect(() => compile(() => averages.swap(model))()).toThrow('got AveragedWeights.swap() inside a compiled step');
  const { trainer, batches } = scripted([]);
  const two = [new AveragedWeights({ decay: 0.9 }), new AveragedWeights({ decay: 0.99 })];
  await expect(trainer.fit(batches, { epochs: 1, callbacks: two })).rejects.toThrow(
    'Trainer.fit: got two callbacks of the class AveragedWeights',
  );
});

test('where no step counts it warns', async () => {
  const warned: string[] = [];
  const note = ({ message }: Error): void => void warned.push(message);
  process.on('warning', note);
  expect(await follow({ start: 5 })).toMatchObject({ measured: [1, 2, 3, 4], weight: 4 });
  await new Promise(setImmediate);
  process.off('warning', note);
  expect(warned).toEqual([
    'AveragedWeights: got a training of 4 steps, none of which counts, and so the weights are those of the last ' +
      'one.\n  Fix: let start, 5, and every, 1, be fewer steps.',
  ]);
});
