import { Module } from '../module/module';
import { Parameter } from '../module/parameter';
import { Loss } from '../losses/loss';
import type { Optimizer } from '../optimizers/optimizer';
import { ReduceLROnPlateau, type Schedule } from '../optimizers/schedules';
import type { MathMode } from '../tensor/math-mode';
import { markOf, remedy } from '../tensor/copies';
import { OptionError } from '../tensor/errors';
import { checkOptions, describe, flag, nonNegativeNumber, oneOf, positiveInteger } from '../tensor/options';
import type { Tensor } from '../tensor/tensor';
import { checkLoader, type Batches } from './batches';
import { checkCallbacks, type TrainerCallback } from './callback';
import type { LossFunction } from './loss-terms';
import type { Metric } from '../metrics/metric';

/** What a Trainer is made of. */
export interface TrainerOptions {
  /** Takes the input of a batch to predictions. */
  model: Module;
  /** Of predictions and target. */
  loss: LossFunction;
  /** Over parameters of the model, all or some. Others, such as those of the loss, may be among them. */
  optimizer: Optimizer;
  /** What to measure beside the loss. Default none. */
  metrics?: readonly Metric[];
  /** Changes the learning rate. */
  schedule?: Schedule;
  /**
   * When the schedule moves on: after each training step, or after each epoch (ReduceLROnPlateau then gets the
   * validation loss, or the training loss without validation). Default 'epoch'.
   */
  scheduleEvery?: 'step' | 'epoch';
  /** Largest joint norm of the gradients. Default: no limit. */
  clipGradNorm?: number;
  /** Where to train: the model is moved there, and each batch. Default: where they are. */
  device?: string;
  /**
   * Whether the training step goes through `compile`: faster where its ops are small, and batches come in few kinds of
   * shapes and lengths. Default false.
   */
  compile?: boolean;
  /**
   * What the model's products are computed in, see `autocast`; with 'f16' the loss is scaled by a GradScaler. Default:
   * the math mode of the moment.
   */
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
  /**
   * What a loss or a gradient of NaN or infinity does. Such a step changes no parameter. `throw` ends the training with
   * a TrainingError that names the step; `skip` goes on, leaves such batches out of the loss, and counts them in the
   * record of the epoch. With `precision: 'f16'` a step may overflow now and then: there `throw` minds only an epoch
   * without any finite loss, and gradients are the GradScaler's affair. Default `throw`.
   */
  nonFiniteLoss?: 'throw' | 'skip';
}

/** Where the things belong that other libraries pass to a Trainer or to fit, as far as that depends on the two. */
const TRAINER_ADVICE: Readonly<Record<string, string>> = {
  epochs: 'pass it to fit: trainer.fit(loader, { epochs: 10 })',
  validation: 'pass it to fit: trainer.fit(loader, { epochs, validation: loader })',
  callbacks: 'pass them to fit: trainer.fit(loader, { epochs, callbacks: [{ onEpochEnd(record, trainer) { … } }] })',
  progress: 'pass it to fit: trainer.fit(loader, { epochs, progress: false })',
  fp16: "write precision: 'f16'",
  amp: "write precision: 'f16'",
  learningrate: 'pass it to the optimizer: new Adam(model.parameters(), { learningRate: 1e-3 })',
  weightdecay: 'pass it to the optimizer: new AdamW(model.parameters(), { weightDecay: 1e-2 })',
};
const FIT_ADVICE: Readonly<Record<string, string>> = {
  callback: 'write callbacks: [callback]',
  metrics: 'pass them to the Trainer: new Trainer({ model, loss, optimizer, metrics: [new Accuracy()] })',
  loss: 'pass it to the Trainer: new Trainer({ model, loss, optimizer })',
  optimizer: 'pass it to the Trainer: new Trainer({ model, loss, optimizer })',
  initialepoch: 'call fit for the epochs that are left',
  stepsperepoch: 'give fit a loader of so many batches',
  earlystopping: 'let a callback stop it: { onEpochEnd(record, trainer) { if (…) trainer.stop(); } }',
  learningrate: 'pass it to the optimizer: new Adam(model.parameters(), { learningRate: 1e-3 })',
};

