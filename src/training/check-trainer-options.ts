import { Loss } from '../losses/loss';
import type { Metric } from '../metrics/metric';
import type { Module } from '../module/module';
import { Parameter } from '../module/parameter';
import type { Optimizer } from '../optimizers/optimizer';
import type { Schedule } from '../optimizers/schedules';
import type { MathMode } from '../tensor/math-mode';
import { markOf, remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { describe, flag, isPlainObject, nonNegativeNumber, oneOf, positiveInteger } from '../tensor/options';
import { asGiven, choice, readOptions, withDefault, type OptionReader, type Readers } from '../tensor/read-options';
import { checkLoader, type Batches } from './batches';
import { readCheckpoints, type CheckedCheckpoints } from './checkpoint-options';
import { checkCallbacks, type TrainerCallback } from './callback';
import { EarlyStopping } from './callbacks/early-stopping';
import { foreignParameters } from './foreign-parameters';
import { customForm, shortForm, type CustomFunctions, type Form } from './form';
import type { LossFunction } from './loss-terms';
import { classNamed } from './named-parts';
import { readProgress, type ProgressMaker } from './progress';
import type { OnNaN } from './stop-flag';
import type { MetricFrom } from './trainer-options';

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
  earlystopping: "pass a callback: callbacks: [new EarlyStopping({ figure: 'validation.loss', patience: 5 })]",
  learningrate: 'pass it to the optimizer: new Adam(model.parameters(), { learningRate: 1e-3 })',
};

/** Says where the things belong that other libraries pass here. */
function adviseNames(
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
}

/** A metric, and what it compares if not output and target. */
export type CheckedMetric = MetricFrom & { readonly metric: Metric };

/** The options of a Trainer with their defaults. */
export interface CheckedTrainer {
  readonly model: Module;
  readonly optimizer: Optimizer | undefined;
  readonly loss: unknown;
  /** What becomes of a batch, by the options `forward` and `loss`. */
  readonly form: Form;
  readonly metrics: readonly CheckedMetric[];
  readonly schedule: Schedule | undefined;
  readonly scheduleEvery: 'step' | 'epoch';
  readonly clipGradNorm: number | undefined;
  readonly accumulate: number;
  readonly device: string | undefined;
  readonly compile: boolean;
  readonly precision: MathMode | undefined;
  readonly carryState: boolean;
}

type GivenTrainer = Omit<CheckedTrainer, 'form'> & { readonly forward: unknown };

const trainerReaders: Readers<GivenTrainer> = {
  model: (op, name, value) => part(op, name, value, 'forward', 'a Module') as Module,
  optimizer: optional((op, name, value) => part(op, name, value, 'step', 'an optimizer') as Optimizer),
  loss: asGiven,
  forward: asGiven,
  metrics: (op, _, value) => checkMetrics(op, value ?? []),
  schedule: optional((op, name, value) => part(op, name, value, 'step', 'a schedule') as Schedule),
  scheduleEvery: choice(['epoch', 'step']),
  clipGradNorm: optional(nonNegativeNumber),
  accumulate: withDefault(positiveInteger, 1),
  device: asGiven,
  precision: optional((op, name, value) => oneOf(op, name, value, ['fma', 'tf32', 'bf16', 'f16'])),
  compile: withDefault(flag, false),
  carryState: withDefault(flag, false),
};

/** Reads an option that may be undefined, without a default. */
function optional<T>(read: OptionReader<T>): OptionReader<T | undefined> {
  return (op, name, value) => (value === undefined ? undefined : read(op, name, value));
}

/**
 * Checks the options of a Trainer, and fills in the defaults.
 *
 * @throws {OptionError} if a part is missing or of the wrong kind, an option is unknown, or the optimizer is that of
 * another model
 */
export function checkTrainerOptions(op: string, options: object): CheckedTrainer {
  adviseNames(op, options, Object.keys(trainerReaders), TRAINER_ADVICE);
  const { forward, ...given } = readOptions<GivenTrainer>(op, options as GivenTrainer, trainerReaders);
  if (given.loss !== undefined) checkLoss(op, given.loss);
  const { schedule, optimizer } = given;
  if (given.accumulate > 1 && given.compile) {
    const fix = 'leave one of them out';
    throw new OptionError(op, { given: 'accumulate beside compile', expected: 'steps of one batch to compile', fix });
  }
  if (schedule !== undefined) checkSchedule(op, schedule, given.scheduleEvery, optimizer);
  if (optimizer !== undefined) checkOptimizer(op, given, optimizer);
  return { ...given, form: formOf(op, forward, given.loss) };
}

