import { both } from '../tensor/ops/attention-scores';
import { DTypeError, OptionError, ShapeError } from '../tensor/errors';
import { matmul } from '../tensor/ops/matmul';
import { softmax } from '../tensor/ops/normalization';
import { squeeze, unsqueeze } from '../tensor/ops/shape';
import { describe, isPlainObject } from '../tensor/options';
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
 * Keys and values that `prepare` has made ready for many queries, as a decoder asks them step by step. A plain object
 * of tensors, each with the rows on its first axis, so that it may be part of a state.
 */
export interface PreparedKeys {
  /** What the layer compares a query with, [N, K, C]. */
  readonly prepared: Tensor;
  /** The values, [N, K, E], with zeros past each length. */
  readonly values: Tensor;
  /** Which keys are real, bool [N, 1, K]; absent where all are. */
  readonly real?: Tensor;
}

/**
 * Base of the attention layers: each query takes the mean of the values, weighted by softmax of how well their keys fit
 * it.
 *
 * Shapes: query [N, Q, D], or [N, D] for one query a row; key [N, K, D'], value [N, K, E] → [N, Q, E], or [N, E]. Any
 * of them may be a PaddedSequence: keys past a length are hidden, and a padded query gives a PaddedSequence. A query
 * that sees no key gives zeros.
 *
 * Where query after query asks the same keys, `prepare` does once what does not depend on the query:
 *
 *     const memory = attention.prepare(encoded);
 *     for (…) context = attention.forward(state.h, memory);
 */
export abstract class Attention extends Module {
  /**
   * How well each key fits each query, [N, Q, K], of query [N, Q, D] and key [N, K, D'].
   *
   * @throws {ShapeError} if the layer was not made for their last axes
   */
  protected abstract scores(query: Tensor, key: Tensor): Tensor;

  /**
   * What of `scores` depends on the keys alone, [N, K, C] of key [N, K, D']. Default: nothing, the keys themselves.
   *
   * @throws {ShapeError} if the layer was not made for their last axis
   */
  protected prepareKeys(key: Tensor): Tensor {
    return key;
  }

  /**
   * The scores of queries [N, Q, D] for what `prepareKeys` gave, [N, Q, K].
   *
   * @throws {ShapeError} if the layer was not made for the queries' last axis
   */
  protected preparedScores(query: Tensor, prepared: Tensor): Tensor {
    return this.scores(query, prepared);
  }

  /** What the layer itself hides, bool [Q, K]; nothing by default. */
  protected hidden(_query: Tensor, _key: Tensor): Tensor | undefined {
    return undefined;
  }

  /**
   * Makes keys and values ready for many calls of `forward` and `weights`, which take what this gives in the place of
   * the keys. It holds for the parameters of the moment.
   *
   * @param key    [N, K, D']
   * @param value  [N, K, E]. Default: the keys
   * @throws {ShapeError} if the layer was not made for the keys' last axis, or the values do not go with them
   */
  prepare(key: Sequence, value: Sequence = key): PreparedKeys {
    const op = `${this.constructor.name}.prepare`;
    checkSequence(op, key, 'key');
    checkSequence(op, value, 'value');
    this.#checkValue(key, value);
    const lengths = lengthsOf(key) ?? lengthsOf(value);
    const keys = withLengths(key, lengths);
    const ready = {
      prepared: this.prepareKeys(withoutPadding(keys)),
      values: withoutPadding(withLengths(value, lengths)),
    };
    const real = realSteps(keys);
    return real === undefined ? ready : { ...ready, real };
  }

