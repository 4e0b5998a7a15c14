import type { Metric } from '../metrics/metric';
import type { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import { OptionError } from '../tensor/errors';
import type { MathMode } from '../tensor/math-mode';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { Batches } from './batches';
import type { EpochRecord, Figures, ValidationRecord } from './epoch-record';
import type { History } from './history';

/** Options of `stop`. */
export interface StopOptions {
  /** What is still brought to its end. Default `epoch`. */
  after?: 'epoch' | 'step';
  /** Why, for the progress and the history: 'validation.loss has not become better for 5 epochs'. */
  reason?: string;
}

/** What a callback sees of a training, and may ask of it: a Trainer without what begins a training or a step. */
export interface TrainingRun {
  /** The model in training. */
  readonly model: Module;
  /** Its optimizer. */
  readonly optimizer: Optimizer;
  /** What is measured beside the loss. */
  readonly metrics: readonly Metric[];
  /** Training steps of the Trainer so far. */
  readonly steps: number;
  /** How many batches make a training step. */
  readonly accumulate?: number;
  /** What the model's products are computed in; undefined if the Trainer does not say. */
  readonly precision?: MathMode | undefined;
  /** The epochs so far. */
  readonly history: History;
  /**
   * The figures that each epoch will have: `train.loss`, `train.NAME` of each metric, and the same of `validation` if
   * there is one.
   */
  readonly figures: readonly string[];
  /** Ends the training after the running epoch; after the running step if so asked, or if the loader has no length. */
  stop(options?: StopOptions): void;
  /**
   * Shows a line beside the progress, unless `fit` was told to show none. Absent where nothing shows any.
   *
   * @param line  without an end of line
   */
  note?(line: string): void;
  /** Loss and metrics over batches. The figures of a running epoch do not change by it. */
  evaluate(loader: Batches<object>): Promise<Figures>;
  /**
   * What the model says, in evaluation mode and under `noGrad`.
   *
   * @param data  batches, or one batch or its input
   */
  predict(data: Batches<object>): Promise<Sequence[]>;
  /** As above, where `data` is one batch or its input. */
  predict(data: object): Promise<Sequence>;
}

/** What a callback sees of one training step. */
export interface TrainingStep {
  /** Its epoch, 1 for the first. */
  readonly epoch: number;
  /** Its batch in the epoch, 1 for the first. */
  readonly batch: number;
  /** Its number in the training of the Trainer, as `run.steps`. */
  readonly step: number;
  /**
   * The loss before the update, of one element, which may not have been computed yet. Nothing waits for it but who
   * reads it: `await step.loss.item()`. It is disposed of once the callbacks of the step have returned, promises
   * included; `step.loss.clone()` outlives that.
   */
  readonly loss: Tensor;
}

/** What a callback needs to go on as if there had been no interruption. */
export interface CallbackState {
  /** Plain data: numbers, NaN and infinity among them, strings, booleans, null, and arrays and objects of these. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Tensors by names of the callback's own, such as the best weights so far; read before the next step. */
  readonly tensors?: Readonly<Record<string, Tensor>>;
}

/**
 * Called while a model is trained, by `fit`. Each method may be asynchronous, and the training waits for it; an error
 * in one ends the training. One object may serve several trainings, one after another: `onStart` begins anew.
 */
export interface TrainerCallback {
  /** Before the first step, when options and loader have been checked: the place to refuse what cannot work. */
  onStart?(run: TrainingRun): void | Promise<void>;
  /** After each training step, which may not have been computed yet. */
  onStep?(run: TrainingRun, step: TrainingStep): void | Promise<void>;
  /**
   * Before the model is measured or kept: before a validation, the callbacks that hear of it or of an epoch, a
   * checkpoint, and at the end of the training. The place to give it other weights than those in training. Where a
   * training is taken up again, the model is the one that was kept so.
   */
  onMeasure?(run: TrainingRun): void | Promise<void>;
  /** Before the first step, and after each `onMeasure` that is not the last: the place to give the weights back. */
  onTrain?(run: TrainingRun): void | Promise<void>;
  /** After a validation within an epoch. The one at its end comes with the record of the epoch. */
  onValidation?(record: ValidationRecord, run: TrainingRun): void | Promise<void>;
  /** After each epoch and its validation. */
  onEpochEnd?(record: EpochRecord, run: TrainingRun): void | Promise<void>;
  /** After the last epoch, also where `stop` has made it the last. */
  onEnd?(run: TrainingRun): void | Promise<void>;
  /** In place of `onEnd` where an error ends the training, which `fit` throws afterwards. */
  onError?(error: unknown, run: TrainingRun): void | Promise<void>;
  /** What a checkpoint keeps of it, of now. With checkpoints it is asked for once before the first step, too. */
  state?(): CallbackState;
  /**
   * Gets back what `state` gave: after `onStart`, before the first step of a training that is taken up again. Tensors
   * are disposed of afterwards: `clone` what is to stay.
   */
  loadState?(state: CallbackState): void | Promise<void>;
  /**
   * What of it makes a training another one, as plain data: one with a checkpoint of another identity, or of none, is
   * not taken up again. Default: a checkpoint may do without it.
   */
  identity?(): Readonly<Record<string, unknown>>;
}

/** By which a checkpoint knows it again. */
export const nameOf = (callback: TrainerCallback): string => callback.constructor.name;

const NAMES = [
  'onStart',
  'onStep',
  'onMeasure',
  'onTrain',
  'onValidation',
  'onEpochEnd',
  'onEnd',
  'onError',
] as const satisfies readonly (keyof TrainerCallback)[];
const NAMED = `${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1) ?? ''}`;

/**
 * Tells the callbacks of an error that ends the training, each of them, whatever the others do.
 *
 * @param error  what `fit` will throw
 */
export async function tellError(
  callbacks: readonly TrainerCallback[],
  error: unknown,
  run: TrainingRun,
): Promise<void> {
  for (const callback of callbacks) {
    try {
      await callback.onError?.(error, run);
    } catch (second) {
      // The first error is the one to be thrown; this one must not be lost either.
      process.emitWarning(`Trainer.fit: an onError threw while another error ended the training: ${String(second)}`, {
        type: 'StmnetWarning',
        code: 'STM_CALLBACK',
      });
    }
  }
}

/**
 * Checks the callbacks of a training. Beside its methods an object may have whatever it needs, but no `on…` that is
 * never called.
 *
 * @throws {OptionError} if they are no array, or one has no method that is called, or one that looks as if it were; if
 * two of one class have an identity, which a checkpoint could not tell apart
 */
export function checkCallbacks(op: string, callbacks: unknown): readonly TrainerCallback[] {
  if (callbacks === undefined) return [];
  if (!Array.isArray(callbacks))
    throw new OptionError(op, {
      given: `callbacks: ${describe(callbacks)}`,
      expected: 'an array of callbacks',
      fix: 'put it into brackets: callbacks: [callback]',
    });
  const checked = callbacks.map((callback: unknown) => checkCallback(op, callback));
  const names = checked.filter((callback) => callback.identity !== undefined).map(nameOf);
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice === undefined) return checked;
  throw new OptionError(op, {
    given: `two callbacks of the class ${twice}`,
    expected: 'one of it, as it changes what the training is',
    fix: 'leave one out',
  });
}