/** Refuses unknown options, and says where the things belong that other libraries pass here. */
function checkNames(
  op: string,
  options: object,
  known: readonly string[],
  advice: Readonly<Record<string, string>>,
): void {
  for (const key of typeof options === 'object' && options !== null ? Object.keys(options) : []) {
    const fix = known.includes(key)
      ? undefined
      : new Map(Object.entries(advice)).get(key.toLowerCase().replaceAll('_', ''));
    if (fix !== undefined)
      throw new OptionError(op, { given: `an option ${key}`, expected: `only ${known.join(', ')}`, fix });
  }
  checkOptions(op, options, known);
}

/**
 * Checks the options of a Trainer.
 *
 * @throws {OptionError} if a part is missing or of the wrong kind, an option is unknown, or the optimizer is that of
 * another model
 */
export function checkTrainerOptions(op: string, options: TrainerOptions): void {
  checkNames(
    op,
    options,
    [
      'model',
      'loss',
      'optimizer',
      'metrics',
      'schedule',
      'scheduleEvery',
      'clipGradNorm',
      'device',
      'compile',
      'precision',
    ],
    TRAINER_ADVICE,
  );
  checkPart(op, 'model', options.model, 'forward', 'a Module');
  checkPart(op, 'optimizer', options.optimizer, 'step', 'an optimizer');
  checkLoss(op, options.loss);
  const scheduleEvery = oneOf(op, 'scheduleEvery', options.scheduleEvery ?? 'epoch', ['epoch', 'step']);
  if (options.schedule !== undefined) checkSchedule(op, options.schedule, scheduleEvery, options.optimizer);
  if (options.clipGradNorm !== undefined) nonNegativeNumber(op, 'clipGradNorm', options.clipGradNorm);
  checkMetrics(op, options.metrics ?? []);
  if (options.precision !== undefined) oneOf(op, 'precision', options.precision, ['fma', 'tf32', 'bf16', 'f16']);
  flag(op, 'compile', options.compile ?? false);
  checkOptimizer(op, options);
}

function checkLoss(op: string, loss: unknown): void {
  const settings: unknown = loss instanceof Loss ? Reflect.get(loss, 'options') : undefined;
  if (typeof settings === 'object' && settings !== null && 'reduction' in settings && settings.reduction === 'none') {
    throw new OptionError(op, {
      given: "a loss with reduction: 'none'",
      expected: "reduction: 'mean' or 'sum'",
      fix: 'leave reduction out, or let a function take the mean that is meant',
    });
  }
  if (typeof loss !== 'function')
    return checkPart(op, 'loss', loss, 'forward', 'a loss such as new CrossEntropyLoss(), or a function');
  const prototype: unknown = loss.prototype;
  if (typeof prototype !== 'object' || prototype === null || !('forward' in prototype)) return;
  throw new OptionError(op, {
    given: `the class ${loss.name} as loss`,
    expected: 'a loss made of it',
    fix: `write loss: new ${loss.name}()`,
  });
}

function checkSchedule(op: string, schedule: Schedule, every: 'step' | 'epoch', optimizer: Optimizer): void {
  checkPart(op, 'schedule', schedule, 'step', 'a schedule');
  if (schedule instanceof ReduceLROnPlateau && every === 'step') {
    const fix = 'leave scheduleEvery out: the loss to watch is known after an epoch';
    throw new OptionError(op, {
      given: "ReduceLROnPlateau with scheduleEvery: 'step'",
      expected: "scheduleEvery: 'epoch'",
      fix,
    });
  }
  const scheduled: unknown = schedule.optimizer;
  if (scheduled !== undefined && scheduled !== optimizer) {
    throw new OptionError(op, {
      given: 'the schedule of another optimizer',
      expected: 'one of the optimizer of this Trainer',
      fix: 'make the schedule of the same optimizer',
    });
  }
}

