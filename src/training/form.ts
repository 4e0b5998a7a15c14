import { Loss } from '../losses/loss';
import type { Module } from '../module/module';
import { OptionError } from '../tensor/errors';
import { isHostData, isScalar } from '../tensor/host-array';
import { isPlainObject, describe } from '../tensor/options';
import { isPromise } from '../tensor/package-copies';
import type { Sequence } from '../tensor/padded-sequence';
import { isSequence, toTensors, type Batch, type TensorTree } from './batch';
import type { LossFunction, LossResult } from './loss-terms';
import type { MetricComparison, MetricFrom } from './trainer-options';

/** Input and target as tensors, with a weight if there is one. */
export type ReadBatch = Batch<TensorTree, TensorTree> & { readonly weight?: Sequence };

/**
 * What a Trainer asks of a batch, whichever of its two forms it was made in: that of { input, target }, or that of
 * functions of the user's, `forward` and `loss`, which take batches of any fields.
 */
export interface Form {
  /**
   * The batch as the other functions take it.
   *
   * @throws {OptionError} if a field is missing or of the wrong kind
   */
  read(op: string, given: unknown): object;
  /** As `read`, where only an output is wanted. */
  readInput(op: string, given: unknown): object;
  /** @param state  absent unless state is carried from batch to batch */
  forward(model: Module, batch: object, ...state: readonly unknown[]): unknown;
  loss(output: unknown, batch: object): LossResult;
  /** What a metric compares that does not say from what. @throws {OptionError} if the output is no tensor */
  compared(output: unknown, batch: object): MetricComparison;
  /** What a loss is taken for a mean over that does not say by what it divided. */
  counted(batch: object): { target?: Sequence; weight?: Sequence };
  /** The only fields of a batch that are read, where functions of the user's do not decide that. */
  readonly fields?: readonly string[];
  /** Who reads fields of a batch, for a message. */
  readonly readers: string;
}

/** A loss of one's own that takes the weights of a batch. */
interface LossWithWeight {
  forward(input: Sequence, target: Sequence, weight?: Sequence): LossResult;
}

/** The functions of a Trainer that has a `forward`. */
export interface CustomFunctions {
  forward: (model: Module, batch: object, ...state: readonly unknown[]) => unknown;
  loss: ((output: unknown, batch: object) => LossResult) | { forward(output: unknown, batch: object): LossResult };
}

/** The form of batches { input, target, weight? }. */
export function shortForm(loss: LossFunction): Form {
  const weighs = takesWeight(loss);
  return {
    read: readShort,
    readInput: (op, given) => {
      if (isSequence(given)) return { input: given };
      refuseItem(op, given);
      const found = typeof given === 'object' && given !== null && 'input' in given && given.input !== undefined;
      if (!found) throw noInput(op, given);
      return { input: toTensors(op, 'input', given.input) };
    },
    forward: (model, batch, ...state) => {
      const { input } = batch as ReadBatch;
      const forward: Module['forward'] = Reflect.get(model, 'forward');
      return Reflect.apply(forward, model, [...(Array.isArray(input) ? input : [input]), ...state]);
    },
    loss: (output, batch) => {
      const { target, weight } = batch as ReadBatch;
      if (weight !== undefined && !weighs) throw noWeight();
      if (loss instanceof Loss) return loss.ofBatch(sequence(output, 'output'), sequence(target, 'target'), weight);
      const [x, t] = [output as Sequence, target as Sequence];
      if (typeof loss === 'function') return loss(x, t, weight);
      const given: LossWithWeight = loss;
      return weight === undefined ? given.forward(x, t) : given.forward(x, t, weight);
    },
    compared: (output, batch) => {
      const { target, weight } = batch as ReadBatch;
      return [sequence(output, 'output'), sequence(target, 'target'), weight];
    },
    counted: (batch) => {
      const { target, weight } = batch as ReadBatch;
      return { ...(isSequence(target) ? { target } : {}), ...(weight === undefined ? {} : { weight }) };
    },
    fields: ['input', 'target', 'weight'],
    readers: 'only input, target and weight, or a Trainer with forward and loss that read more',
  };
}

