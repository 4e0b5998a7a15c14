import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { isPlainObject, describe } from '../tensor/options';
import { tensorsIn } from '../tensor/nested-tensors';
import { PaddedSequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { concat } from '../tensor/sequence-ops';
import { Tensor } from '../tensor/tensor';
import { isSequence } from './batch';

/**
 * Outputs of several batches as the output of one, in their place: they are disposed of.
 *
 * @throws {OptionError} as `joined`
 */
export function joinOutputs(outputs: readonly unknown[]): unknown {
  if (outputs.length === 1) return outputs[0];
  const result = noGrad(() => scope(() => joined(outputs)));
  for (const x of tensorsIn(outputs)) x.dispose();
  return result;
}

/**
 * Outputs of several batches as the output of one: rows behind each other, field by field. Where some are
 * PaddedSequences, a tensor of full rows becomes one.
 *
 * @throws {OptionError} if they are not alike, or hold something else than tensors with rows
 */
function joined(outputs: readonly unknown[]): unknown {
  const [first] = outputs;
  if (outputs.every(isSequence)) {
    if (outputs.every((output) => output instanceof Tensor)) return concat(outputs, 0);
    return concat(outputs.map(padded), 0);
  }
  const isList = (output: unknown): output is readonly unknown[] =>
    Array.isArray(output) && Array.isArray(first) && output.length === first.length;
  if (Array.isArray(first) && outputs.every(isList))
    return first.map((_, index) => joined(outputs.map((output) => output[index])));
  if (isPlainObject(first) && outputs.every(isPlainObject))
    return Object.fromEntries(Object.keys(first).map((name) => [name, joined(outputs.map((output) => output[name]))]));
  throw new OptionError('Trainer.predict', {
    given: `outputs such as ${describe(first)}`,
    expected: 'tensors, PaddedSequences, or records of them, alike in all batches',
    fix: 'leave join out, which gives the output of each batch',
  });
}

function padded(output: Tensor | PaddedSequence): PaddedSequence {
  if (output instanceof PaddedSequence) return output;
  const [rows = 0, steps = 0] = output.shape;
  return new PaddedSequence(output, new Array<number>(rows).fill(steps));
}
