import { remedy } from '../tensor/package-copies';
import { OptionError, ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { lengthsOf, PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { Module } from './module';

/**
 * Refuses what a container cannot hold.
 *
 * @param name  of the argument, for the message
 * @throws {OptionError} if `value` is not a Module of this copy of the package
 */
export function checkModule(
  op: string,
  name: string,
  value: unknown,
  otherwise = 'wrap a function in a Module',
): asserts value is Module {
  if (value instanceof Module) return;
  throw new OptionError(op, {
    given: `${describe(value)} as ${name}`,
    expected: 'a Module',
    fix: remedy(value, otherwise),
  });
}

/**
 * Runs a module inside a container. Of a result with states, as recurrent layers have, the `output` goes on.
 *
 * @param op  the container's name, for the message
 * @throws {ShapeError} if the module returns neither a tensor nor a PaddedSequence
 */
export function applyLayer(op: string, layer: Module, input: Sequence): Sequence {
  return sequenceOf(op, layer, layer.forward(...([input] as never[])));
}

/**
 * What goes on of a module's result: itself, or its `output`.
 *
 * @throws {ShapeError} if that is neither a tensor nor a PaddedSequence
 */
export function sequenceOf(op: string, layer: Module, result: unknown): Sequence {
  const output: unknown = typeof result === 'object' && result !== null && 'output' in result ? result.output : result;
  if (output instanceof Tensor || output instanceof PaddedSequence) return output;
  throw new ShapeError(op, {
    given: `${describe(result)} from ${layer.constructor.name}`,
    expected: 'a Tensor, a PaddedSequence, or an object with one as output',
    fix: 'write a Module whose forward picks what goes on',
  });
}

/**
 * The values of an output that is to be combined with `like` element by element: with zeros past the lengths of
 * `like`, if it has any.
 *
 * @param op  the container's name, for the message
 * @throws {ShapeError} if the output has other lengths
 */
export function valuesLike(op: string, output: Sequence, like: Sequence): Tensor {
  const lengths = lengthsOf(like) ?? lengthsOf(output);
  if (lengths === undefined) return output instanceof PaddedSequence ? output.values : output;
  const padded = output instanceof PaddedSequence ? output : new PaddedSequence(output, lengths);
  if (padded.lengths.some((length, row) => length !== lengths[row])) {
    throw new ShapeError(op, {
      given: `lengths ${describe(padded.lengths)} beside ${describe(lengths)}`,
      expected: 'equal lengths',
      fix: "combine what has as many steps, as a Conv1d with padding 'same' gives",
    });
  }
  return padded.zeroPadding().values;
}
