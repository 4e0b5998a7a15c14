import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';

/**
 * Refuses what no layer can compute with, before it is asked for its shape.
 *
 * @param op    the callee, as in `Linear.forward`
 * @param what  the argument's name, for the message
 * @throws {OptionError} if `value` is neither a Tensor nor a PaddedSequence
 */
export function checkSequence(op: string, value: unknown, what = 'input'): asserts value is Sequence {
  if (value instanceof Tensor || value instanceof PaddedSequence) return;
  throw new OptionError(op, { given: value === undefined ? `no ${what}` : `${what} ${describe(value)}`, expected: 'a Tensor or a PaddedSequence', fix: remedy(value) });
}

function remedy(value: unknown): string {
  if (value === undefined) return 'pass the tensor that the layer shall compute with, as in layer.forward(x)';
  if (isPromise(value)) return 'await the promise first';
  if (typeof value === 'object' && value !== null && 'output' in value) return 'pass the output of the layer before: result.output';
  return 'make a tensor of numbers by tensor(x), a batch of sequences by pad(sequences)';
}

/** Whether a value can be awaited: what an `await` too few leaves behind. */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}
