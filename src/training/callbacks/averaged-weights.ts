import type { Module } from '../../module/module';
import { Parameter } from '../../module/parameter';
import { assign } from '../../module/state-dict';
import { binding } from '../../native/load';
import { ids } from '../../optimizers/optimizer';
import { OptionError } from '../../tensor/errors';
import { tensor } from '../../tensor/factories';
import { noGrad } from '../../tensor/grad-mode';
import { clone } from '../../tensor/ops/elementwise';
import { describe, flag, isPlainObject, positiveInteger, probability } from '../../tensor/options';
import { asGiven, optional, readOptions, withDefault } from '../../tensor/read-options';
import { refuseInStep } from '../../tensor/replay-notes';
import { outsideScopes, scope } from '../../tensor/scope';
import { idOf, type Tensor } from '../../tensor/tensor';
import type { CallbackState, TrainerCallback, TrainingRun, TrainingStep } from '../callback';
import type { EpochRecord, ValidationRecord } from '../epoch-record';
import { checkFigure, figureOf, type WithFigures } from '../figure';
import { NonMonotone } from './non-monotone';

/** Options of AveragedWeights. */
export interface AveragedWeightsOptions {
  /**
   * For an exponential average: what part of it each update keeps, in [0, 1), as in 0.999, which looks back over about
   * 1 / (1 - decay) updates. Default: none, an equal average of all updates.
   */
  decay?: number;
  /** The first training step whose weights count, by `trainer.steps`. Default 1. */
  start?: number;
  /** After how many training steps: those whose number is a multiple of it count. Default 1. */
  every?: number;
  /**
   * n of NT-ASGD (Merity et al., 2017): steps count from the first validation on whose loss is above the smallest of
   * those that lie more than n validations back. Needs a validation; 5 is usual. Default: none, all steps count.
   */
  nonMonotoneInterval?: number;
  /**
   * Whether buffers of f32 and f64 are averaged, too: running means and variances. Default false: buffers are those of
   * the training.
   */
  averageBuffers?: boolean;
  /**
   * Whether the weights of the last step stay where the training has ended: `swap(model)` then exchanges them with the
   * averages, and `dispose()` lets go of them. Default false.
   */
  keepLast?: boolean;
}

type Open = 'decay' | 'nonMonotoneInterval';
type Settings = Required<Omit<AveragedWeightsOptions, Open>> & Record<Open, number | undefined>;

/** The average of a tensor; while they are swapped, what the tensor is in training. */
interface Average {
  values: Tensor;
  /** Updates so far. */
  count: number;
}

/** What `state` keeps as plain data. */
interface Stored {
  swapped: boolean;
  counts: object;
  nonMonotone: unknown;
}

const op = 'AveragedWeights';
/** What the trigger looks at. */
const LOSS = 'validation.loss';

/**
 * Averages the weights of the steps of a training, which often generalise better than those of the last one:
 * exponentially (EMA), or equally over its last part (SWA, Izmailov et al., 2018; averaged SGD, Polyak and Juditsky,
 * 1992).
 *
 *   average ← average + (1 - decay) · (weights - average)        with decay, else
 *   average ← average + (weights - average) / n                   at update n; the first one takes the weights
 *
 *     callbacks: [new AveragedWeights({ decay: 0.999 })]
 *     callbacks: [new AveragedWeights({ start: 20 * loader.length, every: loader.length })] // epochs 20 and later
 *     callbacks: [new AveragedWeights({ nonMonotoneInterval: 5 })] // NT-ASGD, with the optimizer SGD
 *
 * Training goes on from its own weights, and everybody else sees the averages: validations, the callbacks that hear of
 * them and of epochs, so that `EarlyStopping({ restoreBest: true })` keeps what was measured, the model in every
 * checkpoint, and the model after `fit`, if its best weights are not brought back. Up to the first update, in `onStep`,
 * and where an error ends `fit`, the model has the weights of the training. A training that is taken up again goes on
 * bit for bit.
 *
 * Averaged is what requires a gradient, a shared parameter once, on its device, in one call for all of them; what is
 * unfrozen later counts from then on. A step that is left out counts with the weights as they are. Of a BatchNorm1d the
 * running means and variances are those of the training: average them, too (`averageBuffers`), or measure them after
 * `fit` by `trainer.updateBatchNorm(loader)`.
 *
 * In a loop of one's own, `update(model)` follows the optimizer's step, and `swap(model)` exchanges weights and
 * averages; `saveCheckpoint` takes it as a part.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn or get_swa_multi_avg_fn
 */
export class AveragedWeights implements TrainerCallback {
  readonly #options: Settings;
  readonly #averages = new Map<string, Average>();
  /** What says when averaging begins. */
  readonly #trigger: NonMonotone | undefined;
  #swapped = false;
  /** What there is to average of the model of the last call: to look for it takes time. */
  #found: { readonly model: Module; readonly tensors: ReadonlyMap<string, Tensor> } | undefined;