/** Whether what a loss is called by has a parameter for the weight of a batch. */
function takesWeight(loss: LossFunction): boolean {
  if (typeof loss === 'function') return loss.length > 2;
  const method: { readonly length: number } = Reflect.get(loss, loss instanceof Loss ? 'ofBatch' : 'forward');
  return method.length > 2;
}

/** The form of batches of any fields, which the user's functions read. */
export function customForm({ forward, loss }: CustomFunctions): Form {
  return {
    read: asBatch,
    readInput: asBatch,
    forward: (model, batch, ...state) => forward(model, batch, ...state),
    loss: (output, batch) => (typeof loss === 'function' ? loss(output, batch) : loss.forward(output, batch)),
    compared: (output, batch) => {
      const { target, weight } = batch as { target?: unknown; weight?: unknown };
      const compared = [sequence(output, 'output'), sequence(target, 'target')] as const;
      return weight === undefined ? compared : [...compared, sequence(weight, 'weight')];
    },
    counted: (batch) => {
      const { target } = batch as { target?: unknown };
      return isSequence(target) ? { target } : {};
    },
    readers: 'what forward, loss or the from of a metric reads',
  };
}

/** A batch of any fields, as a record of its own. */
function asBatch(op: string, given: unknown): object {
  if (isSequence(given) || Array.isArray(given)) return given;
  const isObject = typeof given === 'object' && given !== null;
  if (isObject && !hasMembers(given)) return { ...given };
  throw new OptionError(op, {
    given: `the batch ${describe(given)}`,
    expected: 'an object of fields, such as { source, previous, target }',
    fix: isObject
      ? 'give the batch as a plain object: methods and getters of a class do not come along'
      : 'pass a loader of such objects, as a DataLoader of items with these fields is',
  });
}

/** Whether the class of an object gives it methods or getters. */
function hasMembers(object: object): boolean {
  if (isPlainObject(object)) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (typeof prototype !== 'object' || prototype === null || Object.getPrototypeOf(prototype) === null) return false;
  return Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor') || hasMembers(prototype);
}

/** Input, target and weight of a batch as tensors; other fields are left to UnreadFields. */
function readShort(op: string, given: unknown): ReadBatch {
  const found = typeof given === 'object' && given !== null && 'input' in given && 'target' in given;
  refuseItem(op, given);
  if (!found) {
    throw new OptionError(op, {
      given: `the batch ${describe(given)}`,
      expected: '{ input, target } of tensors or PaddedSequences',
      fix:
        'name the fields of the items so, pass the DataLoader a collate function, or give the Trainer a forward ' +
        'and a loss that take such batches',
    });
  }
  const [input, target] = [toTensors(op, 'input', given.input), toTensors(op, 'target', given.target)];
  const weight = 'weight' in given && given.weight !== undefined ? toTensors(op, 'weight', given.weight) : undefined;
  if (weight === undefined) return { input, target };
  if (isSequence(weight)) return { input, target, weight };
  throw new OptionError(op, {
    given: `${describe(weight)} as weight`,
    expected: 'one weight an example, [N], or one a step, [N, T]',
    fix: 'weigh the parts of a loss by terms: [{ loss, weight: 0.5 }, …]',
  });
}

/** Refuses one item of a dataset, whose target is one number, in the place of a batch. */
function refuseItem(op: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || !('target' in given) || !isScalar(given.target)) return;
  const verb = op.replace(/^.*\./u, '');
  const loader = 'new DataLoader(items, { batchSize: 32 })';
  const many = verb.endsWith('validation')
    ? `validation: ${loader}`
    : `trainer.${verb}(${loader}${verb === 'fit' ? ', { epochs }' : ''})`;
  throw new OptionError(op, {
    given: `one item, { ${Object.keys(given).join(', ')} } with the target ${describe(given.target)}`,
    expected: 'a batch, { input, target } of tensors or PaddedSequences',
    fix: `let a DataLoader make batches of such items${verb === 'step' ? ', and give step one of them' : `: ${many}`}`,
  });
}

