import { hasState } from '../io/checkpoint';
import { RateSchedule } from '../optimizers/schedules/rate-schedule';
import type { Schedule } from '../optimizers/schedules';
import { tensorsIn } from '../tensor/nested-tensors';
import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import { countOf } from './batches';
import { nameOf, type TrainerCallback } from './callback';
import type { FitRun } from './fit-run';

/** What a training is made of, as plain data: a checkpoint of it is not one of another. */
export type Identity = Readonly<Record<string, unknown>>;

/** Options that may differ when a training is taken up again. */
const free: readonly string[] = ['device', 'compile', 'epochs', 'progress', 'resume', 'checkpoints', 'figures'];

/** Settings among the options of a Trainer, or of `fit`: numbers, words and flags. */
const settingsOf = (options: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) => !free.includes(name) && ['string', 'number', 'boolean'].includes(typeof value),
    ),
  );

/** What the training is made of, as far as that can be told. */
export function identityOf(fit: FitRun): Identity {
  const { trainer, optimizer, loader, options } = fit;
  const { model, schedule, loss } = trainer;
  return plainFields({
    model: { ...modelOf(model), tensors: Object.fromEntries(formsOf(model.namedTensors())) },
    loss: typeof loss === 'object' && loss !== null ? { class: loss.constructor.name, ...optionsOf(loss) } : {},
    optimizer: { class: optimizer.constructor.name, groups: fit.begun },
    ...(schedule === undefined ? {} : { schedule: scheduleOf(schedule) }),
    metrics: trainer.metrics.map(({ name }) => name),
    trainer: settingsOf(trainer),
    fit: settingsOf(options),
    ...callbacksOf(options.callbacks),
    data: dataOf(loader),
    ...(options.validation === undefined ? {} : { validation: dataOf(options.validation) }),
  });
}

function callbacksOf(callbacks: readonly TrainerCallback[]): Record<string, unknown> {
  const known = callbacks.flatMap((callback) => {
    const identity = callback.identity?.();
    return identity === undefined ? [] : [[nameOf(callback), identity] as const];
  });
  return known.length === 0 ? {} : { callbacks: Object.fromEntries(known) };
}

const optionsOf = (part: object): Record<string, unknown> => {
  const options: unknown = Reflect.get(part, 'options');
  return isPlainObject(options) ? { options } : {};
};

/** Its configuration, where that is plain data. */
function modelOf(model: FitRun['trainer']['model']): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(model.config())) as Record<string, unknown>;
  } catch {
    return { class: model.constructor.name }; // options that refer to themselves; save() would refuse them
  }
}

function* formsOf(tensors: ReadonlyMap<string, Tensor>): Generator<[string, string]> {
  for (const [name, value] of tensors) yield [name, formOf(value)];
}

const formOf = ({ dtype, shape }: Tensor): string => `${dtype}[${shape.join(', ')}]`;

/** Steps at which the rates of two schedules are compared. */
const samples: readonly number[] = [0, 1, 2, 5, 10, 100, 1_000, 10_000];

function scheduleOf(schedule: Schedule): Record<string, unknown> {
  const name = { class: schedule.constructor.name };
  if (!(schedule instanceof RateSchedule)) return name;
  const rateAt = (steps: number): number | undefined => {
    try {
      return (schedule as RateSchedule<object>).rateAt(steps, 1, 0);
    } catch {
      return undefined; // past its end
    }
  };
  return { ...name, rates: Object.fromEntries(samples.map((steps) => [`after ${steps} steps`, rateAt(steps)])) };
}

/** What a loader says of its data; else how many batches there are, and what the first one is like. */
function dataOf(loader: object): unknown {
  const state: unknown = hasState(loader) && 'state' in loader ? loader.state() : undefined;
  if (isPlainObject(state) && isPlainObject(state['data'])) return state['data'];
  const batches = countOf(loader);
  const first = Array.isArray(loader)
    ? tensorsIn(loader[0]).map(({ dtype, shape }) => `${dtype}[${shape.join()}]`)
    : [];
  return { ...(batches === undefined ? {} : { batches }), ...(first.length === 0 ? {} : { first }) };
}

