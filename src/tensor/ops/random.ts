import { binding } from '../../native/load';
import { defaultDevice } from '../device';
import { OptionError, ShapeError } from '../errors';
import { create, type TensorOptions } from '../factories';
import { noGrad } from '../grad-mode';
import { within } from '../op-name';
import { describe, flag, nonNegativeInteger, positiveInteger } from '../options';
import { asGiven, readOptions, withDefault, type OptionReader } from '../read-options';
import { checkTensor, idOf, wrap, type Tensor } from '../tensor';
import { add, cast, div, gt, log, lt, maximum, minimum, mul, neg, sub } from './elementwise';
import { gather, oneHot, sort, topK } from './indexing';
import { softmax } from './normalization';
import { argmax, cumsum, max, sum } from './reduce';
import { concat, slice, transpose } from './shape';

/**
 * A tensor of `shape` with uniform random numbers in [0, 1), f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export const rand = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  create('rand', options, (dtype, device) => binding.rand(shape, dtype, device));

/**
 * A tensor of `shape` with random numbers of the normal distribution with mean 0 and deviation 1, f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export const randn = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  create('randn', options, (dtype, device) => binding.randn(shape, dtype, device));

/** Options of `randint`. */
export interface RandintOptions {
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

/**
 * A tensor of `shape` with whole random numbers from `low` up to, but without, `high`; i32.
 *
 * @param low   at least -2^31
 * @param high  above `low`, at most 2^31
 * @throws {OptionError} if the bounds are not whole numbers in that order
 */
export function randint(low: number, high: number, shape: readonly number[], options: RandintOptions = {}): Tensor {
  const { device } = readOptions('randint', options, { device: withDefault(asGiven<string>, defaultDevice()) });
  if (!Number.isInteger(low) || !Number.isInteger(high)) {
    throw new OptionError('randint', {
      given: `low ${describe(low)} and high ${describe(high)}`,
      expected: 'whole numbers',
      fix: 'round them, or take rand() for fractions',
    });
  }
  return wrap(binding.randint(low, high, shape, device));
}

/**
 * The numbers 0..count-1 in random order, on the host, by the generator that `manualSeed` starts: an order to walk
 * over items in, as RandomSampler does.
 *
 *     const shuffled = permutation(items.length).map((index) => items[index]);
 *
 * @param count  a whole number in 0..2^26
 * @throws {OptionError} if it is anything else
 */
export const permutation = (count: number): number[] =>
  binding.permutation(nonNegativeInteger('permutation', 'count', count));

/**
 * Sets each element to zero with probability `p` and divides the others by 1 - p, whether or not a model is training:
 * see the layer `Dropout` for that. The gradient is dropped and scaled alike. Shape of `x` is kept.
 *
 * @param p  in [0, 1)
 * @throws {OptionError} if it is anything else; {DTypeError} if `x` is neither f32 nor f64
 */
export const dropout = (x: Tensor, p: number): Tensor => wrap(binding.dropout(idOf(x, 'dropout'), p));

/**
 * Draws 1 with the probability that stands in each element, else 0, in the dtype of `p`. No gradient goes through.
 *
 * @param p  f32 or f64, elements in [0, 1]; another one rejects the next read
 * @throws {DTypeError} if `p` is neither f32 nor f64
 */
export const bernoulli = (p: Tensor): Tensor => wrap(binding.bernoulli(idOf(p, 'bernoulli', 'p')));

/** Options of `multinomial`. */
export interface MultinomialOptions {
  /** Whether a place may be drawn more than once. Default false. */
  replacement?: boolean;
}

/**
 * Draws places along the last axis, each with a probability in proportion to what stands there. No gradient goes
 * through.
 *
 * Without replacement the places are those of the `numSamples` highest of log p + Gumbel noise, in that order (Gumbel
 * top-k; Kool et al., 2019): the first is drawn from all, the next from what is left, and so on. With replacement each
 * is where a uniform number falls among the sums of the probabilities.
 *
 * Shapes: probabilities […, V], which need not add up to 1 → i32 […, numSamples].
 *
 * @param probabilities  f32 or f64; a row with an element below 0, NaN or Infinity, without one above 0, or without
 *                       replacement with fewer of these than `numSamples`, rejects the next read
 * @throws {OptionError} if `numSamples` is not a whole number of 1 or more, or more than V without replacement;
 * {ShapeError} if there is nothing to draw from; {DTypeError} if `probabilities` is neither f32 nor f64
 * @see torch.multinomial
 */
export function multinomial(probabilities: Tensor, numSamples: number, options: MultinomialOptions = {}): Tensor {
  const op = 'multinomial';
  const { replacement } = readOptions(op, options, { replacement: withDefault(flag, false) });
  checkTensor(probabilities, op, 'probabilities');
  const count = positiveInteger(op, 'numSamples', numSamples);
  const extent = probabilities.shape.at(-1) ?? 0;
  if (extent === 0)
    throw new ShapeError(op, {
      given: `probabilities ${describe(probabilities)}`,
      expected: '[…, V], of one place at least',
      fix: 'give each row the probabilities of what to draw from',
    });
  if (!replacement && count > extent)
    throw new OptionError(op, {
      given: `numSamples: ${count} of ${describe(probabilities)}`,
      expected: `at most ${extent}, the places that are there`,
      fix: 'draw fewer, or pass replacement: true',
    });
  return within(op, () =>
    noGrad(() => {
      const above = sum(cast(gt(probabilities, 0), 'i32'), -1);
      const weights = wrap(binding.checkedWeights(idOf(probabilities, op), idOf(above, op), replacement ? 1 : count));
      if (replacement) return placesOf(weights, count);
      // Not divided by their sum, which may be infinite, and small ones then 0: the noise is added to logs anyway.
      return topK(add(log(weights), gumbelLike(weights)), count).indices;
    }),
  );
}

/** Where `count` uniform numbers fall among the sums of each row, i32 […, count]. */
function placesOf(weights: Tensor, count: number): Tensor {
  const rows = weights.shape.slice(0, -1);
  const extent = weights.shape.at(-1) ?? 0;
  const toLast = rows.map(() => null);
  const wide = cast(weights, 'f64');
  const sums = cumsum(div(wide, max(wide, -1, { keepDim: true })), -1);
  const drawn = mul(rand([...rows, count], { dtype: 'f64', device: weights.device }), slice(sums, [...toLast, -1]));
  // Sorted together: how many sums stand before a number is its place; of equal ones the sums come first.
  const { indices } = sort(concat([sums, drawn], -1));
  const places = cumsum(cast(lt(indices, extent), 'i32'), -1);
  const inOrder = slice(sort(indices).indices, [...toLast, extent]);
  return minimum(gather(places, -1, inOrder), extent - 1);
}

/** Numbers of the Gumbel distribution, -log(-log u), in the form of `x`; none is infinite. */
function gumbelLike(x: Tensor): Tensor {
  const { dtype, device } = x;
  const least = dtype === 'f32' ? 2 ** -25 : 2 ** -54; // half of the least above 0 that rand gives
  return neg(log(neg(log(maximum(rand(x.shape, { dtype, device }), least)))));
}

/** Options of `gumbelSoftmax`. */
export interface GumbelSoftmaxOptions {
  /** What is divided by before softmax, above 0: the smaller, the closer to one place. Default 1. */
  temperature?: number;
  /** Whether the result is 1 at the highest place and 0 elsewhere, with the gradient of the soft one. Default false. */
  hard?: boolean;
  /** Axis, or counted from the end. Default -1. */
  dim?: number;
}

/**
 * A draw from softmax(x) along an axis that gradients go through (Jang et al., 2017; Maddison et al., 2017):
 *
 *   softmax((x + g) / temperature), g from the Gumbel distribution
 *
 * Its highest place is drawn with the probabilities of softmax(x). With `hard` that place alone is 1, and the gradient
 * is that of the above (straight through).
 *
 * Shapes: `x` of any shape → the same.
 *
 * @throws {OptionError} if `temperature` is not above 0, or there is no such axis; {DTypeError} if `x` is neither f32
 * nor f64
 * @see torch.nn.functional.gumbel_softmax
 */
export function gumbelSoftmax(x: Tensor, options: GumbelSoftmaxOptions = {}): Tensor {
  const op = 'gumbelSoftmax';
  const { temperature, hard, dim } = readOptions(op, options, {
    temperature: withDefault(aboveZero, 1),
    hard: withDefault(flag, false),
    dim: withDefault(asGiven<number>, -1),
  });
  checkTensor(x, op);
  return within(op, () => {
    const soft = softmax(div(add(x, gumbelLike(x)), temperature), dim);
    if (!hard) return soft;
    const ones = transpose(oneHot(argmax(transpose(soft, dim, -1), -1), soft.shape.at(dim) ?? 0), dim, -1);
    // Where soft - soft is 0, all that is left of soft is its gradient.
    return add(sub(soft, soft.detach()), cast(ones, soft.dtype));
  });
}

const aboveZero: OptionReader<number> = (op, name, value) => {
  if (typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `a finite number above 0 for ${name}`,
    fix: 'pass such as 0.5; for the highest place alone pass hard: true',
  });
};

