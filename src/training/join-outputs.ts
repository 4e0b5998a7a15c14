import { DataLoader } from '../data/data-loader';
import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { isPlainObject, describe } from '../tensor/options';
import { tensorsIn } from '../tensor/nested-tensors';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { concat } from '../tensor/sequence-ops';
import { Tensor } from '../tensor/tensor';
import { isSequence } from './batch';

/** Orders of the package in which rows are not those of the dataset. */
const MIXED: readonly unknown[] = ['RandomSampler', 'BucketSampler'];

/**
 * Looks whether the outputs of a loader are those of its items, in their order: where they become one, nobody could
 * tell which row is whose.
 *
 * @throws {OptionError} if a DataLoader mixes its items, or leaves some out
 */
export function checkOrder(op: string, loader: object): void {
  if (!(loader instanceof DataLoader)) return;
  const { order, shuffleBuffer, dropLast, items, batchSize } = loader.state().data;
  const mixes = MIXED.includes(order) || shuffleBuffer !== undefined;
  const drops = dropLast === true && !(Number(items) % Number(batchSize) === 0);
  if (!mixes && !drops) return;
  throw new OptionError(op, {
    given: `join with a DataLoader that ${mixes ? 'mixes its items' : 'leaves the last ones out'}`,
    expected: 'one that gives all items in their order, as rows of one output are told apart by their place alone',
    fix: 'predict with a loader of its own, without shuffle, dropLast or buckets: new DataLoader(items, { batchSize })',
  });
}

/**
 * Outputs of several batches as the output of one, in their place: they are disposed of.
 *
 * @param outputs  at least one
 * @throws {OptionError} as `joined`
 */
export function joinOutputs(outputs: readonly unknown[]): unknown {
  if (outputs.length === 1) return outputs[0];
  try {
    return noGrad(() => scope(() => joined(outputs)));
  } finally {
    for (const x of tensorsIn(outputs)) x.dispose();
  }
}

/**
 * Outputs of several batches as the output of one: rows behind each other, field by field. Where some are
 * PaddedSequences, or tensors of other numbers of steps, they become one PaddedSequence.
 *
 * @throws {OptionError} if they are not alike, or hold something else than tensors with rows
 */
function joined(outputs: readonly unknown[]): unknown {
  const [first] = outputs;
  if (outputs.every(isSequence)) {
    const rank = Math.min(...outputs.map(({ shape }) => shape.length));
    const alike = outputs.every(({ shape }) => rank < 2 || shape[1] === outputs[0]?.shape[1]);
    if (rank > 0 && alike && outputs.every((output) => output instanceof Tensor)) return concat(outputs, 0);
    if (rank > 1) return concat(outputs.map(padded), 0);
    throw unlike(first);
  }
  const isList = (output: unknown): output is readonly unknown[] =>
    Array.isArray(output) && Array.isArray(first) && output.length === first.length;
  if (Array.isArray(first) && outputs.every(isList))
    return first.map((_, index) => joined(outputs.map((output) => output[index])));
  if (!isPlainObject(first) || !outputs.every(isPlainObject)) throw unlike(first);
  const names = Object.keys(first);
  if (outputs.some((output) => Object.keys(output).length !== names.length)) throw unlike(first);
  return Object.fromEntries(names.map((name) => [name, joined(outputs.map((output) => output[name]))]));
}

const unlike = (first: unknown): OptionError =>
  new OptionError('Trainer.predict', {
    given: `outputs such as ${describe(first)}`,
    expected: 'tensors with rows, PaddedSequences, or records of them, alike in all batches',
    fix: 'leave join out, which gives the output of each batch',
  });

/** A PaddedSequence, of a tensor one of full rows. */
function padded(output: Sequence): PaddedSequence {
  if (output instanceof PaddedSequence) return output;
  const [rows = 0, steps = 0] = output.shape;
  return new PaddedSequence(output, new Array<number>(rows).fill(steps));
}
