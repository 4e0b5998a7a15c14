import { noGrad } from '../tensor/grad-mode';
import { isPlainObject } from '../tensor/options';
import { PaddedSequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';

/**
 * The tensors in a field of a batch, at any depth; what lies past a length is 0.
 *
 * @param takes  which tensors count; those of PaddedSequences do
 */
export function realTensors(value: unknown, takes: (x: Tensor) => boolean = () => true): Tensor[] {
  if (value instanceof Tensor) return takes(value) ? [value] : [];
  if (value instanceof PaddedSequence) return [noGrad(() => value.zeroPadding().values)];
  const parts: unknown = isPlainObject(value) ? Object.values(value) : value;
  return Array.isArray(parts) ? parts.flatMap((part) => realTensors(part, takes)) : [];
}
