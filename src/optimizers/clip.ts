import { binding } from '../native/load';
import { remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { describe, nonNegativeNumber } from '../tensor/options';
import { readOptions } from '../tensor/read-options';
import { Tensor, wrap } from '../tensor/tensor';
import { ids } from './optimizer';

/** Options of `clipGradNorm`. */
export interface ClipGradNormOptions {
  /** What the joint norm of all gradients may be, at least 0. */
  maxNorm: number;
  /** Which norm: 2 by default, 1, another positive number, or Infinity for the largest element. */
  normType?: number;
}

/**
 * Scales all gradients by one factor, so that their joint norm is at most `maxNorm`; smaller ones stay as they are. In
 * place, without waiting. With a NaN among the gradients all become NaN; an infinite one becomes NaN and the others 0,
 * as in PyTorch: look at the norm returned.
 *
 * @param parameters  those without a gradient are left out
 * @returns the norm before, []; 0 if there is no gradient
 * @throws {OptionError} if there is no parameter or something that is none, or an option is unknown or out of range
 * @see torch.nn.utils.clip_grad_norm_
 */
export function clipGradNorm(parameters: Iterable<Tensor>, options: ClipGradNormOptions): Tensor {
  const { maxNorm, normType } = readOptions('clipGradNorm', options, {
    maxNorm: nonNegativeNumber,
    normType: orderOfNorm,
  });
  const members = membersOf('clipGradNorm', parameters);
  return wrap(binding.clipGradNorm(ids(members), maxNorm, normType));
}

function orderOfNorm(op: string, name: string, value: unknown = 2): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a number above 0, or Infinity',
    fix: `leave ${name} out for the usual norm`,
  });
}

/** Options of `clipGradValue`. */
export interface ClipGradValueOptions {
  /** Elements end up in -clipValue..clipValue. At least 0. */
  clipValue: number;
}

/**
 * Limits every element of the gradients. In place, without waiting; NaN stays NaN.
 *
 * @param parameters  those without a gradient are left out
 * @throws {OptionError} if something is no parameter, or an option is unknown or out of range
 * @see torch.nn.utils.clip_grad_value_
 */
export function clipGradValue(parameters: Iterable<Tensor>, options: ClipGradValueOptions): void {
  const { clipValue } = readOptions('clipGradValue', options, { clipValue: nonNegativeNumber });
  const members = membersOf('clipGradValue', parameters);
  binding.clipGradValue(ids(members), clipValue);
}

/** The parameters, each once. */
function membersOf(op: string, parameters: unknown): Tensor[] {
  if (typeof parameters !== 'object' || parameters === null || !isIterable(parameters)) {
    const fix =
      parameters instanceof Tensor
        ? 'put it into a list, [parameter], or pass model.parameters()'
        : remedy(parameters, 'pass model.parameters()');
    throw new OptionError(op, { given: describe(parameters), expected: 'a list of parameters', fix });
  }
  return [...new Set(parameters)].map((item) => {
    if (item instanceof Tensor) return item;
    throw new OptionError(op, {
      given: `${describe(item)} among the parameters`,
      expected: 'only parameters',
      fix: remedy(item, 'pass model.parameters(), not namedParameters()'),
    });
  });
}

const isIterable = (value: object): value is Iterable<unknown> => Symbol.iterator in value;