function checkCallback(op: string, callback: unknown): TrainerCallback {
  const expected = `an object with ${NAMED}`;
  if (typeof callback !== 'object' || callback === null) {
    throw new OptionError(op, {
      given: `${describe(callback)} among the callbacks`,
      expected,
      fix: 'pass such as { onEpochEnd(record) { … } }',
    });
  }
  const methods = methodsOf(callback);
  const known = methods.filter((name) => NAMES.some((expectedName) => expectedName === name));
  const odd =
    methods.find((name) => /^on[A-Z_]/.test(name) && !known.includes(name)) ??
    (known.length === 0 ? (methods[0] ?? Object.keys(callback)[0] ?? '') : undefined);
  if (odd === undefined) return callback;
  if (odd === 'step' && 'optimizer' in callback)
    throw new OptionError(op, {
      given: `the schedule ${callback.constructor.name} among the callbacks`,
      expected,
      fix: 'pass it to the Trainer: new Trainer({ model, loss, optimizer, schedule })',
    });
  const meant = nearMiss(odd, NAMES);
  throw new OptionError(op, {
    given: odd === '' ? 'a callback without methods' : `${odd} in a callback`,
    expected,
    fix:
      meant === undefined ? `name what is to be called ${NAMED}` : `write ${meant}, if that is what you mean by ${odd}`,
  });
}

/** Names of the methods of an object, those of its classes included. */
function methodsOf(object: object): string[] {
  const names = new Set<string>();
  for (
    let level: unknown = object;
    typeof level === 'object' && level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const name of Object.getOwnPropertyNames(level))
      if (name !== 'constructor' && typeof Reflect.get(object, name) === 'function') names.add(name);
  }
  return [...names];
}
