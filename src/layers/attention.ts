import { both } from '../tensor/ops/attention-scores';
import { DTypeError, ShapeError } from '../tensor/errors';
import { matmul } from '../tensor/ops/matmul';
import { softmax } from '../tensor/ops/normalization';
import { squeeze, unsqueeze } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { asGiven, readOptions } from '../tensor/read-options';
import { clearPadding, mapRealSteps } from '../tensor/map-values';
import { lengthsOf, PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/** What a call of an attention layer may add. */
export interface AttentionOptions {
  /**
   * bool, broadcasts to [N, Q, K] ([N, K] for a query [N, D]): false hides a key from a query. Keys past a length are
   * hidden anyway.
   */
  mask?: Tensor | undefined;
}

/**
 * Base of the attention layers: each query takes the mean of the values, weighted by softmax of how well their keys fit
 * it.
 *
 * Shapes: query [N, Q, D], or [N, D] for one query a row; key [N, K, D'], value [N, K, E] → [N, Q, E], or [N, E]. Any
 * of them may be a PaddedSequence: keys past a length are hidden, and a padded query gives a PaddedSequence. A query
 * that sees no key gives zeros.
 */
export abstract class Attention extends Module {
  /**
   * How well each key fits each query, [N, Q, K], of query [N, Q, D] and key [N, K, D'].
   *
   * @throws {ShapeError} if the layer was not made for their last axes
   */
  protected abstract scores(query: Tensor, key: Tensor): Tensor;

  /** What the layer itself hides, bool [Q, K]; nothing by default. */
  protected hidden(_query: Tensor, _key: Tensor): Tensor | undefined {
    return undefined;
  }

  /**
   * Attends to the values.
   *
   * @param value    default: the keys
   * @throws {ShapeError} if rows, steps or features do not fit each other; {DTypeError} if the mask is not bool
   */
  forward<X extends Sequence>(query: X, key: Sequence, value: Sequence = key, options: AttentionOptions = {}): X {
    this.#check({ query, key, value });
    if (query instanceof PaddedSequence && query.shape.length !== 3)
      throw this.#misfit(`query ${describe(query)}`, 'a padded query [N, Q, D]');
    const [batch, steps] = key.shape;
    if (value.shape.length !== 3 || value.shape[0] !== batch || value.shape[1] !== steps || !sameLengths(key, value)) {
      throw this.#misfit(
        `key ${describe(key)} and value ${describe(value)}`,
        'key [N, K, D] and value [N, K, E] with equal lengths',
      );
    }
    const lengths = lengthsOf(key) ?? lengthsOf(value);
    const keys = withLengths(key, lengths),
      values = withoutPadding(withLengths(value, lengths));
    return mapRealSteps(query, (queries) => {
      const result = matmul(this.weights(queries, keys, options), values);
      return query.shape.length === 2 ? squeeze(result, 1) : result;
    });
  }

  /**
   * How much of each value each query takes: [N, Q, K], of which each row adds up to 1, or to 0 where every key is
   * hidden and past the length of a query; [N, 1, K] for a query [N, D].
   *
   * @throws {ShapeError} if rows, steps or features do not fit each other; {DTypeError} if the mask is not bool
   */
  weights(query: Sequence, key: Sequence, options: AttentionOptions = {}): Tensor {
    const { mask: given } = readOptions(this.constructor.name, options, { mask: asGiven });
    this.#check({ query, key });
    const single = query instanceof Tensor && query.rank === 2;
    const queries = single ? unsqueeze(query, 1) : withoutPadding(query);
    const keys = withoutPadding(key);
    if (queries.rank !== 3 || keys.rank !== 3 || queries.shape[0] !== keys.shape[0]) {
      throw this.#misfit(
        `query ${describe(query)} and key ${describe(key)}`,
        'query [N, Q, D] or [N, D], and key [N, K, D]',
      );
    }
    let mask = this.hidden(queries, keys);
    if (given !== undefined) {
      if (given.dtype !== 'bool')
        throw new DTypeError(this.constructor.name, {
          given: `mask ${describe(given)}`,
          expected: 'bool, false for what is hidden',
          fix: "cast it with cast('bool')",
        });
      mask = both(mask, single && given.rank === 2 ? unsqueeze(given, 1) : given);
    }
    if (key instanceof PaddedSequence) mask = both(mask, unsqueeze(key.mask(), 1));
    const weights = softmax(this.scores(queries, keys), -1, { mask });
    return withoutPadding(withLengths(weights, lengthsOf(query)));
  }

  #check(inputs: Readonly<Record<string, Sequence>>): void {
    for (const [name, input] of Object.entries(inputs)) checkSequence(`${this.constructor.name}.forward`, input, name);
  }

  #misfit(given: string, expected: string): ShapeError {
    return new ShapeError(`${this.constructor.name}.forward`, {
      given,
      expected,
      fix: 'give all of them one batch, and each key a value',
    });
  }
}

/** The values with zeros past each length, so that nothing that stands there meets a weight of 0. */
const withoutPadding = (x: Sequence): Tensor => valuesOf(clearPadding(x));

const withLengths = (x: Sequence, lengths: readonly number[] | undefined): Sequence =>
  x instanceof PaddedSequence || lengths === undefined ? x : new PaddedSequence(x, lengths);

function sameLengths(key: Sequence, value: Sequence): boolean {
  if (!(key instanceof PaddedSequence && value instanceof PaddedSequence)) return true;
  return key.lengths.every((length, row) => length === value.lengths[row]);
}

/** @throws {ShapeError} if the last axis of `x` is not `size` */
export function checkWidth(op: string, name: string, x: Tensor, option: string, size: number): void {
  const width = x.shape.at(-1);
  if (width === size) return;
  throw new ShapeError(op, {
    given: `${name} ${describe(x)}`,
    expected: `last axis ${size} (${option})`,
    fix: `build the layer with ${option}: ${width}`,
  });
}