  constructor(options: AveragedWeightsOptions = {}) {
    this.#options = readOptions<object, Settings>(op, options, {
      decay: optional(probability),
      start: withDefault(positiveInteger, 1),
      every: withDefault(positiveInteger, 1),
      averageBuffers: withDefault(flag, false),
      nonMonotoneInterval: optional(positiveInteger),
      keepLast: withDefault(flag, false),
    });
    const { nonMonotoneInterval } = this.#options;
    this.#trigger = nonMonotoneInterval === undefined ? undefined : new NonMonotone(nonMonotoneInterval);
  }

  /** Updates so far. */
  get updates(): number {
    return Math.max(0, ...Array.from(this.#averages.values(), ({ count }) => count));
  }

  /** Whether the model has the averages, and this the weights of the training. */
  get swapped(): boolean {
    return this.#swapped;
  }

  /**
   * Lets the weights of now count. Queued, not awaited.
   *
   * @throws {OptionError} if the model has the averages, or is another one than before; inside a step of `compile`
   */
  update(model: Module): void {
    refuseInStep(`${op}.update()`, 'call it after the step');
    if (this.#swapped)
      throw new OptionError(`${op}.update`, {
        given: 'a model that has the averages',
        expected: 'one with the weights of the training',
        fix: 'call swap(model) once more before training goes on',
      });
    const { decay } = this.#options;
    const moves = new Map<string, { averages: Tensor[]; weight: number }>();
    for (const [name, weights] of this.#tensorsOf(model)) {
      const average = this.#averages.get(name);
      if (average === undefined) {
        if (weights.requiresGrad || !(weights instanceof Parameter))
          this.#averages.set(name, { values: copyOf(weights), count: 1 });
        continue;
      }
      const { values } = average;
      follow(values, weights);
      values.grad = weights;
      average.count++;
      const weight = decay === undefined ? 1 / average.count : 1 - decay;
      const key = `${weights.device} ${weight}`;
      if (!moves.has(key)) moves.set(key, { averages: [], weight });
      moves.get(key)?.averages.push(values);
    }
    for (const { averages, weight } of moves.values()) move(averages, weight);
  }

  /**
   * Exchanges the weights of the model and their averages. Queued, not awaited.
   *
   * @throws {OptionError} if there is no average yet, or it is another model; inside a step of `compile`
   */
  swap(model: Module): void {
    refuseInStep(`${op}.swap()`, 'call it between steps');
    const tensors = this.#tensorsOf(model);
    if (this.#averages.size === 0)
      throw new OptionError(`${op}.swap`, {
        given: 'a model of which nothing has been averaged',
        expected: 'at least one update',
        fix: 'call update(model) after a training step before',
      });
    for (const [name, { values }] of this.#averages) {
      const weights = tensors.get(name);
      if (weights === undefined) continue;
      follow(values, weights);
      scope(() => {
        const before = noGrad(() => clone(weights));
        assign(weights, values);
        assign(values, before);
      });
    }
    this.#swapped = !this.#swapped;
  }

  /** Forgets everything; the model stays as it is. */
  dispose(): void {
    for (const { values } of this.#averages.values()) values.dispose();
    this.#averages.clear();
    this.#trigger?.reset();
    [this.#swapped, this.#found] = [false, undefined];
  }

  /** Begins anew. @throws {OptionError} if `nonMonotoneInterval` is given, and the training has no validation */
  onStart({ figures }: TrainingRun): void {
    if (this.#trigger !== undefined) checkFigure(op, 'figure of nonMonotoneInterval', LOSS, figures);
    this.dispose();
  }

  onStep({ model }: TrainingRun, { step }: TrainingStep): void {
    const { start, every } = this.#options;
    if (step >= start && step % every === 0 && this.#trigger?.counts(step) !== false) this.update(model);
  }

  onValidation(record: ValidationRecord, run: TrainingRun): void {
    this.#look(record, run);
  }

  onEpochEnd(record: EpochRecord, run: TrainingRun): void {
    this.#look(record, run);
  }

  #look(record: WithFigures & { epoch: number; step: number }, run: TrainingRun): void {
    if (this.#trigger?.look(figureOf(record, LOSS), record.step) !== true) return;
    run.note?.(`weights are averaged from here on: ${LOSS} no longer becomes better (epoch ${record.epoch})`);
  }

  onMeasure({ model }: TrainingRun): void {
    if (!this.#swapped && this.#averages.size > 0) this.swap(model);
  }

  onTrain({ model }: TrainingRun): void {
    if (this.#swapped) this.swap(model);
  }

  /** Warns if nothing was averaged, or tells so where no validation has asked for it. */
  onEnd(run: TrainingRun): void {
    if (this.#averages.size === 0) {
      if (this.#trigger === undefined) warnOfNone(this.#options, run.steps);
      else run.note?.(`no weights were averaged: ${this.#trigger.whyNone(LOSS)}`);
    }
    if (!this.#options.keepLast) this.dispose();
  }

  onError(_error: unknown, run: TrainingRun): void {
    this.onTrain(run);
    this.dispose();
  }

  state(): CallbackState {
    const entries = [...this.#averages];
    return {
      data: {
        swapped: this.#swapped,
        counts: Object.fromEntries(entries.map(([name, { count }]) => [name, count])),
        ...(this.#trigger && { nonMonotone: this.#trigger.state() }),
      },
      tensors: Object.fromEntries(entries.map(([name, { values }]) => [name, values])),
    };
  }

  /**
   * Goes on from there. Where the model was saved with the averages, it is to be loaded with them, and `swapped` says
   * so.
   *
   * @throws {OptionError} if it is the state of something else
   */
  loadState({ data, tensors = {} }: CallbackState): void {
    const caller = `${op}.loadState`;
    const { swapped, counts, nonMonotone } = readOptions<object, Stored>(caller, data, {
      swapped: flag,
      counts: (_, name, value) => countsOf(caller, name, value, Object.keys(tensors)),
      nonMonotone: asGiven,
    });
    const copies = Object.entries(tensors).map(([name, values]) => [name, copyOf(values)] as const);
    this.dispose();
    for (const [name, values] of copies) this.#averages.set(name, { values, count: Number(Reflect.get(counts, name)) });
    this.#swapped = swapped;
    this.#trigger?.loadState(caller, nonMonotone);
  }

  /** The options by which weights are averaged. */
  identity(): Readonly<Record<string, unknown>> {
    const { decay, nonMonotoneInterval, start, every, averageBuffers } = this.#options;
    const open = Object.entries({ decay, nonMonotoneInterval }).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(open), start, every, averageBuffers };
  }

  /** @throws {OptionError} if something that was averaged is not in the model */
  #tensorsOf(model: Module): ReadonlyMap<string, Tensor> {
    if (this.#found?.model === model) return this.#found.tensors;
    const buffers = [...(this.#options.averageBuffers ? model.namedBuffers() : [])];
    const floating = buffers.filter(([, { dtype }]) => dtype === 'f32' || dtype === 'f64');
    const tensors = new Map<string, Tensor>([...model.namedParameters(), ...floating]);
    for (const [name, { values }] of this.#averages) {
      const there = tensors.get(name);
      if (there === undefined || String(there.shape) !== String(values.shape) || there.dtype !== values.dtype)
        throw new OptionError(op, {
          given: `a model with ${there === undefined ? 'no' : describe(there)} ${name}`,
          expected: `the one whose ${name} was averaged, ${describe(values)}`,
          fix: 'pass the same model each time, or make an AveragedWeights for each',
        });
    }
    this.#found = { model, tensors };
    return tensors;
  }
}

/** A copy that outlives all scopes, without history. */
const copyOf = (values: Tensor): Tensor => outsideScopes(() => noGrad(() => clone(values)));

/** Brings an average to the device of its weights. */
function follow(values: Tensor, { device }: Tensor): void {
  if (values.device !== device) binding.moveTensors(ids([values]), device);
}

/**
 * Moves averages towards the weights, which stand as their gradients, in one native call: the step of SGD,
 *
 *   p ← p - rate · (g + decay · p)        is, with rate = -weight and decay = -1,        p ← p + weight · (g - p)
 */
function move(averages: readonly Tensor[], weight: number): void {
  scope(() => {
    const rate = tensor([-weight], { dtype: 'f64', device: averages[0]?.device ?? 'cpu' });
    binding.sgdStep(ids(averages), [], [], idOf(rate, op, 'rate'), -1, 0, 0, false);
  });
}

function warnOfNone({ start, every }: Settings, steps: number): void {
  process.emitWarning(
    `${op}: got a training of ${steps} steps, none of which counts, and so the weights are those of the last one.\n` +
      `  Fix: let start, ${start}, and every, ${every}, be fewer steps.`,
    { type: 'StmnetWarning', code: 'STM_NO_AVERAGE' },
  );
}

/** @throws {OptionError} unless there is a count of updates for each name, and no other */
function countsOf(caller: string, name: string, value: unknown, names: readonly string[]): object {
  const isCounts = isPlainObject(value) && Object.keys(value).length === names.length;
  if (isCounts && names.every((key) => Number.isSafeInteger(value[key]) && Number(value[key]) > 0)) return value;
  throw new OptionError(caller, {
    given: `${name}: ${describe(value)}`,
    expected: `a number of updates for each of ${names.length} tensors`,
    fix: 'pass what state() gave',
  });
}
