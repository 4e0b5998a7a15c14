import type { Metric } from '../metrics/metric';
import type { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Batches } from './batches';
import type { EpochRecord, Figures } from './epoch-record';
import type { History } from './history';

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
  /** The epochs so far. */
  readonly history: History;
  /** Ends the training after the running epoch; after the running step if the loader has no length. */
  stop(): void;
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

/** Called while a model is trained; each may be asynchronous. */
export interface TrainerCallback {
  /** After each training step, which may not have been computed yet. */
  onStep?(run: TrainingRun): void | Promise<void>;
  /** After each epoch and its validation. */
  onEpochEnd?(record: EpochRecord, run: TrainingRun): void | Promise<void>;
}

const NAMES: readonly (keyof TrainerCallback)[] = ['onStep', 'onEpochEnd'];

/**
 * Checks the callbacks of a training. Beside its methods an object may have whatever it needs, but no `on…` that is
 * never called.
 *
 * @throws {OptionError} if they are no array, or one has no method that is called, or one that looks as if it were
 */
export function checkCallbacks(op: string, callbacks: unknown): readonly TrainerCallback[] {
  if (callbacks === undefined) return [];
  if (!Array.isArray(callbacks))
    throw new OptionError(op, {
      given: `callbacks: ${describe(callbacks)}`,
      expected: 'an array of callbacks',
      fix: 'put it into brackets: callbacks: [callback]',
    });
  return callbacks.map((callback: unknown) => checkCallback(op, callback));
}

function checkCallback(op: string, callback: unknown): TrainerCallback {
  const expected = `an object with ${NAMES.join(' or ')}`;
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
  const meant = nearMiss(odd, NAMES);
  throw new OptionError(op, {
    given: odd === '' ? 'a callback without methods' : `${odd} in a callback`,
    expected,
    fix:
      meant === undefined
        ? `name what is to be called ${NAMES.join(' or ')}`
        : `write ${meant}, if that is what you mean by ${odd}`,
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
