import { binding } from '../native/load';
import type { MetricHints } from '../metrics/metric-input';
import { clipGradNorm } from '../optimizers/clip';
import { GradScaler, type GradScalerStateDict } from '../optimizers/grad-scaler';
import { ids, type Optimizer } from '../optimizers/optimizer';
import { autocast, type MathMode } from '../tensor/math-mode';
import { compile } from '../tensor/compile';
import { defaultDevice, synchronize } from '../tensor/device';
import { noGrad } from '../tensor/grad-mode';
import { cast, sub } from '../tensor/ops/elementwise';
import { wrap, type Tensor } from '../tensor/tensor';
import { onDevice, rowsOf } from './batch';
import { CarriedState, splitState, type CarriedStateState } from './carried-state';
import { explainingTypes } from './faults';
import { checkOutput } from './form';
import { measure, type Measured } from './loss-terms';
import { refuseWithout, type CheckedTrainer } from './check-trainer-options';
import { checkForeign, foreignParameters } from './foreign-parameters';
import { UnreadFields } from './unread-fields';

/** What came of a batch. */
export interface Outcome {
  loss: Tensor;
  /** What the loss consists of. */
  terms: Measured[];
  /** How the loss reads the outputs. */
  hints: MetricHints;
  /** Absent where nobody wants it. */
  output?: unknown;
  /** Of the model, where it is carried on. */
  state?: unknown;
  /**
   * After a training step: 0, f32 [], if the optimizer took it, NaN if loss or gradients are not finite. Absent where a
   * GradScaler decides, and where parameters lie on another device than the loss.
   */
  skip?: Tensor;
}

/** What a checkpoint keeps of the steps of a training. */
export interface StepsState {
  readonly count: number;
  readonly learningRates: readonly number[];
  readonly carried: CarriedStateState;
  readonly scaler?: GradScalerStateDict;
}

/** With the batch, where the training is. */
export type BatchOutcome = Outcome & { batch: object; rows: number | undefined };

/**
 * What a Trainer does with one batch: it trains on it, measures it, or tells what the model says. The batch goes to the
 * device of the training first. Everything is queued, and belongs to the scope around the call.
 */
export class Steps {
  readonly #trainer: CheckedTrainer;
  readonly #unread = new UnreadFields();
  readonly #train: (batch: object, ...state: readonly unknown[]) => Outcome;
  readonly #scaler: GradScaler | undefined;
  #count = 0;
  #learningRates: readonly number[] = [];
  /** Of the training; evaluations and predictions have their own. */
  readonly carried = new CarriedState();

  constructor(trainer: CheckedTrainer) {
    this.#trainer = trainer;
    this.#scaler = trainer.precision === 'f16' ? new GradScaler() : undefined;
    this.#train = trainingStep(trainer, this.#unread, this.#scaler);
  }

  /** Training steps so far. */
  get count(): number {
    return this.#count;
  }

  /** The learning rates of the last training step, group by group; the schedule may have changed them since. */
  get learningRates(): readonly number[] {
    return this.#learningRates;
  }

