import type { DType, TypedArray } from './element-types';
import { DTypeError, OptionError, ShapeError } from './errors';
import { isOfKind, isSourceArray, kinds } from './host-array';
import { describe } from './options';
import { asGiven, readOptions } from './read-options';

/** Options of `data`. */
export interface DataOptions<A extends TypedArray = TypedArray> {
  /**
   * An array that the elements are written into, in place of a new one; the promise resolves to it. It has the tensor's
   * number of elements and is what `data()` would give: a Float32Array for f32, Float64Array for f64, Int32Array for
   * i32, Uint8Array for bool and Int8Array for i8; a part of a larger buffer, or one over a SharedArrayBuffer, will do.
   * It stays as it is until all is computed, and is then written on the JavaScript thread, 0.1 ms a megabyte or less,
   * in parts of 4 MB between which the event loop turns. Whoever hands its buffer on meanwhile gets it as it is then,
   * and the promise is rejected.
   */
  into: A;
}

/** What there is to know of a tensor that is read. */
interface Read {
  readonly dtype: DType;
  readonly size: number;
  toString(): string;
}

/**
 * The array that the elements of `x` are to be written into; undefined if none is given.
 *
 * @throws {OptionError} if it is no typed array; {DTypeError} if it holds other numbers than the tensor; {ShapeError}
 * if it has another length
 */
export function readTarget(options: Partial<DataOptions>, x: Read): TypedArray | undefined {
  const { into }: { into: TypedArray | undefined } = readOptions('data', options, { into: asGiven });
  if (into === undefined) return undefined;
  const { dtype, size } = x,
    expected = `a ${kinds[dtype].name} of ${size}, for ${x.toString()}`;
  const fix = `pass into: new ${kinds[dtype].name}(${size}), or leave it out`;
  const refusal = { given: `${describe(into)} as into`, expected, fix };
  if (!isSourceArray(into)) throw new OptionError('data', refusal);
  if (!isOfKind(into, dtype)) throw new DTypeError('data', refusal);
  if (into.length !== size) throw new ShapeError('data', { ...refusal, given: `${into.length} numbers as into` });
  return into;
}
