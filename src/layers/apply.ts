import { remedy } from '../tensor/copies';
import { OptionError, ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { Module } from './module';

/**
 * Refuses what a container cannot hold.
 *
 * @param name  of the argument, for the message
 * @throws {OptionError} if `value` is not a Module of this copy of the package
 */
export function checkModule(op: string, name: string, value: unknown, otherwise = 'wrap a function in a Module'): asserts value is Module {
  if (value instanceof Module) return;
  throw new OptionError(op, { given: `${describe(value)} as ${name}`, expected: 'a Module', fix: remedy(value, otherwise) });
}

/**
 * Runs a module inside a container. Of a result with states, as recurrent layers have, the `output` goes on.
 *
 * @param op  the container's name, for the message
 * @throws {ShapeError} if the module returns neither a tensor nor a PaddedSequence
 */
export function applyLayer(op: string, layer: Module, input: Sequence): Sequence {
  const forward: Module['forward'] = Reflect.get(layer, 'forward');
  const result: unknown = Reflect.apply(forward, layer, [input]);
  const output: unknown = typeof result === 'object' && result !== null && 'output' in result ? result.output : result;
  if (output instanceof Tensor || output instanceof PaddedSequence) return output;
  throw new ShapeError(op, {
    given: `${describe(result)} from ${layer.constructor.name}`, expected: 'a Tensor, a PaddedSequence, or an object with one as output', fix: 'write a Module whose forward picks what goes on',
  });
}
