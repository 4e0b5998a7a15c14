import type { ItemPlaces } from '../data/item-places';
import type { MetricHints } from '../metrics/metric-input';
import { firstTensor } from '../module/fields';
import { GradScaler, type GradScalerStateDict } from '../optimizers/grad-scaler';
import { autocast, type MathMode } from '../tensor/math-mode';
import { compile } from '../tensor/compile';
import { defaultDevice, synchronize } from '../tensor/device';
import { getRandomState } from '../tensor/generator';
import type { Tensor } from '../tensor/tensor';
import { Accumulation } from './accumulation';
import { onDevice, rowsOf } from './batch';
import { CarriedState, splitState, type CarriedStateState } from './carried-state';
import { explainingTypes, isRefusal } from './faults';
import { checkOutput } from './form';
import { measure, type Measured } from './loss-terms';
import { refuseWithout, type CheckedTrainer } from './check-trainer-options';
import { checkForeign, foreignParameters } from './foreign-parameters';
import { RecentSteps } from './recent-steps';
import { reportOf, type StepReport } from './step-report';
import { putBack, RunningStatistics } from './statistics-before';
import { StopFlag, type OnNaN } from './stop-flag';
import { UnreadFields } from './unread-fields';
import { update } from './update';

/** What came of a batch. */
export interface Outcome {
  loss: Tensor;
  /** What there is to read of it. */
  report: StepReport;
  /** How the loss reads the outputs. */
  hints: MetricHints;
  /** Absent where nobody wants it. */
  output?: unknown;
  /** Of the model, where it is carried on. */
  state?: unknown;
  /** Whether a step is to follow on the batches that were accumulated. */
  complete?: boolean;
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

/** What came of the step that a batch has completed. */
export interface StepOutcome {
  readonly loss: Tensor;
  /** What there is to read of it beside the reports of its batches. */
  readonly report?: StepReport;
}

/**
 * What a Trainer does with one batch: it trains on it, measures it, or tells what the model says. The batch goes to the
 * device of the training first. Everything is queued, and belongs to the scope around the call.
 */
export class Steps {
  readonly #trainer: CheckedTrainer;
  readonly #unread = new UnreadFields();
  readonly #train: (onNaN: OnNaN, batch: object, ...state: readonly unknown[]) => Outcome;
  readonly #scaler: GradScaler | undefined;
  readonly #flag = new StopFlag();
  readonly #accumulation: Accumulation | undefined;
  readonly #statistics: RunningStatistics;
  #count = 0;
  #learningRates: readonly number[] = [];
  /** Of the training; evaluations and predictions have their own. */
  readonly carried = new CarriedState();
  /** Steps that may turn out not to have been finite. */
  readonly recent = new RecentSteps();