  /**
   * Attends to the values.
   *
   * @param key      [N, K, D'], or what `prepare` made of keys and values
   * @param value    default: the keys; not beside prepared keys, which have theirs
   * @throws {ShapeError} if rows, steps or features do not fit each other
   * @throws {OptionError} if an input is none, or there is a value beside prepared keys
   * @throws {DTypeError} if the mask is not bool
   */
  forward<X extends Sequence>(
    query: X,
    key: Sequence | PreparedKeys,
    value?: Sequence,
    options: AttentionOptions = {},
  ): X {
    this.#check({ query });
    if (query instanceof PaddedSequence && query.shape.length !== 3)
      throw this.#misfit(`query ${describe(query)}`, 'a padded query [N, Q, D]');
    if (isPrepared(key)) {
      if (value !== undefined) throw this.#secondValue(value);
      return this.#attend(query, key, key.values, options);
    }
    const own = value ?? key;
    this.#check({ key, value: own });
    this.#checkValue(key, own);
    const lengths = lengthsOf(key) ?? lengthsOf(own);
    return this.#attend(query, withLengths(key, lengths), withoutPadding(withLengths(own, lengths)), options);
  }

  /**
   * How much of each value each query takes: [N, Q, K], of which each row adds up to 1, or to 0 where every key is
   * hidden and past the length of a query; [N, 1, K] for a query [N, D].
   *
   * @param key  [N, K, D'], or what `prepare` made of keys
   * @throws {ShapeError} if rows, steps or features do not fit each other; {DTypeError} if the mask is not bool
   */
  weights(query: Sequence, key: Sequence | PreparedKeys, options: AttentionOptions = {}): Tensor {
    const { mask: given } = readOptions(this.constructor.name, options, { mask: asGiven });
    this.#check({ query });
    const ready = isPrepared(key);
    if (!ready) this.#check({ key });
    const single = query instanceof Tensor && query.rank === 2;
    const queries = single ? unsqueeze(query, 1) : withoutPadding(query);
    const keys = ready ? key.prepared : withoutPadding(key);
    if (queries.rank !== 3 || keys.rank !== 3 || queries.shape[0] !== keys.shape[0]) {
      throw this.#misfit(
        `query ${describe(query)} and ${ready ? 'prepared keys' : 'key'} ${describe(ready ? keys : key)}`,
        'query [N, Q, D] or [N, D], and key [N, K, D]',
      );
    }
    let mask = this.hidden(queries, keys);
    if (given !== undefined) mask = both(mask, this.#readMask(given, single));
    const real = ready ? key.real : realSteps(key);
    if (real !== undefined) mask = both(mask, real);
    const scores = ready ? this.preparedScores(queries, keys) : this.scores(queries, keys);
    return withoutPadding(withLengths(softmax(scores, -1, { mask }), lengthsOf(query)));
  }

  #attend<X extends Sequence>(query: X, key: Sequence | PreparedKeys, values: Tensor, options: AttentionOptions): X {
    return mapRealSteps(query, (queries) => {
      const result = matmul(this.weights(queries, key, options), values);
      return query.shape.length === 2 ? squeeze(result, 1) : result;
    });
  }

  #readMask(mask: Tensor, single: boolean): Tensor {
    if (mask.dtype !== 'bool')
      throw new DTypeError(this.constructor.name, {
        given: `mask ${describe(mask)}`,
        expected: 'bool, false for what is hidden',
        fix: "cast it with cast('bool')",
      });
    return single && mask.rank === 2 ? unsqueeze(mask, 1) : mask;
  }

  #checkValue(key: Sequence, value: Sequence): void {
    const [batch, steps] = key.shape;
    if (value.shape.length === 3 && value.shape[0] === batch && value.shape[1] === steps && sameLengths(key, value))
      return;
    throw this.#misfit(
      `key ${describe(key)} and value ${describe(value)}`,
      'key [N, K, D] and value [N, K, E] with equal lengths',
    );
  }

  #secondValue(value: Sequence): OptionError {
    return new OptionError(`${this.constructor.name}.forward`, {
      given: `value ${describe(value)} beside prepared keys`,
      expected: 'no value: that of prepare counts',
      fix: 'pass it to prepare(key, value)',
    });
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

/** Which keys are real, bool [N, 1, K]; undefined where all are. */
const realSteps = (key: Sequence): Tensor | undefined =>
  key instanceof PaddedSequence ? unsqueeze(key.mask(), 1) : undefined;

const isPrepared = (key: unknown): key is PreparedKeys =>
  isPlainObject(key) && Object.hasOwn(key, 'prepared') && key['prepared'] instanceof Tensor;

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