const noInput = (op: string, given: unknown): OptionError => {
  const many = 'of many inputs new DataLoader(inputs.map((input) => ({ input })), { batchSize: 32 })';
  return new OptionError(op, {
    given: describe(given),
    expected: 'a tensor, a PaddedSequence, or { input } of one',
    fix:
      isHostData(given) && !isScalar(given)
        ? `make a batch of it first: pad([sequence]) of one sequence, tensor([numbers]) of one row, or ${many}`
        : 'make a batch with pad() or tensor() first, or of many items new DataLoader(items, { batchSize: 32 })',
  });
};

const noWeight = (): OptionError =>
  new OptionError('Trainer: the loss', {
    given: 'batches with a weight, and a loss that takes none',
    expected: '(output, target, weight) => …',
    fix: 'take weight as the third parameter, without a default, or leave weight out of the batches',
  });

/** @throws {OptionError} if an output, a target or a weight is not one tensor or PaddedSequence, where it has to be */
function sequence(given: unknown, what: 'output' | 'target' | 'weight'): Sequence {
  if (isSequence(given)) return given;
  throw new OptionError(`Trainer: the ${what} of the ${what === 'output' ? 'model' : 'batch'}`, {
    given: describe(given),
    expected: 'a tensor or a PaddedSequence',
    fix: adviceOn(given, what),
  });
}

function adviceOn(given: unknown, what: 'output' | 'target' | 'weight'): string {
  if (isPlainObject(given) && what === 'output' && 'output' in given)
    return 'return output from forward, or put a recurrent layer into a Sequential, which passes its output on';
  const first =
    what === 'weight' ? 'make a tensor of it, or' : 'let the loss be a function of such outputs and targets, and';
  return `${first} say what a metric compares: { metric, from: (output, batch) => [output.tags, batch.target.tags] }`;
}

/** @throws {OptionError} if a model returns neither tensors nor arrays or records, such as a promise */
export function checkOutput(output: unknown): unknown {
  if (isSequence(output) || Array.isArray(output) || isPlainObject(output)) return output;
  throw new OptionError('Trainer: the output of the model', {
    given: describe(output),
    expected: 'a tensor or a PaddedSequence, or a record or an array of these',
    fix: output instanceof Promise ? 'let forward return it without async' : 'return one from forward',
  });
}

/**
 * What a metric compares, by its own `from` if it has one; a promise of it if that reads values first.
 *
 * @throws {OptionError} if that is something else than what metrics compare
 */
export function comparedBy(
  form: Form,
  { from }: Pick<MetricFrom, 'from'>,
  output: unknown,
  batch: object,
): MetricComparison | Promise<MetricComparison> {
  if (from === undefined) return form.compared(output, batch);
  const compared: unknown = from(output, batch);
  return isPromise(compared) ? Promise.resolve(compared).then(checkCompared) : checkCompared(compared);
}

function checkCompared(compared: unknown): MetricComparison {
  if (isCompared(compared)) return compared;
  throw new OptionError('Trainer: the from of a metric', {
    given: Array.isArray(compared) ? `[${compared.map(describe).join(', ')}]` : describe(compared),
    expected: '[output, target] or [output, target, weight] of tensors, PaddedSequences, or arrays of numbers or texts',
    fix: 'return what the metric is to compare, as in from: (output, batch) => [output.tags, batch.tags]',
  });
}

function isCompared(value: unknown): value is MetricComparison {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return false;
  const isInput = (part: unknown): boolean => isSequence(part) || (isHostData(part) && !isScalar(part));
  return value.every((part, place) => isInput(part) || (place === 2 && part === undefined));
}
