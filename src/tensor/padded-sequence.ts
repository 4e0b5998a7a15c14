import { inspect } from 'node:util';
import { markClass } from './package-copies';
import { OptionError, ShapeError } from './errors';
import { tensor } from './factories';
import { type NestedArray, checkTensor, type DType, type Tensor, type TypedArray } from './tensor';
import { argmax } from './ops/reduce';
import { cast, maskedFill } from './ops/elementwise';
import { flip, reshape, select, slice } from './ops/shape';
import { describe } from './options';
import { refuseInStep } from './replay-notes';
import { longest, pickSteps, reverseSteps, spreadSteps } from './steps';
import { noNumber } from './tensor-errors';

/** What every layer that knows about time takes and gives back in kind. */
export type Sequence = Tensor | PaddedSequence;

/**
 * N sequences of different lengths, padded to the longest, with their lengths: lengths travel with the values.
 *
 * What lies past a length, be it NaN, infinity or an index that is none, has no effect on the output, gradient, loss
 * or metric of anything that takes a PaddedSequence. What layers give has zeros there; what `map` gives may not. A
 * length may be 0, and lengths may come in any order.
 *
 * Shapes: values [N, T, …]; lengths N whole numbers in 0..T.
 */
export class PaddedSequence {
  /** The padded batch, [N, T, …]. */
  readonly values: Tensor;
  /** How many steps of each row are real. */
  readonly lengths: readonly number[];
  /**
   * Version of the values at which zeros stood past each length, and gradients that arrived there went nowhere;
   * undefined if that was never known.
   */
  #zeroAt: number | undefined;

  /**
   * @param values   [N, T, …], rows padded at the end
   * @param lengths  N whole numbers in 0..T, in any order
   * @throws {ShapeError} if `values` has fewer than two axes, or there are not N lengths, or one is not in 0..T
   */
  constructor(values: Tensor, lengths: readonly number[]) {
    checkTensor(values, 'PaddedSequence', 'values');
    const [rows, steps] = values.shape;
    if (rows === undefined || steps === undefined) {
      throw new ShapeError('PaddedSequence', {
        given: `values ${describe(values)}`,
        expected: 'at least two axes, [N, T, …]',
        fix: 'put the batch first: x.unsqueeze(0)',
      });
    }
    if (!Array.isArray(lengths as unknown)) {
      throw new ShapeError('PaddedSequence', {
        given: `${describe(lengths)} as lengths`,
        expected: `an array of ${rows} lengths`,
        fix: 'give each row of values a length; Array.from() makes an array of a typed one',
      });
    }
    if (lengths.length !== rows) {
      throw new ShapeError('PaddedSequence', {
        given: `${lengths.length} lengths for values ${describe(values)}`,
        expected: `${rows} lengths, one a row`,
        fix: 'give each row of values a length',
      });
    }
    const bad = lengths.findIndex((length) => !Number.isInteger(length) || length < 0 || length > steps);
    if (bad >= 0) {
      throw new ShapeError('PaddedSequence', {
        given: `length ${describe(lengths[bad])} for row ${bad} of values ${describe(values)}`,
        expected: `a whole number from 0 to ${steps}, the number of steps`,
        fix: 'count the real steps of the row; padding comes after them',
      });
    }
    this.values = values;
    this.lengths = Object.freeze([...lengths]);
  }

  /**
   * A sequence of whose values it is known that they are zero past each length, and that a gradient that arrives there
   * ends, here or at the `zeroPadding` that they were computed from: written by a kernel that knows the lengths,
   * selected by `zeroPadding`, or computed from such values element by element. Layers have nothing to clear in it.
   * @internal
   */
  static zeroPadded(values: Tensor, lengths: readonly number[]): PaddedSequence {
    const result = new PaddedSequence(values, lengths);
    result.#zeroAt = values.version;
    return result;
  }

  /**
   * Whether the padding is known to be zero and without gradient. No longer after an in-place change; and a leaf would
   * collect what arrives in its padding.
   * @internal
   */
  get isZeroPadded(): boolean {
    return this.#isWhole || (this.#isUnchanged && !(this.values.requiresGrad && this.values.isLeaf));
  }

