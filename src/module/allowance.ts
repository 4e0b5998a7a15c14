import { OptionError } from '../tensor/errors';

/** How much a model that is being rebuilt may still ask for. */
export interface Allowance {
  /** Parameters and buffers. */
  tensors: number;
  /** Numbers in all of them. */
  elements: number;
}

/** A configuration that asks for more than the file beside it can fill. */
export class AllowanceError extends OptionError {
  /** @param asked  the parameters that are too large, or too many */
  constructor(readonly asked: string) {
    super('load', {
      given: `a configuration that asks for ${asked}`,
      expected: 'no more than the file holds',
      fix: 'save the model again: save(model, path)',
    });
  }
}

let current: Allowance | undefined; // per environment: each worker loads a copy of this module

/**
 * Runs `build` so that the layers it makes take no more than what is allowed: a small file that describes a huge model
 * costs nothing.
 *
 * @param allowance  undefined lifts the limit, for code that is not the file's
 */
export function withAllowance<R>(allowance: Allowance | undefined, build: () => R): R {
  const outer = current;
  current = allowance;
  try {
    return build();
  } finally {
    current = outer;
  }
}

/**
 * To be called by a layer before it makes anything whose size its options tell.
 *
 * @param shape    of each of the parameters or buffers
 * @param tensors  how many there are
 * @throws {AllowanceError} if that is more than is left
 */
export function claim(shape: readonly number[], tensors = 1): void {
  if (current === undefined) return;
  const elements = shape.reduce((product, extent) => product * extent, tensors);
  if (tensors > current.tensors || elements > current.elements) {
    throw new AllowanceError(tensors === 1 ? `a weight of shape [${shape.join(', ')}]` : `${tensors} weights`);
  }
  current.tensors -= tensors;
  current.elements -= elements;
}