/** The form of the batches, told apart by whether there is a `forward`. */
function formOf(op: string, forward: unknown, loss: unknown): Form {
  if (forward === undefined) return shortForm((loss ?? noLoss) as LossFunction);
  if (typeof forward !== 'function') {
    throw new OptionError(op, {
      given: `forward: ${describe(forward)}`,
      expected: 'a function (model, batch) => output',
      fix: 'leave forward out where batches are { input, target }',
    });
  }
  if (loss instanceof Loss) {
    const { name } = loss.constructor;
    throw new OptionError(op, {
      given: `forward beside loss: new ${name}()`,
      expected: 'a loss of the batch, (output, batch) => …',
      fix: `write loss: (output, batch) => loss.forward(output, batch.target) with const loss = new ${name}()`,
    });
  }
  return customForm({ forward, loss: loss ?? noLoss } as CustomFunctions);
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
  if (typeof loss !== 'function') {
    part(op, 'loss', loss, 'forward', 'a loss such as new CrossEntropyLoss(), or a function');
    return;
  }
  const prototype: unknown = loss.prototype;
  if (typeof prototype !== 'object' || prototype === null || !('forward' in prototype)) return;
  throw new OptionError(op, {
    given: `the class ${loss.name} as loss`,
    expected: 'a loss made of it',
    fix: `write loss: new ${loss.name}()`,
  });
}