  /**
   * Whether the values had zeros past each length when this was made, and have not been changed in place since. Values
   * that were disposed of have no version and cannot change any more.
   */
  get #isUnchanged(): boolean {
    return this.#zeroAt !== undefined && (this.#zeroAt === this.values.version || this.values.version === undefined);
  }

  /** Whether no row is shorter than T, so that there is no padding. */
  get #isWhole(): boolean {
    const [, steps = 0] = this.shape;
    return this.lengths.every((length) => length === steps);
  }

  /** Shape of the values, padding included: [N, T, …]. */
  get shape(): readonly number[] {
    return this.values.shape;
  }

  /** Element type of the values. */
  get dtype(): DType {
    return this.values.dtype;
  }

  /** Where the values lie. */
  get device(): string {
    return this.values.device;
  }

  /**
   * The same lengths around `fn(values)`, where `fn` sees zeros past each length. What it writes there counts for
   * nothing; `zeroPadding` clears it.
   *
   * A function that has parameters of its own and is singular at 0 (log, division, a root) makes NaN of a gradient of
   * 0 before anybody can stop it: let `TimeDistributed` apply such a module, to the real steps only.
   *
   * @param fn  keeps the first two axes
   * @throws {ShapeError} if the result of `fn` is not [N, T, …]
   */
  map(fn: (values: Tensor) => Tensor): PaddedSequence {
    const result = fn(this.zeroPadding().values);
    checkTensor(result, 'PaddedSequence.map', 'the result of the function');
    if (result.shape[0] !== this.shape[0] || result.shape[1] !== this.shape[1]) {
      throw new ShapeError('PaddedSequence.map', {
        given: `a function that turns ${describe(this.values)} into ${describe(result)}`,
        expected: `[${this.shape[0]}, ${this.shape[1]}, …], the same rows and steps`,
        fix: 'build a new PaddedSequence with lengths of its own, or leave the first two axes as they are',
      });
    }
    return new PaddedSequence(result, this.lengths);
  }

  /** As `map`, for functions that take each step by itself and 0 to 0: their results need no clearing. */
  #mapZeros(fn: (values: Tensor) => Tensor): PaddedSequence {
    return PaddedSequence.zeroPadded(this.map(fn).values, this.lengths);
  }

  /** Which steps are real: bool [N, T]. */
  mask(): Tensor {
    return this.#steps(true);
  }

  /** Which steps are padding: bool [N, T]. @internal */
  padding(): Tensor {
    return this.#steps(false);
  }

  /**
   * The same values and lengths with zeros past each length, where gradients go nowhere: chosen, not multiplied, so
   * that NaN and infinity end here. The same object if there is nothing to clear.
   */
  zeroPadding(): PaddedSequence {
    if (this.isZeroPadded) return this;
    const [rows = 0, steps = 0, ...rest] = this.shape;
    const padding = reshape(this.padding(), [rows, steps, ...rest.map(() => 1)]);
    return PaddedSequence.zeroPadded(maskedFill(this.values, padding, 0), this.lengths);
  }

  /** bool [N, T]: `real` where a step is real, its opposite past the length. */
  #steps(real: boolean): Tensor {
    const [rows = 0, steps = 0] = this.shape;
    const data = new Uint8Array(rows * steps).fill(real ? 0 : 1);
    this.lengths.forEach((length, row) => data.fill(real ? 1 : 0, row * steps, row * steps + length));
    return tensor({ data, shape: [rows, steps] }, { dtype: 'bool', device: this.device });
  }

  /**
   * The same lengths around values of another element type.
   *
   * @throws {DTypeError} if there is no such type
   */
  cast(dtype: DType): PaddedSequence {
    return this.#mapZeros((values) => cast(values, dtype));
  }

  /**
   * The same values on another device; itself if they are there.
   *
   * @throws {DeviceError} if there is no such device
   */
  to(device: string): PaddedSequence {
    const values = this.values.to(device);
    return values === this.values ? this : this.withValues(values);
  }

  /** The same numbers without their history: gradients stop here. */
  detach(): PaddedSequence {
    return this.withValues(this.values.detach());
  }

  /** The same lengths, and what is known of the padding, around the same numbers in another tensor. @internal */
  withValues(values: Tensor): PaddedSequence {
    return this.#isUnchanged
      ? PaddedSequence.zeroPadded(values, this.lengths)
      : new PaddedSequence(values, this.lengths);
  }

  /**
   * Place of the largest element along `dim`, as `argmax` of a tensor: i32.
   *
   * @param dim  an axis of features: 2 or more, or counted from the end. Default -1.
   * @throws {ShapeError} if `dim` is the axis of rows or of steps
   */
  argmax(dim = -1): PaddedSequence {
    const axis = dim < 0 ? dim + this.shape.length : dim;
    if (axis < 2) {
      throw new ShapeError('PaddedSequence.argmax', {
        given: `dim ${describe(dim)} of ${describe(this)}`,
        expected: 'an axis of features, after [N, T]',
        fix: 'take argmax of .values for the others',
      });
    }
    return this.#mapZeros((values) => argmax(values, dim));
  }

  /**
   * Rows, steps and features from `start` to `end` (exclusive), an axis each, as `slice` of a tensor. Steps are those
   * of each row by itself: a negative place counts from the row's own end, and what a row does not have is cut.
   *
   * @example
   * x.slice([0, 1], [2])       // the first two rows without their first steps
   * x.slice([0, -3])           // the last three steps of each row, or as many as it has
   */
  slice(start: readonly (number | null)[], end: readonly (number | null)[] = []): PaddedSequence {
    const [, steps = 0] = this.shape;
    const rowRange = (places: readonly (number | null)[], rest: number | null): (number | null)[] => [
      places[0] ?? null,
      rest,
      ...places.slice(2),
    ];
    const rows = slice(this.values, rowRange(start, null), rowRange(end, null));
    const kept = this.lengths.slice(start[0] ?? 0, end[0] ?? undefined);
    const place = (at: number, length: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
    const from = kept.map((length) => place(start[1] ?? 0, length));
    const lengths = kept.map((length, row) => Math.max(place(end[1] ?? length, length) - (from[row] ?? 0), 0));
    if ((start[1] ?? 0) < 0) {
      const places = lengths.flatMap((length, row) =>
        Array.from({ length }, (_, step) => row * steps + (from[row] ?? 0) + step),
      );
      return PaddedSequence.zeroPadded(spreadSteps(pickSteps(rows, places), lengths, longest(lengths)), lengths);
    }
    const [first, last] = [start[1] ?? 0, end[1] ?? null];
    if (last === null || last >= 0)
      return new PaddedSequence(slice(rows, [0, first], [null, last === null ? null : Math.max(last, first)]), lengths);
    // Each row loses steps at its own end: in a short row they lie where longer rows still have real steps, so they are
    // set to zero and not cut off.
    return new PaddedSequence(slice(rows, [0, first], [null, first + longest(lengths)]), lengths).zeroPadding();
  }

  /**
   * Place `index` along `dim`, which goes away, as `select` of a tensor. A negative one counts from the end, along the
   * steps from that of each row.
   *
   * @returns along rows (0) the real steps of one, [length, …]; along steps (1) that step of each row, [N, …], zeros
   *          where a row does not have it; along an axis of features a PaddedSequence without it
   * @throws {OptionError} if there is no such row or feature
   */
  select(dim: 0 | 1, index: number): Tensor;
  select(dim: number, index: number): Tensor | PaddedSequence;
  select(dim: number, index: number): Tensor | PaddedSequence {
    const [rows = 0, steps = 0] = this.shape;
    const axis = dim < 0 ? dim + this.shape.length : dim;
    if (axis >= 2) return this.#mapZeros((values) => select(values, axis, index));
    if (!Number.isInteger(index) || axis < 0 || (axis === 0 && (index >= rows || index < -rows))) {
      throw new OptionError('PaddedSequence.select', {
        given: `index ${describe(index)} along dim ${describe(dim)} of ${describe(this)}`,
        expected: `a whole number${axis === 0 ? ` in ${-rows}..${rows - 1}` : ''}, along an axis that is there`,
        fix: 'name one that is there',
      });
    }
    if (axis === 0) return slice(select(this.values, 0, index), [0], [this.lengths.at(index) ?? 0]);
    const places = this.lengths.map((length) => (index < 0 ? length + index : index));
    const has = this.lengths.map((length, row) => Number((places[row] ?? -1) >= 0 && (places[row] ?? 0) < length));
    const picked = pickSteps(
      this.values,
      places.flatMap((place, row) => (has[row] === 1 ? [row * steps + place] : [])),
    );
    return select(spreadSteps(picked, has, 1), 1, 0);
  }

  /**
   * The order along `dims` reversed, as `flip` of a tensor: rows with their lengths, steps within each length.
   *
   * @throws {OptionError} if an axis is not there or named twice
   */
  flip(dims: readonly number[]): PaddedSequence {
    const { values } = this.zeroPadding();
    const flipped = flip(values, dims); // also refuses axes that are not there
    const axes = dims.map((dim) => (dim < 0 ? dim + values.rank : dim));
    const lengths = axes.includes(0) ? [...this.lengths].reverse() : this.lengths;
    if (!axes.includes(1)) return PaddedSequence.zeroPadded(flipped, lengths);
    const others = axes.filter((axis) => axis !== 1);
    return PaddedSequence.zeroPadded(flip(reverseSteps(values, this.lengths), others), lengths);
  }

  /** Data of the real steps only, row after row. @throws {OptionError} inside a step of compile() */
  data(): Promise<TypedArray> {
    refuseInStep('data()');
    return this.#realSteps();
  }

  async #realSteps(): Promise<TypedArray> {
    const [, steps = 0, ...rest] = this.shape;
    const width = rest.reduce((product, extent) => product * extent, 1);
    const all = await this.values.data();
    const kept = all.slice(0, width * this.lengths.reduce((sum, length) => sum + length, 0));
    let end = 0;
    this.lengths.forEach((length, row) => {
      const start = row * steps * width;
      kept.set(all.subarray(start, start + length * width), end);
      end += length * width;
    });
    return kept;
  }

  /** Nested arrays, one a row, each as long as its length. @throws {OptionError} inside a step of compile() */
  array(): Promise<NestedArray[]> {
    refuseInStep('array()');
    return this.#rows();
  }

  async #rows(): Promise<NestedArray[]> {
    const rows = await this.values.array();
    return this.lengths.map((length, row) => {
      const steps = typeof rows === 'object' ? rows[row] : undefined;
      return typeof steps === 'object' ? steps.slice(0, length) : [];
    });
  }

  /** Lets go of the values. */
  dispose(): void {
    this.values.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As in `f32[3, 29, 12] on cpu, lengths [20, 26, 29]`. */
  toString(): string {
    return `${String(this.values)}, lengths ${describe([...this.lengths])}`;
  }

  /**
   * As that of a Tensor: text where text is wanted.
   *
   * @param hint  what the language asks for: `string`, `number` or `default`
   * @throws {OptionError} in arithmetic and in comparisons by operators
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw noNumber('PaddedSequence', this.toString());
  }

  static {
    markClass(this.prototype, 'PaddedSequence');
    // No declared member: the type declarations must stand without those of Node.
    const text = function (this: PaddedSequence): string {
      return `PaddedSequence ${this.toString()}`;
    };
    Object.defineProperty(this.prototype, inspect.custom, { value: text, configurable: true, writable: true });
  }
}

/** The values of a sequence of either kind. */
export const valuesOf = (x: Sequence): Tensor => (x instanceof PaddedSequence ? x.values : x);

/** The lengths of a PaddedSequence, nothing of a tensor. */
export const lengthsOf = (x: Sequence): readonly number[] | undefined =>
  x instanceof PaddedSequence ? x.lengths : undefined;