  /** What a checkpoint keeps of it. */
  state(): StepsState {
    return {
      count: this.#count,
      learningRates: this.#learningRates,
      carried: this.carried.state(),
      ...(this.#scaler === undefined ? {} : { scaler: this.#scaler.stateDict() }),
    };
  }

  /** Goes on from there. */
  loadState({ count, learningRates, carried, scaler }: StepsState): void {
    this.#count = count;
    this.#learningRates = learningRates;
    this.carried.loadState(carried, this.#device());
    if (scaler !== undefined) this.#scaler?.loadStateDict(scaler);
  }

  /** @throws {OptionError} if the batch is not what the functions of the Trainer take */
  train(op: string, given: unknown): BatchOutcome {
    const { optimizer, schedule, scheduleEvery } = this.#trainer;
    const batch = this.#read(op, given);
    const outcome = this.#carrying(this.carried, batch, (...state) => this.#train(batch, ...state));
    this.#count++;
    this.#learningRates = optimizer?.groups.map(({ learningRate }) => learningRate) ?? [];
    if (scheduleEvery === 'step') schedule?.step();
    return { ...outcome, batch: this.#unread.watch(batch), rows: rowsOf(batch) };
  }

  /** @throws {OptionError} if the batch is not what the functions of the Trainer take */
  measure(op: string, given: unknown, carried: CarriedState): BatchOutcome {
    const batch = this.#read(op, given);
    const watched = this.#unread.watch(batch);
    const rows = rowsOf(batch);
    const outcome = this.#carrying(carried, batch, (...state) => forward(this.#trainer, watched, { rows, state }));
    return { ...outcome, batch: watched, rows };
  }

  /** @throws {OptionError} if `given` is no input and no batch */
  predict(op: string, given: unknown, carried: CarriedState): unknown {
    const { form, device } = this.#trainer;
    const batch = onDevice(form.readInput(op, given), device);
    return this.#carrying(carried, batch, (...state) => run(this.#trainer, batch, state)).output;
  }

  /**
   * Warns once of fields of the batches that functions of the user's have not read: after an epoch, since they may read
   * some in training alone, or not in every batch.
   */
  tellUnread(): void {
    this.#unread.tell(this.#trainer.form.readers);
  }

  /** Is settled once the device has done what is queued. */
  synchronize(): Promise<void> {
    return synchronize(this.#device());
  }

  #device(): string {
    const { device, optimizer, model } = this.#trainer;
    const [parameter] = optimizer?.groups[0]?.parameters ?? model.parameters();
    return device ?? parameter?.device ?? defaultDevice();
  }

  #read(op: string, given: unknown): object {
    const { form, device } = this.#trainer;
    const batch = onDevice(form.read(op, given), device);
    if (form.fields !== undefined) this.#unread.compare(given, form.fields, form.readers);
    return batch;
  }

  /** Runs a step on a batch, from the state of the batch before if it is carried on. */
  #carrying<R extends { state?: unknown }>(
    carried: CarriedState,
    batch: object,
    step: (...state: readonly unknown[]) => R,
  ): R {
    const { carryState, optimizer, model } = this.#trainer;
    const [parameter] = optimizer?.groups[0]?.parameters ?? model.parameters();
    const state = carryState ? [carried.for(rowsOf(batch))] : [];
    const outcome = explainingTypes(batch, parameter?.dtype, () => step(...state));
    if (carryState) carried.put(outcome.state);
    return outcome;
  }
}

/** Runs `fn` in a math mode, or in that of the moment. */
const inPrecision = <R>(precision: MathMode | undefined, fn: () => R): R =>
  precision === undefined ? fn() : autocast(precision, fn);

/** What the model says of a batch, and the state that it ends with if that is carried on. */
function run(trainer: CheckedTrainer, batch: object, state: readonly unknown[]): { output: unknown; state?: unknown } {
  const { form, model, precision, carryState } = trainer;
  const result = inPrecision(precision, () => form.forward(model, batch, ...state));
  const split = carryState ? splitState(result) : { output: result };
  checkOutput(split.output);
  return split;
}

/** @param rows  of the batch, which is not looked into here: what reads its fields is noted */
function forward(
  trainer: CheckedTrainer,
  batch: object,
  { rows, state }: { rows: number | undefined; state: readonly unknown[] },
): Outcome {
  const { form, precision } = trainer;
  const result = run(trainer, batch, state);
  const { output } = result;
  return inPrecision(precision, () => ({
    ...result,
    ...measure(() => form.loss(output, batch), { output, rows, compared: () => form.counted(batch) }),
  }));
}

/**
 * A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. A loss or a gradient that
 * is not finite changes no parameter.
 */
function trainingStep(
  trainer: CheckedTrainer,
  unread: UnreadFields,
  scaler: GradScaler | undefined,
): (batch: object, ...state: readonly unknown[]) => Outcome {
  const { optimizer, metrics, clipGradNorm: maxNorm } = trainer;
  if (optimizer === undefined) return () => refuseWithout('Trainer.step');
  const foreign = foreignParameters(trainer, optimizer);
  const step = (batch: object, ...state: readonly unknown[]): Outcome => {
    const { output, ...measured } = forward(trainer, unread.watch(batch), { rows: rowsOf(batch), state });
    const outcome = metrics.length > 0 ? { ...measured, output } : measured;
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
  return trainer.compile ? compile(step) : step;
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
