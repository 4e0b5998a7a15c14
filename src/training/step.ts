import { binding } from '../native/load';
import type { MetricHints } from '../metrics/metric';
import { clipGradNorm } from '../optimizers/clip';
import { GradScaler } from '../optimizers/grad-scaler';
import { ids, type Optimizer } from '../optimizers/optimizer';
import { autocast, type MathMode } from '../tensor/math-mode';
import { compile } from '../tensor/compile';
import { defaultDevice, synchronize } from '../tensor/device';
import { noGrad } from '../tensor/grad-mode';
import { cast, sub } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { wrap, type Tensor } from '../tensor/tensor';
import { checkBatch, inputOf, onDevice, outputOf, type Batch } from './batches';
import { explainingTypes } from './faults';
import { measure, type Measured } from './loss-terms';
import { checkForeign, foreignParameters, type TrainerOptions } from './trainer-options';

/** What came of a batch. */
export interface Outcome {
  loss: Tensor;
  /** What the loss consists of. */
  terms: Measured[];
  /** How the loss reads the outputs. */
  hints: MetricHints;
  /** Absent where nobody wants it. */
  output?: Sequence;
  /**
   * After a training step: 0, f32 [], if the optimizer took it, NaN if loss or gradients are not finite. Absent where a
   * GradScaler decides, and where parameters lie on another device than the loss.
   */
  skip?: Tensor;
}

/** With the target, where the training is. */
export type BatchOutcome = Outcome & { target: Sequence };

/**
 * What a Trainer does with one batch: it trains on it, measures it, or tells what the model says. The batch goes to the
 * device of the training first. Everything is queued, and belongs to the scope around the call.
 */
export class Steps {
  readonly #options: TrainerOptions;
  readonly #train: (input: Sequence, target: Sequence) => Outcome;
  #count = 0;
  #learningRate = Number.NaN;

  constructor(options: TrainerOptions) {
    this.#options = options;
    this.#train = trainingStep(options);
  }

  /** Training steps so far. */
  get count(): number {
    return this.#count;
  }

  /** The learning rate of the last training step; the schedule may have changed it since. */
  get learningRate(): number {
    return this.#learningRate;
  }

  /** @throws {OptionError} if the batch is not { input, target } of tensors */
  train(op: string, given: unknown): BatchOutcome {
    const { optimizer, schedule, scheduleEvery } = this.#options;
    const { input, target } = this.#batch(op, given);
    const outcome = this.#explaining({ input, target }, () => this.#train(input, target));
    this.#count++;
    this.#learningRate = optimizer.learningRate;
    if (scheduleEvery === 'step') schedule?.step();
    return { ...outcome, target };
  }

  /** @throws {OptionError} if the batch is not { input, target } of tensors */
  measure(op: string, given: unknown): BatchOutcome {
    const { input, target } = this.#batch(op, given);
    return { ...this.#explaining({ input, target }, () => forward(this.#options, input, target)), target };
  }

  /** @throws {OptionError} if `given` is no input and no { input } */
  predict(op: string, given: unknown): Sequence {
    const input = onDevice(inputOf(op, given), this.#options.device);
    return this.#explaining({ input }, () => predict(this.#options, input));
  }

  /** Is settled once the device has done what is queued. */
  synchronize(): Promise<void> {
    const { device, optimizer } = this.#options;
    return synchronize(device ?? optimizer.groups[0]?.parameters[0]?.device ?? defaultDevice());
  }

  #batch(op: string, given: unknown): Batch {
    const { input, target } = checkBatch(op, given);
    const { device } = this.#options;
    return { input: onDevice(input, device), target: onDevice(target, device) };
  }

  #explaining<R>(fields: Readonly<Record<string, Sequence>>, step: () => R): R {
    return explainingTypes(fields, this.#options.optimizer.groups[0]?.parameters[0]?.dtype, step);
  }
}

/** Runs `fn` in a math mode, or in that of the moment. */
const inPrecision = <R>(precision: MathMode | undefined, fn: () => R): R =>
  precision === undefined ? fn() : autocast(precision, fn);

function predict({ model, precision }: TrainerOptions, input: Sequence): Sequence {
  return inPrecision(precision, () => outputOf(model.forward(input as never)));
}

function forward(options: TrainerOptions, input: Sequence, target: Sequence): Outcome & { output: Sequence } {
  const { model, loss, precision } = options;
  return inPrecision(precision, () => {
    const output = outputOf(model.forward(input as never));
    return { output, ...measure(loss, output, target) };
  });
}

/**
 * A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. A loss or a gradient that
 * is not finite changes no parameter.
 */
function trainingStep(options: TrainerOptions): (input: Sequence, target: Sequence) => Outcome {
  const { optimizer, metrics = [], clipGradNorm: maxNorm, precision } = options;
  const outputWanted = metrics.length > 0;
  const scaler = precision === 'f16' ? new GradScaler() : undefined;
  const foreign = foreignParameters(options);
  const step = (input: Sequence, target: Sequence): Outcome => {
    const { output, ...measured } = forward(options, input, target);
    const outcome = outputWanted ? { ...measured, output } : measured;
    const { loss } = measured;
    optimizer.zeroGrad();
    (scaler?.scale(loss) ?? loss).backward();
    checkForeign(foreign);
    foreign.length = 0; // once is enough
    if (maxNorm !== undefined) scaler?.unscale_(optimizer);
    const norm = maxNorm === undefined ? undefined : clipGradNorm(parametersOf(optimizer), { maxNorm });
    if (scaler !== undefined) {
      scaler.step(optimizer);
      scaler.update();
      return outcome;
    }
    const skip = unlessFinite(loss, optimizer, norm);
    optimizer.step(skip);
    return { ...outcome, ...skip };
  };
  return options.compile === true ? compile(step) : step;
}

/**
 * Lets the optimizer skip a step whose loss or gradients are not finite, as a GradScaler does of itself: one NaN among
 * them would soon make every parameter NaN. The device decides, and nothing is awaited.
 *
 * @param norm  of the gradients, if it is known
 */
function unlessFinite(loss: Tensor, optimizer: Optimizer, norm: Tensor | undefined): { skip?: Tensor } {
  // Those of a group are on one device.
  const elsewhere = ([first]: readonly Tensor[]): boolean => first !== undefined && first.device !== loss.device;
  if (optimizer.groups.some(({ parameters }) => elsewhere(parameters))) return {};
  const parameters = norm === undefined ? parametersOf(optimizer) : [];
  const largest = largestMagnitude(norm === undefined ? [loss] : [loss, norm], parameters);
  return { skip: noGrad(() => cast(sub(largest, largest), 'f32')) }; // 0 of a finite number, else NaN
}

const parametersOf = ({ groups }: Optimizer): Tensor[] => groups.flatMap(({ parameters }) => parameters);

/** The largest magnitude among some values and the gradients of parameters, f64 []; NaN if an element is NaN. */
export const largestMagnitude = (values: readonly Tensor[], parameters: readonly Tensor[]): Tensor =>
  wrap(binding.largestMagnitude(ids(values), ids(parameters)));
