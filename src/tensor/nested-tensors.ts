import { isPlainObject } from './options';
import { PaddedSequence } from './padded-sequence';
import { Tensor } from './tensor';

/**
 * The same value with `fn(tensor)` in the place of each tensor, also of those in PaddedSequences, arrays and plain
 * objects; nothing else is looked into.
 *
 * @param fn  gives the same numbers in another tensor: what is known of the padding of a PaddedSequence is known of
 *            the new one too
 */
export function mapTensors(value: unknown, fn: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return fn(value);
  if (value instanceof PaddedSequence) return value.withValues(fn(value.values));
  if (Array.isArray(value)) return value.map((part) => mapTensors(part, fn));
  if (isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapTensors(part, fn)]));
  return value;
}

/** The tensors in a value, in the order and the places in which `mapTensors` meets them. */
export function tensorsIn(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (x) => {
    found.push(x);
    return x;
  });
  return found;
}