  constructor(trainer: CheckedTrainer) {
    this.#trainer = trainer;
    this.#scaler = trainer.precision === 'f16' ? new GradScaler() : undefined;
    const { optimizer, accumulate, clipGradNorm: maxNorm } = trainer;
    const parts = { maxNorm, scaler: this.#scaler, flag: this.#flag };
    if (optimizer !== undefined && accumulate > 1)
      this.#accumulation = new Accumulation({ ...parts, optimizer }, accumulate);
    this.#statistics = new RunningStatistics(trainer.model);
    const own = { unread: this.#unread, accumulation: this.#accumulation, statistics: this.#statistics };
    this.#train = trainingStep(trainer, { ...parts, ...own });
  }

  /** Training steps so far. */
  get count(): number {
    return this.#count;
  }

  /** The learning rates of the last training step, group by group; the schedule may have changed them since. */
  get learningRates(): readonly number[] {
    return this.#learningRates;
  }

  /** Lets go of what one step hands to the next. */
  dispose(): void {
    this.#flag.dispose();
    this.carried.reset();
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

  /** Before the steps of a `fit`: forgets what was not finite in the one before. */
  begin(): void {
    this.#flag.clear();
    this.recent.begin(this.#trainer.model);
    this.#statistics.begin();
    this.#accumulation?.drop();
  }

  /**
   * @param onNaN  what a loss or a gradient that is not finite does
   * @param places  where the items of the batch come from, for messages
   * @throws {OptionError} if the batch is not what the functions of the Trainer take
   */
  train(
    op: string,
    given: unknown,
    onNaN: OnNaN,
    places?: ItemPlaces,
  ): { batch: BatchOutcome; step: StepOutcome | undefined } {
    const random = getRandomState();
    const batch = this.#read(op, given);
    const outcome = this.#carrying(this.carried, batch, (...state) => {
      if (onNaN === 'stop') this.recent.add({ number: this.#count + 1, batch, places, state, random });
      return this.#train(onNaN, batch, ...state);
    });
    const done = { ...outcome, batch: this.#unread.watch(batch), rows: rowsOf(batch) };
    if (this.#accumulation === undefined) {
      this.#stepped();
      return { batch: done, step: { loss: outcome.loss } };
    }
    return { batch: done, step: outcome.complete === true ? this.finish(onNaN) : undefined };
  }

  /** With `accumulate`: the step of the batches that are left of an epoch; undefined if there is none. */
  finish(onNaN: OnNaN): StepOutcome | undefined {
    const updated = this.#accumulation?.update(onNaN);
    if (updated !== undefined) this.#stepped();
    return updated;
  }

  #stepped(): void {
    const { optimizer, schedule, scheduleEvery } = this.#trainer;
    this.#count++;
    this.#learningRates = optimizer?.groups.map(({ learningRate }) => learningRate) ?? [];
    if (scheduleEvery === 'step') schedule?.step();
  }

  /** @throws {OptionError} if the batch is not what the functions of the Trainer take */
  measure(op: string, given: unknown, carried: CarriedState): BatchOutcome {
    const batch = this.#read(op, given);
    const watched = this.#unread.watch(batch);
    const rows = rowsOf(batch);
    const { terms, ...outcome } = this.#carrying(carried, batch, (...state) =>
      forward(this.#trainer, watched, { rows, state }),
    );
    return { ...outcome, report: reportOf(terms), batch: watched, rows };
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
    const tensor = optimizer?.groups[0]?.parameters[0] ?? firstTensor(model);
    return device ?? tensor?.device ?? defaultDevice();
  }

  /** As `synchronize`, but that a loss which the device refused to compute because of NaN is no fault. */
  async computed(): Promise<void> {
    try {
      await this.synchronize();
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
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

/**
 * Output and loss of a batch.
 *
 * @param rows  of the batch, which is not looked into here: what reads its fields is noted
 */
export function forward(
  trainer: CheckedTrainer,
  batch: object,
  { rows, state }: { rows: number | undefined; state: readonly unknown[] },
): Omit<Outcome, 'report'> & { terms: Measured[] } {
  const { form, precision } = trainer;
  const result = run(trainer, batch, state);
  const { output } = result;
  return inPrecision(precision, () => ({
    ...result,
    ...measure(() => form.loss(output, batch), { output, rows, compared: () => form.counted(batch) }),
  }));
}

/** What goes with the steps of a Trainer. */
interface StepParts {
  readonly unread: UnreadFields;
  readonly scaler: GradScaler | undefined;
  readonly flag: StopFlag;
  readonly maxNorm: number | undefined;
  readonly accumulation: Accumulation | undefined;
  readonly statistics: RunningStatistics;
}

/**
 * A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. Unless it is to be ignored,
 * a loss or a gradient that is not finite changes no parameter; where it is to stop the training, no later step does,
 * and where such steps are skipped, no running mean or variance changes either.
 */
function trainingStep(
  trainer: CheckedTrainer,
  { unread, accumulation, statistics, ...parts }: StepParts,
): (onNaN: OnNaN, batch: object, ...state: readonly unknown[]) => Outcome {
  const { optimizer, metrics } = trainer;
  const { scaler } = parts;
  if (optimizer === undefined) return () => refuseWithout('Trainer.step');
  const foreign = foreignParameters(trainer, optimizer);
  const step = (onNaN: OnNaN, batch: object, ...state: readonly unknown[]): Outcome => {
    // Where `stop` ends a training, the host gives them back.
    const before = onNaN === 'skip' && accumulation === undefined ? statistics.copies() : [];
    if (onNaN === 'skip') accumulation?.begin(statistics);
    const { output, terms, ...measured } = forward(trainer, unread.watch(batch), { rows: rowsOf(batch), state });
    const outcome = metrics.length > 0 ? { ...measured, output } : measured;
    const { loss } = measured;
    if (accumulation === undefined) {
      optimizer.zeroGrad();
      (scaler?.scale(loss) ?? loss).backward();
    }
    const complete = accumulation?.add(loss, terms) ?? false;
    checkForeign(foreign);
    foreign.length = 0; // once is enough
    if (accumulation !== undefined) return { ...outcome, report: reportOf(terms), complete };
    const told = update({ ...parts, optimizer }, { loss, terms }, onNaN);
    if (told.flag !== undefined) putBack(before, told.flag);
    return { ...outcome, report: reportOf(terms, told) };
  };
  return trainer.compile ? compile(step) : step;
}
