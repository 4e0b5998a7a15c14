import { isPromise, remedy } from '../tensor/package-copies';
import { Module } from '../module/module';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { PaddedSequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { checksumKeys } from './checksum';

/**
 * Refuses anything but tensors by name.
 *
 * @throws {OptionError} if `tensors` is not an object, or holds something that is no tensor
 */
export function checkTensors(op: string, tensors: unknown): void {
  if (
    typeof tensors !== 'object' ||
    tensors === null ||
    Array.isArray(tensors) ||
    tensors instanceof Tensor ||
    tensors instanceof Module ||
    tensors instanceof Map ||
    isPromise(tensors)
  ) {
    throw new OptionError(op, {
      given: `${tensors instanceof Module ? `a module, ${tensors.constructor.name}` : describe(tensors)} as tensors`,
      expected: 'an object of tensors by name',
      fix: howToPassTensors(op, tensors),
    });
  }
  for (const [name, value] of Object.entries(tensors)) {
    if (value instanceof Tensor) continue;
    const fix =
      value instanceof PaddedSequence
        ? 'pass its values, and its lengths as a tensor of their own'
        : remedy(value, 'make a tensor of it by tensor(x), or leave it out');
    throw new OptionError(op, {
      given: `${describe(value)} as tensor ${JSON.stringify(name)}`,
      expected: 'a Tensor',
      fix,
    });
  }
}

/** How to make tensors by name of what was passed in their place. */
function howToPassTensors(op: string, given: unknown): string {
  if (given instanceof Module) return 'pass its state, model.stateDict(), or call save(model, path)';
  if (isPromise(given)) return 'await the promise first';
  if (given instanceof Map) return 'make an object of it: Object.fromEntries(map)';
  return remedy(given, `call ${op}(path, { name: tensor })`);
}

/**
 * Refuses notes that a header cannot hold.
 *
 * @throws {OptionError} if `metadata` is not an object of strings, or takes a name of the checksum
 */
export function checkMetadata(op: string, metadata: unknown): void {
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  const odd = isObject ? Object.entries(metadata).find(([, value]) => typeof value !== 'string') : undefined;
  const taken = isObject ? Object.keys(metadata).find((key) => checksumKeys.includes(key)) : undefined;
  if (taken !== undefined) {
    throw new OptionError(op, {
      given: `metadata.${taken}`,
      expected: 'any other name: the checksum of the file has this one',
      fix: 'leave it out',
    });
  }
  if (isObject && odd === undefined) return;
  const given = odd === undefined ? `metadata: ${describe(metadata)}` : `metadata.${odd[0]}: ${describe(odd[1])}`;
  throw new OptionError(op, {
    given,
    expected: 'an object of strings',
    fix: 'make strings of the values, by String or JSON.stringify',
  });
}