/** What JSON can keep of a value, as JSON does it; a tensor is told by its form: its numbers would have to be read. */
function plainOf(value: unknown, above: readonly unknown[] = []): unknown {
  if (value instanceof Tensor) return formOf(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return 'itself';
  const within = [...above, value];
  if (Array.isArray(value)) return value.map((part: unknown) => (isKept(part) ? plainOf(part, within) : null));
  if (value instanceof Date) return String(value);
  return plainFields(value, within);
}

const plainFields = (fields: object, above: readonly unknown[] = []): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([, part]) => isKept(part))
      .map(([name, part]) => [name, plainOf(part, above)]),
  );

const isKept = (value: unknown): boolean => !['undefined', 'function', 'symbol'].includes(typeof value);

/** So many differences are named. */
const named = 5;

/**
 * @param path  of the checkpoint
 * @throws {OptionError} if a checkpoint is of another training, which says in what they differ
 */
export function checkIdentity(op: string, path: string, saved: unknown, now: Identity): void {
  const [there, here] = [leavesOf(saved), leavesOf(now)];
  const names = [...new Set([...there.keys(), ...here.keys()])];
  const odd = telling(names.filter((name) => there.get(name) !== here.get(name)));
  if (odd.length === 0) return;
  const counts = countsOf(here, there);
  const rest = counts.length === 0 ? odd : odd.filter((name) => !followsFromCounts(name, here, there));
  const word = (value: string | undefined): string => value ?? 'nothing';
  const differences = [
    ...counts,
    ...rest.slice(0, named).map((name) => `${name}: ${word(here.get(name))}, there ${word(there.get(name))}`),
  ];
  const more = rest.length > named ? `; and ${rest.length - named} more` : '';
  throw new OptionError(op, {
    given: `resume with another training than that of ${path} (${differences.join('; ')}${more})`,
    expected: 'the data, model and options that the checkpoint was made with',
    fix:
      (here.has('validation.items') || !there.has('validation.items')
        ? ''
        : 'pass the validation, too, which stmnet train holds back from the examples; ') +
      'make them as they were; or begin anew in another folder, with the weights and the optimizer there if ' +
      'they fit: await loadCheckpoint(path, { model, optimizer }), and after it set another learningRate in ' +
      'optimizer.groups',
  });
}

/** How many examples there are, in words, if that has changed. */
function countsOf(here: ReadonlyMap<string, string>, there: ReadonlyMap<string, string>): readonly string[] {
  const [now, then] = [here, there].map((leaves) => leaves.get('data.items'));
  const [checks, checked] = [here, there].map((leaves) => leaves.get('validation.items') ?? 'none');
  return [
    ...(now === then || now === undefined || then === undefined ? [] : [`${now} examples here, ${then} there`]),
    ...(checks === checked ? [] : [`validated on ${checks} here, on ${checked} there`]),
  ];
}

/** Whether it is a part of data that are others altogether, or the rates of a schedule over as many steps. */
function followsFromCounts(name: string, ...both: readonly ReadonlyMap<string, string>[]): boolean {
  if (/^(data|validation)\.(items|lengths|content)$|^schedule\.rates\./.test(name)) return true;
  return name.startsWith('validation.') && both.some((leaves) => !leaves.has('validation.items'));
}

/** Without what follows from others: tensors from the options of a model, and rates of a schedule from one another. */
function telling(odd: readonly string[]): readonly string[] {
  const [tensors, rates] = ['model.tensors.', 'schedule.rates.'];
  const hasOptions = odd.some((name) => name.startsWith('model.') && !name.startsWith(tensors));
  const [rate] = odd.filter((name) => name.startsWith(rates));
  return odd.filter((name) => !(hasOptions && name.startsWith(tensors)) && (!name.startsWith(rates) || name === rate));
}

/** Numbers and words of a tree by their paths, as a message shows them. */
function leavesOf(tree: unknown): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
      for (const [name, part] of Object.entries(value)) walk(path === '' ? name : `${path}.${name}`, part);
    } else leaves.set(path, describe(value));
  };
  walk('', tree);
  return leaves;
}
