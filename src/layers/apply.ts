import { ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import type { Module } from './module';

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
