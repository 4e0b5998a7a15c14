import { remedy } from '../tensor/package-copies';
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
  throw new OptionError(op, {
    given: value === undefined ? `no ${what}` : `${what} ${describe(value)}`,
    expected: 'a Tensor or a PaddedSequence',
    fix: sequenceFor(value),
  });
}

function sequenceFor(value: unknown): string {
  if (value === undefined) return 'pass the tensor that the layer shall compute with, as in layer.forward(x)';
  if (typeof value === 'object' && value !== null && 'output' in value)
    return 'pass the output of the layer before: result.output';
  return remedy(value, 'make a tensor of numbers by tensor(x), a batch of sequences by pad(sequences)');
}

/** What to do about an input whose sequences have neither a step nor an axis of features; undefined for others. */
export function fixWithoutFeatures({ shape }: Sequence): string | undefined {
  if (shape.length !== 2 || shape[1] !== 0) return undefined;
  return 'give a sequence without a step its axis of features, { data: new Float32Array(0), shape: [0, D] }, not []';
}