function checkSchedule(op: string, schedule: Schedule, every: 'step' | 'epoch', optimizer: unknown): void {
  if (schedule.figure !== undefined && every === 'step') {
    const fix = 'leave scheduleEvery out: the figure to watch is known after an epoch';
    throw new OptionError(op, {
      given: `${schedule.constructor.name} with scheduleEvery: 'step'`,
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

function checkMetrics(op: string, metrics: unknown): CheckedMetric[] {
  if (!Array.isArray(metrics))
    throw new OptionError(op, {
      given: `metrics: ${describe(metrics)}`,
      expected: 'an array of metrics',
      fix: 'put it into brackets: metrics: [new Accuracy()]',
    });
  const names = new Set(['loss']);
  return metrics.map((given: unknown) => {
    const checked = checkMetric(op, given);
    if (names.has(checked.name))
      throw new OptionError(op, {
        given: `two figures named ${checked.name}`,
        expected: 'a name for each',
        fix: "leave one of them out, or name it: { metric, name: 'second' }",
      });
    names.add(checked.name);
    return checked;
  });
}

/** A metric, or { metric, from, name }. */
function checkMetric(op: string, given: unknown): CheckedMetric {
  if (!isPlainObject(given)) {
    const metric = part(op, 'metrics', given, 'begin', 'metrics such as new Accuracy()') as Metric;
    return { metric, name: metric.name };
  }
  const { metric, from, name } = readOptions<object, Required<MetricUseGiven>>(`${op}: a metric`, given, {
    metric: (caller, key, value) => part(caller, key, value, 'begin', 'a metric such as new Accuracy()') as Metric,
    from: optional((caller, key, value) => {
      if (typeof value === 'function') return value as MetricFrom['from'];
      const expected = 'a function (output, batch) => [output, target]';
      const fix = 'leave it out where the metric compares output and target';
      throw new OptionError(caller, { given: `${key}: ${describe(value)}`, expected, fix });
    }),
    name: optional((caller, key, value) => {
      if (typeof value === 'string' && value !== '') return value;
      throw new OptionError(caller, { given: `${key}: ${describe(value)}`, expected: 'a name', fix: 'leave it out' });
    }),
  });
  return { metric, name: name ?? metric.name, ...(from === undefined ? {} : { from }) };
}

interface MetricUseGiven {
  readonly metric: Metric;
  readonly from: MetricFrom['from'];
  readonly name: string | undefined;
}

/** An optimizer without any parameter of the model would train nothing, or another model. */
function checkOptimizer(op: string, given: Pick<CheckedTrainer, 'model' | 'loss'>, optimizer: Optimizer): void {
  const count = optimizer.groups.reduce((sum, group) => sum + group.parameters.length, 0);
  const foreign = foreignParameters(given, optimizer);
  // Tensors of the user's own may be trained through any model; whether the loss reaches them is seen in the first
  // step.
  if (foreign.length < count || foreign.some((parameter) => !(parameter instanceof Parameter))) return;
  throw new OptionError(op, {
    given: 'an optimizer of which no parameter is in the model',
    expected: 'an optimizer over parameters of this model',
    fix: 'make the optimizer of it, after loading or changing the model: new Adam(model.parameters())',
  });
}

/** Options of `fit` with their defaults. */
export interface CheckedFit {
  readonly epochs: number;
  readonly validation: Batches<unknown> | undefined;
  readonly validateEvery: number | undefined;
  readonly callbacks: readonly TrainerCallback[];
  readonly progress: boolean | ProgressMaker;
  readonly onNaN: OnNaN;
  readonly checkpoints: CheckedCheckpoints | undefined;
  readonly resume: boolean;
}

const fitReaders: Readers<CheckedFit> = {
  epochs: positiveInteger,
  validation: optional((op, _, value) => checkLoader(op, value)),
  validateEvery: optional(positiveInteger),
  callbacks: (op, _, value) => checkCallbacks(op, value),
  progress: readProgress,
  onNaN: choice(['stop', 'skip', 'ignore']),
  checkpoints: optional((op, _, value) => readCheckpoints(op, value)),
  resume: withDefault(flag, false),
};

/** Checks the options of `fit`, and fills in the defaults. */
export function checkFitOptions(op: string, options: object): CheckedFit {
  adviseNames(op, options, Object.keys(fitReaders), FIT_ADVICE);
  const checked = readOptions<CheckedFit>(op, options as CheckedFit, fitReaders);
  if (checked.validateEvery !== undefined && checked.validation === undefined)
    throw new OptionError(op, {
      given: `validateEvery: ${checked.validateEvery} without a validation`,
      expected: 'batches to validate on',
      fix: 'pass validation: loader, or leave validateEvery out',
    });
  const restoring = checked.callbacks.find((one) => one instanceof EarlyStopping && one.restoresBest);
  if (checked.checkpoints?.restoreBest === true && restoring !== undefined)
    throw new OptionError(op, {
      given: `restoreBest of checkpoints and of ${restoring.constructor.name}`,
      expected: 'one choice of the weights at the end',
      fix: 'leave restoreBest out of one of the two',
    });
  if (!checked.resume || checked.checkpoints !== undefined) return checked;
  throw new OptionError(op, {
    given: 'resume without checkpoints',
    expected: 'a folder of checkpoints to go on from',
    fix: "pass checkpoints: { folder: 'run/checkpoints' }, from the first run on",
  });
}

/** A part of a Trainer: an object with a method. */
function part(op: string, name: string, value: unknown, method: string, expected: string): object {
  const fits = typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
  if (fits && markOf(value)?.own !== false) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected,
    fix: remedy(value, classNamed(name, value) ?? `pass ${name}, with a method ${method}()`),
  });
}

/** Refuses what would train the same model twice at a time. */
export function refuseFit(op = 'Trainer.fit'): never {
  throw new OptionError(op, {
    given: 'a call while fit is running',
    expected: 'one at a time: they train the same model',
    fix: 'await fit first',
  });
}

/** Refuses to train without an optimizer. */
export function refuseWithout(op: string): never {
  throw new OptionError(op, {
    given: 'a Trainer without an optimizer',
    expected: 'one to train with',
    fix: 'pass it to the Trainer: new Trainer({ model, loss, optimizer: new Adam(model.parameters()) })',
  });
}

/** Refuses to train or to evaluate without a loss. */
export function refuseWithoutLoss(op: string): never {
  throw new OptionError(op, {
    given: 'a Trainer without a loss',
    expected: 'one to train or to evaluate with; predict alone needs none',
    fix: 'pass it to the Trainer: new Trainer({ model, loss: new CrossEntropyLoss() })',
  });
}

const noLoss = (): never => refuseWithoutLoss('Trainer');
