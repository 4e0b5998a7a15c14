import { inspect } from 'node:util';
import { markClass, remedy } from './copies';
import { OptionError, ShapeError } from './errors';
import { tensor, zeros, type HostArray, type NestedArray } from './factories';
import { argmax } from './ops/reduce';
import { cast, maskedFill } from './ops/elementwise';
import { concat, reshape, stack } from './ops/shape';
import { checkOptions, describe } from './options';
import { refuseInStep } from './recording';
import { checkTensor, Tensor, type DType, type TypedArray } from './tensor';

/** What every layer that knows about time takes and gives back in kind. */
export type Sequence = Tensor | PaddedSequence;

/**
 * N sequences of different lengths, padded to the longest, with their lengths: lengths travel with the values.
 *
 * Layers, losses and metrics leave what lies past a length out of their results. A length may be 0, and lengths may come in any order.
 *
 * Shapes: values [N, T, …]; lengths N whole numbers in 0..T.
 */
export class PaddedSequence {
  /** The padded batch, [N, T, …]. */
  readonly values: Tensor;
  /** How many steps of each row are real. */
  readonly lengths: readonly number[];

  /**
   * @param values   [N, T, …], rows padded at the end
   * @param lengths  N whole numbers in 0..T, in any order
   * @throws {ShapeError} if `values` has fewer than two axes, or there are not N lengths, or one is not in 0..T
   */
  constructor(values: Tensor, lengths: readonly number[]) {
    checkTensor(values, 'PaddedSequence', 'values');
    const [rows, steps] = values.shape;
    if (rows === undefined || steps === undefined) {
      throw new ShapeError('PaddedSequence', { given: `values ${describe(values)}`, expected: 'at least two axes, [N, T, …]', fix: 'put the batch first: x.unsqueeze(0)' });
    }
    if (lengths.length !== rows) {
      throw new ShapeError('PaddedSequence', {
        given: `${lengths.length} lengths for values ${describe(values)}`, expected: `${rows} lengths, one a row`, fix: 'give each row of values a length',
      });
    }
    const bad = lengths.findIndex((length) => !Number.isInteger(length) || length < 0 || length > steps);
    if (bad >= 0) {
      throw new ShapeError('PaddedSequence', {
        given: `length ${describe(lengths[bad])} for row ${bad} of values ${describe(values)}`, expected: `a whole number from 0 to ${steps}, the number of steps`,
        fix: 'count the real steps of the row; padding comes after them',
      });
    }
    this.values = values;
    this.lengths = Object.freeze([...lengths]);
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
   * The same lengths around `fn(values)`. What `fn` writes past a length stays there; `zeroPadding` clears it.
   *
   * @param fn  keeps the first two axes
   * @throws {ShapeError} if the result of `fn` is not [N, T, …]
   */
  map(fn: (values: Tensor) => Tensor): PaddedSequence {
    const result = fn(this.values);
    checkTensor(result, 'PaddedSequence.map', 'the result of the function');
    if (result.shape[0] !== this.shape[0] || result.shape[1] !== this.shape[1]) {
      throw new ShapeError('PaddedSequence.map', {
        given: `a function that turns ${describe(this.values)} into ${describe(result)}`, expected: `[${this.shape[0]}, ${this.shape[1]}, …], the same rows and steps`,
        fix: 'build a new PaddedSequence with lengths of its own, or leave the first two axes as they are',
      });
    }
    return new PaddedSequence(result, this.lengths);
  }

  /** Which steps are real: bool [N, T]. */
  mask(): Tensor {
    return this.#steps(true);
  }

  /** The same values and lengths with zeros past each length. The same object if no row is padded. */
  zeroPadding(): PaddedSequence {
    const [rows = 0, steps = 0, ...rest] = this.shape;
    if (this.lengths.every((length) => length === steps)) return this;
    const padding = reshape(this.#steps(false), [rows, steps, ...rest.map(() => 1)]);
    return new PaddedSequence(maskedFill(this.values, padding, 0), this.lengths);
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
    return this.map((values) => cast(values, dtype));
  }

  /** The same numbers without their history: gradients stop here. */
  detach(): PaddedSequence {
    return new PaddedSequence(this.values.detach(), this.lengths);
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
      throw new ShapeError('PaddedSequence.argmax', { given: `dim ${dim} of ${describe(this)}`, expected: 'an axis of features, after [N, T]', fix: 'take argmax of .values for the others' });
    }
    return this.map((values) => argmax(values, dim));
  }

  /** Data of the real steps only, row after row. */
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

  /** Nested arrays, one a row, each as long as the row's length. */
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

  static {
    markClass(this.prototype, 'PaddedSequence');
    // No declared member: the type declarations must stand without those of Node.
    const text = function (this: PaddedSequence): string {
      return `PaddedSequence ${this.toString()}`;
    };
    Object.defineProperty(this.prototype, inspect.custom, { value: text, configurable: true, writable: true });
  }
}

/**
 * Applies `fn` to the values of a sequence and gives back the kind that came in: a tensor for a tensor, the same lengths around it for a PaddedSequence.
 *
 * @param fn  keeps the first two axes when `x` is a PaddedSequence
 * @throws {ShapeError} if it does not
 */
export function mapValues<X extends Sequence>(x: X, fn: (values: Tensor) => Tensor): X;
export function mapValues(x: Sequence, fn: (values: Tensor) => Tensor): Sequence {
  return x instanceof PaddedSequence ? x.map(fn) : fn(x);
}

/** As `mapValues`, with zeros past each length afterwards: for functions that do not take 0 to 0. */
export function mapRealSteps<X extends Sequence>(x: X, fn: (values: Tensor) => Tensor): X;
export function mapRealSteps(x: Sequence, fn: (values: Tensor) => Tensor): Sequence {
  return x instanceof PaddedSequence ? x.map(fn).zeroPadding() : fn(x);
}

/** The values of a sequence of either kind. */
export const valuesOf = (x: Sequence): Tensor => (x instanceof PaddedSequence ? x.values : x);

/** The lengths of a PaddedSequence, nothing of a tensor. */
export const lengthsOf = (x: Sequence): readonly number[] | undefined => (x instanceof PaddedSequence ? x.lengths : undefined);

/** What `pad` takes to be one sequence, [T, …]; a bare typed array is [T]. */
export type SequenceItem = HostArray | TypedArray | readonly NestedArray[] | Tensor;

/** How `pad` builds the batch. */
export interface PadOptions {
  /** Element type of host items. Default: that of their typed array; plain numbers make f32. Tensors keep theirs. */
  dtype?: DType;
  /** Number of steps of the batch, at least that of the longest item. Default: that of the longest item. */
  steps?: number;
  /** Where host items go. Default: the default device. */
  device?: string;
}

/**
 * Puts sequences of different lengths into one batch, zeros at the end of the short ones.
 *
 * Shapes: items [T_i, …] with equal axes after the first → values [N, T, …] with T = max T_i, lengths T_i. Tensors stay in the graph.
 *
 * @param items  at least one: host arrays, typed arrays, nested arrays or tensors
 * @throws {ShapeError} if there is no item, or items differ after the first axis, or one is longer than `options.steps`
 */
export function pad(items: readonly SequenceItem[], options: PadOptions = {}): PaddedSequence {
  checkOptions('pad', options, ['dtype', 'steps', 'device']);
  if (!isList(items)) throw new OptionError('pad', { given: `${describe(items)} as items`, expected: 'an array of sequences', fix: remedy(items, 'put the sequences into an array: pad([a, b])') });
  if (items.length === 0) throw new ShapeError('pad', { given: 'no sequence', expected: 'at least one', fix: 'leave empty batches out' });
  const rows = items.map((item, index) => (item instanceof Tensor ? item : hostRow(item, index)));
  const rest = checkFeatures(rows);
  const lengths = rows.map((row) => row.shape[0] ?? 0);
  const longest = Math.max(...lengths);
  const steps = options.steps ?? longest;
  if (!Number.isInteger(steps) || steps < longest) {
    throw new ShapeError('pad', { given: `steps: ${describe(options.steps)}`, expected: `at least ${longest}, the length of the longest item`, fix: 'cut the items, or leave steps out' });
  }
  const kinds = new Set(rows.map((row) => (row instanceof Tensor ? row.dtype : row.data.constructor)));
  const dtype = options.dtype ?? (kinds.size > 1 || items.some((item) => isList(item)) ? 'f32' : undefined);
  const settings = { ...(dtype === undefined ? {} : { dtype }), ...(options.device === undefined ? {} : { device: options.device }) };
  const onHost = rows.filter((row): row is HostArray => !(row instanceof Tensor));
  const values = onHost.length === rows.length ? tensor(joinRows(onHost, steps, rest), settings) : stackRows(rows.map((row) => (row instanceof Tensor ? row : tensor(row, settings))), steps, rest);
  return new PaddedSequence(values, lengths);
}

/** The axes after the first, which all items share; an item without steps may lack them, as [] does. */
function checkFeatures(rows: readonly { shape: readonly number[] }[]): readonly number[] {
  const like = Math.max(rows.findIndex((row) => row.shape[0] !== 0), 0);
  const rest = rows[like]?.shape.slice(1) ?? [];
  rows.forEach(({ shape }, index) => {
    if (shape.length > 0 && (describe(shape.slice(1)) === describe(rest) || describe(shape) === '[0]')) return;
    const expected = `[${['T', ...rest].join(', ')}], as item ${like} is`;
    throw new ShapeError('pad', { given: `item ${index} of shape ${describe(shape)}`, expected, fix: 'give all sequences the same features' });
  });
  return rest;
}

/** The host array of an item. */
function hostRow(item: HostArray | TypedArray | readonly NestedArray[], index: number): HostArray {
  const row = isTypedArray(item) ? { data: item, shape: [item.length] } : toHostArray('pad', item);
  if (row === undefined) throw new ShapeError('pad', { given: `${describe(item)} as item ${index}`, expected: 'a host array, a typed array, nested arrays or a tensor', fix: remedy(item, 'give each item the shape [T, …]') });
  return row;
}

/** One host array [N, T, …] of host arrays [T_i, …]. */
function joinRows(rows: readonly HostArray[], steps: number, rest: readonly number[]): HostArray {
  const stride = rest.reduce((product, extent) => product * extent, steps);
  const data = emptyLike(rows.map((row) => row.data), rows.length * stride);
  rows.forEach((row, index) => data.set(row.data, index * stride));
  return { data, shape: [rows.length, steps, ...rest] };
}

/** A zeroed array of the items' kind; of float64 where they differ. */
function emptyLike(arrays: readonly TypedArray[], length: number): TypedArray {
  const [first] = arrays;
  const same = arrays.every((array) => array.constructor === first?.constructor);
  if (same && first instanceof Float32Array) return new Float32Array(length);
  if (same && first instanceof Int32Array) return new Int32Array(length);
  if (same && first instanceof Uint8Array) return new Uint8Array(length);
  return new Float64Array(length);
}

/** One tensor [N, T, …] of tensors [T_i, …]. */
function stackRows(rows: readonly Tensor[], steps: number, rest: readonly number[]): Tensor {
  const whole = rows.map((row) => {
    const [length = 0] = row.shape;
    if (length === steps) return row;
    const padding = zeros([steps - length, ...rest], { dtype: row.dtype, device: row.device });
    return length === 0 ? padding : concat([row, padding], 0);
  });
  return stack(whole, 0);
}

/**
 * Numbers on the host in one typed array with their shape: a host array as it is, nested arrays copied (as f64, so that no digit is lost).
 *
 * @param op     the caller, for the message
 * @param value  anything; undefined comes back if it is neither
 * @throws {ShapeError} if nested arrays are ragged
 */
export function toHostArray(op: string, value: unknown): HostArray | undefined {
  if (isHostArray(value)) return value;
  if (!isList(value)) return undefined;
  const shape: number[] = [];
  for (let level: unknown = value; isList(level); level = level[0]) shape.push(level.length);
  const data = new Float64Array(shape.reduce((product, extent) => product * extent, 1));
  let end = 0;
  const copy = (part: unknown, depth: number): void => {
    if (isList(part) && part.length === shape[depth]) {
      for (const inner of part) copy(inner, depth + 1);
    } else if ((typeof part === 'number' || typeof part === 'boolean') && depth === shape.length) {
      data[end++] = Number(part);
    } else {
      throw new ShapeError(op, { given: `${describe(part)} at depth ${depth}`, expected: `nested arrays of numbers of shape ${describe(shape)}`, fix: 'give every step the same features' });
    }
  };
  copy(value, 0);
  return { data, shape };
}

const isTypedArray = (value: unknown): value is TypedArray => value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const isHostArray = (value: unknown): value is HostArray =>
  typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data) && 'shape' in value && Array.isArray(value.shape);
