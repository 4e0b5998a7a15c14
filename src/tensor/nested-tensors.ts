import { PaddedSequence } from './padded-sequence';
import { Tensor } from './tensor';

/** Whether `value` is an object literal, or one without prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The same value with `fn(tensor)` in the place of each tensor, also of those in PaddedSequences, arrays and plain objects; nothing else is looked into. */
export function mapTensors(value: unknown, fn: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return fn(value);
  if (value instanceof PaddedSequence) return new PaddedSequence(fn(value.values), value.lengths);
  if (Array.isArray(value)) return value.map((part) => mapTensors(part, fn));
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapTensors(part, fn)]));
  return value;
}