function checkMetrics(op: string, metrics: readonly Metric[]): void {
  if (!Array.isArray(metrics))
    throw new OptionError(op, {
      given: `metrics: ${describe(metrics)}`,
      expected: 'an array of metrics',
      fix: 'put it into brackets: metrics: [new Accuracy()]',
    });
  const names = new Set(['loss']);
  for (const metric of metrics) {
    checkPart(op, 'metrics', metric, 'update', 'metrics such as new Accuracy()');
    if (names.has(metric.name))
      throw new OptionError(op, {
        given: `two figures named ${metric.name}`,
        expected: 'a name for each',
        fix: 'leave one of them out',
      });
    names.add(metric.name);
  }
}

/** Parameters that the optimizer changes and that are neither in the model nor in the loss. */
export function foreignParameters({ model, loss, optimizer }: TrainerOptions): Tensor[] {
  const own = new Set<Tensor>([...model.parameters(), ...(loss instanceof Module ? loss.parameters() : [])]);
  return optimizer.groups.flatMap((group) => group.parameters).filter((parameter) => !own.has(parameter));
}

/**
 * Parameters from elsewhere that the loss reaches are the user's affair; others are left over from a model that was
 * changed.
 *
 * @throws {OptionError} if one has no gradient after a backward pass
 */
export function checkForeign(foreign: readonly Tensor[]): void {
  const stray = foreign.filter((parameter) => parameter.grad === undefined);
  if (stray.length === 0) return;
  const [one, many] = [
    'parameter in the optimizer that is not in the model and has',
    'parameters in the optimizer that are not in the model and have',
  ];
  throw new OptionError('Trainer', {
    given: `${stray.length} ${stray.length === 1 ? one : many} no gradient`,
    expected: 'those of the model',
    fix: 'make the optimizer after the last change of the model: new Adam(model.parameters())',
  });
}

/** An optimizer without any parameter of the model would train nothing, or another model. */
function checkOptimizer(op: string, options: TrainerOptions): void {
  const count = options.optimizer.groups.reduce((sum, group) => sum + group.parameters.length, 0);
  const foreign = foreignParameters(options);
  // Tensors of the user's own may be trained through any model; whether the loss reaches them is seen in the first
  // step.
  if (foreign.length < count || foreign.some((parameter) => !(parameter instanceof Parameter))) return;
  throw new OptionError(op, {
    given: 'an optimizer of which no parameter is in the model',
    expected: 'an optimizer over parameters of this model',
    fix: 'make the optimizer of it, after loading or changing the model: new Adam(model.parameters())',
  });
}

/** Checks the options of `fit`, and fills in the defaults. */
export function checkFitOptions(op: string, options: FitOptions): CheckedFit {
  checkNames(op, options, ['epochs', 'validation', 'callbacks', 'progress', 'nonFiniteLoss'], FIT_ADVICE);
  const { validation } = options;
  if (validation !== undefined) checkLoader(op, validation);
  return {
    epochs: positiveInteger(op, 'epochs', options.epochs),
    validation,
    callbacks: checkCallbacks(op, options.callbacks),
    progress: flag(op, 'progress', options.progress ?? true),
    nonFiniteLoss: oneOf(op, 'nonFiniteLoss', options.nonFiniteLoss ?? 'throw', ['throw', 'skip']),
  };
}

/** Options of `fit` with their defaults. */
export interface CheckedFit extends Required<Omit<FitOptions, 'validation'>> {
  readonly validation: Batches | undefined;
}

function checkPart(op: string, name: string, value: unknown, method: string, expected: string): void {
  const fits = typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
  if (fits && markOf(value)?.own !== false) return;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected,
    fix: remedy(value, `pass ${name}, with a method ${method}()`),
  });
}

/** Refuses what would share the metrics with something that is counting. */
export function refuseWhile(busy: 'fit' | 'evaluate' | undefined, name: 'fit' | 'evaluate'): void {
  if (busy === undefined) return;
  const during = 'evaluate in onEpochEnd or by the option validation, or make a second Trainer of the same model';
  const fix = busy === 'fit' && name === 'evaluate' ? during : `await ${busy} first`;
  throw new OptionError(`Trainer.${name}`, {
    given: `a call while ${busy} is running`,
    expected: 'one at a time: they share the metrics',
    fix,
  });
}
