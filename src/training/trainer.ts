import type { Module } from '../layers/module';
import type { Optimizer } from '../optimizers/optimizer';
import { ReduceLROnPlateau } from '../optimizers/reduce-on-plateau';
import type { Schedule } from '../optimizers/schedules';
import { defaultDevice, synchronize, type MathMode } from '../tensor/device';
import { OptionError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add_, cast, clone, fill_, mul } from '../tensor/ops/elementwise';
import { checkOptions, describe, flag, nonNegativeNumber, oneOf, positiveInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { outsideScopes, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { batchesOf, checkBatch, checkLoader, countOf, inputOf, isIterable, onDevice, outputOf, weightOf, type Batch, type Batches } from './batches';
import { checkCallbacks, type TrainerCallback } from './callback';
import { History, type EpochRecord } from './history';
import type { Metric } from './metric';
import { makeProgress, silent, type Progress } from './progress';
import { inPrecision, trainingStep, type Outcome } from './training-step';

/** Anything that turns predictions and targets into a loss: a layer of src/losses, or a function. */
export type LossFunction = { forward(input: Sequence, target: Sequence): Tensor } | ((input: Sequence, target: Sequence) => Tensor);

/** What a Trainer is made of. */
export interface TrainerOptions {
  /** Takes the input of a batch to predictions. */
  model: Module;
  /** Of predictions and target. */
  loss: LossFunction;
  /** Over the parameters of the model. */
  optimizer: Optimizer;
  /** What to measure beside the loss. Default none. */
  metrics?: readonly Metric[];
  /** Changes the learning rate. */
  schedule?: Schedule;
  /** When the schedule moves on: after each training step, or after each epoch (ReduceLROnPlateau then gets the validation loss, or the training loss without validation). Default 'epoch'. */
  scheduleEvery?: 'step' | 'epoch';
  /** Largest joint norm of the gradients. Default: no limit. */
  clipGradNorm?: number;
  /** Where to train: the model is moved there, and each batch. Default: where they are. */
  device?: string;
  /** Whether the training step goes through `compile`: faster where its ops are small, and batches come in few kinds of shapes and lengths. Default false. */
  compile?: boolean;
  /** What the model's products are computed in, see `autocast`; with 'f16' the loss is scaled by a GradScaler. Default: the math mode of the moment. */
  precision?: MathMode;
}

/** Options of `fit`. */
export interface FitOptions {
  /** How often to go through the batches. */
  epochs: number;
  /** Batches to evaluate on after each epoch. */
  validation?: Batches;
  /** Called in their order. */
  callbacks?: readonly TrainerCallback[];
  /** Whether to show a bar on a terminal, or a line an epoch elsewhere, on standard error. Default true. */
  progress?: boolean;
}

/** Sum of losses over the batches of an epoch, on the device: weighted, and the weights. */
class RunningLoss {
  #totals: Tensor | undefined;
  #weight = 0;

  reset(): void {
    this.#weight = 0;
    const totals = this.#totals;
    if (totals !== undefined) noGrad(() => fill_(totals, 0));
  }

  add(loss: Tensor, weight: number): void {
    noGrad(() => {
      const totals = (this.#totals ??= outsideScopes(() => zeros([], { dtype: 'f64', device: loss.device })));
      add_(totals, mul(cast(loss.detach(), 'f64'), weight));
    });
    this.#weight += weight;
  }

  async mean(): Promise<number> {
    const [totals, weight] = [this.#totals, this.#weight];
    if (totals === undefined || weight === 0) return Number.NaN;
    const now = noGrad(() => clone(totals));
    try {
      return (await now.item()) / weight;
    } finally {
      now.dispose();
    }
  }
}

/** Steps that may be queued before `fence` waits. */
const STEPS_AHEAD = 2;

/**
 * Trains, evaluates and applies a model. Nothing is left to tidy: each step disposes of what it made, and at most two steps are queued at a time, so
 * memory stays flat and the event loop free.
 *
 * @throws {OptionError} if a part is missing or of the wrong kind, or an option is unknown
 */
export class Trainer {
  /** The model in training. */
  readonly model: Module;
  /** Its optimizer. */
  readonly optimizer: Optimizer;
  /** What is measured beside the loss. */
  readonly metrics: readonly Metric[];
  readonly #options: TrainerOptions;
  readonly #scheduleEvery: 'step' | 'epoch';
  readonly #step: (input: Sequence, target: Sequence) => Outcome;
  readonly #running = new RunningLoss();
  readonly #fences: Promise<void>[] = [];
  /** Which of fit and evaluate is counting: they share the sums on the device, and the metrics. */
  #busy: 'fit' | 'evaluate' | undefined;
  #steps = 0;
  #stopping = false;

  constructor(options: TrainerOptions) {
    const op = 'Trainer';
    checkOptions(op, options, ['model', 'loss', 'optimizer', 'metrics', 'schedule', 'scheduleEvery', 'clipGradNorm', 'device', 'compile', 'precision']);
    checkPart(op, 'model', options.model, 'forward', 'a Module');
    checkPart(op, 'optimizer', options.optimizer, 'step', 'an optimizer');
    if (typeof options.loss !== 'function') checkPart(op, 'loss', options.loss, 'forward', 'a loss such as new CrossEntropyLoss(), or a function');
    this.#scheduleEvery = oneOf(op, 'scheduleEvery', options.scheduleEvery ?? 'epoch', ['epoch', 'step']);
    if (options.schedule !== undefined) checkPart(op, 'schedule', options.schedule, 'step', 'a schedule');
    if (options.schedule instanceof ReduceLROnPlateau && this.#scheduleEvery === 'step') {
      throw new OptionError(op, { given: "ReduceLROnPlateau with scheduleEvery: 'step'", expected: "scheduleEvery: 'epoch'", fix: 'leave scheduleEvery out: the loss to watch is known after an epoch' });
    }
    if (options.clipGradNorm !== undefined) nonNegativeNumber(op, 'clipGradNorm', options.clipGradNorm);
    this.metrics = [...(options.metrics ?? [])];
    const names = new Set(['loss']);
    for (const metric of this.metrics) {
      checkPart(op, 'metrics', metric, 'update', 'metrics such as new Accuracy()');
      if (names.has(metric.name)) throw new OptionError(op, { given: `two figures named ${metric.name}`, expected: 'a name for each', fix: 'leave one of them out' });
      names.add(metric.name);
    }
    const { model, optimizer, device, precision } = options;
    if (precision !== undefined) oneOf(op, 'precision', precision, ['fma', 'tf32', 'bf16', 'f16']);
    const compile = flag(op, 'compile', options.compile ?? false);
    if (device !== undefined) model.to(device);
    this.#options = options;
    this.model = model;
    this.optimizer = optimizer;
    const forward = (input: Sequence, target: Sequence): Required<Outcome> => this.#forward(input, target);
    this.#step = trainingStep({ forward, optimizer, clipGradNorm: options.clipGradNorm, precision, compile, output: this.metrics.length > 0 });
  }

  /** Training steps so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Lets `fit` end after the running epoch. */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * One training step: forward, loss, backward, clipping, update. Everything is queued, nothing awaited. `fence` after it keeps the queue short.
   *
   * @returns the loss before the update; the caller's to dispose of
   * @throws {OptionError} if the batch is not { input, target } of tensors
   */
  step(batch: Batch): Tensor {
    return scope(() => this.#train(checkBatch('Trainer.step', batch)).loss);
  }

  #train(batch: Batch): Outcome {
    const { device, schedule } = this.#options;
    const outcome = this.#step(onDevice(batch.input, device), onDevice(batch.target, device));
    this.#steps++;
    if (this.#scheduleEvery === 'step') schedule?.step();
    return outcome;
  }

  /** Of tensors that are where they ought to be. */
  #forward(input: Sequence, target: Sequence): Required<Outcome> {
    const { loss } = this.#options;
    const output = outputOf(this.model.forward(input as never));
    return { output, loss: typeof loss === 'function' ? loss(output, target) : loss.forward(output, target) };
  }

  #predict(input: Sequence): Sequence {
    const { device, precision } = this.#options;
    return inPrecision(precision, () => outputOf(this.model.forward(onDevice(input, device) as never)));
  }

  /**
   * Waits until the device is at most two steps behind; not at all if it is.
   *
   * @throws the first fault of the device that no read has reported
   */
  async fence(): Promise<void> {
    await this.#fence(this.#fences);
  }

  /** Queues a fence behind `fences`, and waits until few are left. */
  async #fence(fences: Promise<void>[]): Promise<void> {
    const reached = synchronize(this.#options.device ?? this.optimizer.groups[0]?.parameters[0]?.device ?? defaultDevice());
    reached.catch(() => undefined); // awaited by a later fence; until then it is no unhandled rejection
    fences.push(reached);
    while (fences.length > STEPS_AHEAD) await fences.shift();
  }

  /**
   * Trains for some epochs. The model is in training mode meanwhile, and afterwards as it was before. A callback may call `predict`; for evaluation there is
   * `validation`.
   *
   * @param loader  gives batches { input, target }: a DataLoader, an array, or an iterable that can be walked once an epoch
   * @throws {OptionError} if an option is unknown or out of range, a batch is not { input, target }, there is none, or the trainer is busy
   */
  async fit(loader: Batches, options: FitOptions): Promise<History> {
    const op = 'Trainer.fit';
    checkOptions(op, options, ['epochs', 'validation', 'callbacks', 'progress']);
    checkLoader(op, loader);
    if (options.validation !== undefined) checkLoader(op, options.validation);
    const epochs = positiveInteger(op, 'epochs', options.epochs);
    const callbacks = checkCallbacks(op, options.callbacks);
    return this.#alone('fit', () => this.#fit(loader, { ...options, epochs, callbacks }));
  }

  async #fit(loader: Batches, options: Required<Pick<FitOptions, 'callbacks'>> & FitOptions): Promise<History> {
    const { epochs, callbacks } = options;
    const progress = flag('Trainer.fit', 'progress', options.progress ?? true) ? await makeProgress(epochs) : silent;
    const history = new History();
    const restore = modesOf(this.model);
    this.#stopping = false;
    try {
      for (let epoch = 1; epoch <= epochs && !this.#stopping; epoch++) {
        this.model.train();
        progress.start(epoch, countOf(loader));
        const record = await this.#epoch(loader, epoch, options, progress);
        history.add(record);
        progress.end(record);
        for (const callback of callbacks) await callback.onEpochEnd?.(record, this);
      }
    } finally {
      progress.stop();
      restore();
    }
    return history;
  }

  async #epoch(loader: Batches, epoch: number, options: FitOptions, progress: Progress): Promise<EpochRecord> {
    const started = performance.now();
    let shown: Promise<void> | undefined;
    const show = (): Promise<void> =>
      this.#figures().then(
        (values) => progress.figures(values),
        () => undefined, // the same fault rejects the fence of this step
      ).finally(() => (shown = undefined));
    this.#reset();
    const fences: Promise<void>[] = [];
    let done = 0;
    for await (const batch of batchesOf(loader)) {
      scope(() => {
        const checked = checkBatch('Trainer.fit', batch());
        this.#count(checked, this.#train(checked));
      });
      await this.#fence(fences);
      for (const callback of options.callbacks ?? []) await callback.onStep?.(this);
      if (progress.step(++done)) shown ??= show();
    }
    if (done === 0) throw noBatch('Trainer.fit');
    await shown;
    for (const fence of fences) await fence;
    const train = await this.#figures();
    const { learningRate } = this.optimizer;
    const validation = options.validation === undefined ? undefined : await this.#evaluate(options.validation);
    if (this.#scheduleEvery === 'epoch') this.#options.schedule?.step(validation?.['loss'] ?? train['loss']);
    const seconds = (performance.now() - started) / 1000;
    return { epoch, train, ...(validation === undefined ? {} : { validation }), learningRate, seconds };
  }

  #reset(): void {
    this.#running.reset();
    for (const metric of this.metrics) metric.reset();
  }

  #count(batch: Batch, { output, loss }: Outcome): void {
    this.#running.add(loss, weightOf(batch));
    if (output === undefined) return;
    const target = onDevice(batch.target, this.#options.device);
    for (const metric of this.metrics) metric.update(output, target);
  }

  async #figures(): Promise<Record<string, number>> {
    const names = ['loss', ...this.metrics.map(({ name }) => name)];
    const values = await Promise.all([this.#running.mean(), ...this.metrics.map((metric) => metric.compute())]);
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? Number.NaN]));
  }

  /**
   * Loss and metrics over batches, in evaluation mode and without recording. The loss is the mean over all items, or over all real steps.
   *
   * @param loader  gives batches { input, target }
   * @throws {OptionError} if a batch is not { input, target }, there is none, or the trainer is busy with `fit` or another `evaluate`
   */
  async evaluate(loader: Batches): Promise<Record<string, number>> {
    checkLoader('Trainer.evaluate', loader);
    return this.#alone('evaluate', () => this.#evaluate(loader));
  }

  async #evaluate(loader: Batches): Promise<Record<string, number>> {
    this.#reset();
    const fences: Promise<void>[] = [];
    let done = 0;
    for await (const batch of batchesOf(loader)) {
      this.#evaluating(() =>
        scope(() => {
          const checked = checkBatch('Trainer.evaluate', batch());
          const { device, precision } = this.#options;
          this.#count(checked, inPrecision(precision, () => this.#forward(onDevice(checked.input, device), onDevice(checked.target, device))));
        }),
      );
      done++;
      await this.#fence(fences);
    }
    for (const fence of fences) await fence;
    if (done === 0) throw noBatch('Trainer.evaluate');
    return this.#figures();
  }

  /**
   * What the model says, in evaluation mode and without recording.
   *
   * @param data  an input, a batch { input }, or a loader of either
   * @returns the output; one for each batch of a loader
   * @throws {OptionError} if it is something else
   */
  async predict(data: Sequence | { readonly input: Sequence }): Promise<Sequence>;
  async predict(data: Batches<Sequence | { readonly input: Sequence }>): Promise<Sequence[]>;
  async predict(data: unknown): Promise<Sequence | Sequence[]> {
    const one = (given: unknown): Sequence => this.#predict(inputOf('Trainer.predict', given));
    if (!isIterable(data)) return this.#evaluating(() => scope(() => one(data)));
    const outputs: Sequence[] = [];
    const fences: Promise<void>[] = [];
    for await (const batch of batchesOf(data)) {
      outputs.push(this.#evaluating(() => scope(() => one(batch()))));
      await this.#fence(fences);
    }
    for (const fence of fences) await fence;
    return outputs;
  }

  /**
   * Runs `work` in evaluation mode and without recording, and puts every module back into the mode that it was in. Between batches the modes are as
   * before, so that predictions and a training may take turns.
   */
  #evaluating<R>(work: () => R): R {
    const restore = modesOf(this.model);
    this.model.eval();
    try {
      return noGrad(work);
    } finally {
      restore();
    }
  }

  /** Runs `work` unless something else is counting. */
  async #alone<R>(name: 'fit' | 'evaluate', work: () => Promise<R>): Promise<R> {
    const busy = this.#busy;
    if (busy !== undefined) {
      const fix = busy === 'fit' && name === 'evaluate' ? 'evaluate during a training by its option validation, or make a second Trainer of the same model' : `await ${busy} first`;
      throw new OptionError(`Trainer.${name}`, { given: `a call while ${busy} is running`, expected: 'one at a time: they share the loss and the metrics', fix });
    }
    this.#busy = name;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }
}

/** Remembers which modules are in training. @returns what brings that back */
function modesOf(model: Module): () => void {
  const modes = Array.from(model.namedModules(), ([, module]) => [module, module.training] as const);
  return () => {
    for (const [module, training] of modes) module[training ? 'train' : 'eval'](); // from the root down: each call also sets all below
  };
}

function checkPart(op: string, name: string, value: unknown, method: string, expected: string): void {
  if (typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function') return;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected, fix: `pass ${name}, with a method ${method}()` });
}

const noBatch = (op: string): OptionError => new OptionError(op, { given: 'a loader without batches', expected: 'at least one batch', fix: 'a generator can be walked only once; pass a DataLoader or an array' });