/**
 * `x` plus normal random numbers of mean 0. Shape of `x` is kept; the gradient passes through.
 *
 * @param std  their deviation, at least 0
 * @throws {OptionError} if it is anything else; {DTypeError} if `x` is neither f32 nor f64
 */
export const gaussianNoise = (x: Tensor, std: number): Tensor =>
  wrap(binding.gaussianNoise(idOf(x, 'gaussianNoise'), std));

/** Bounds of `uniform_`. */
export interface UniformOptions {
  /** The least number. Default 0. */
  low?: number;
  /** All numbers are below it. Default 1. */
  high?: number;
}

/**
 * Overwrites the elements of `x` with uniform random numbers in [low, high). In place.
 *
 * @returns `x`
 * @throws {OptionError} if the bounds are not finite or in the wrong order; {DTypeError} if `x` is neither f32 nor f64
 */
export function uniform_(x: Tensor, options: UniformOptions = {}): Tensor {
  const { low, high } = readOptions('uniform_', options, {
    low: withDefault(asGiven<number>, 0),
    high: withDefault(asGiven<number>, 1),
  });
  binding.uniform_(idOf(x, 'uniform_'), low, high);
  return x;
}

/** Mean and deviation for `normal_`. */
export interface NormalOptions {
  /** The middle. Default 0. */
  mean?: number;
  /** Deviation, at least 0. Default 1. */
  std?: number;
}

/**
 * Overwrites the elements of `x` with normal random numbers. In place.
 *
 * @returns `x`
 * @throws {OptionError} if mean or std is not finite, or std is below 0; {DTypeError} if `x` is neither f32 nor f64
 */
export function normal_(x: Tensor, options: NormalOptions = {}): Tensor {
  const { mean, std } = readOptions('normal_', options, {
    mean: withDefault(asGiven<number>, 0),
    std: withDefault(asGiven<number>, 1),
  });
  binding.normal_(idOf(x, 'normal_'), mean, std);
  return x;
}
