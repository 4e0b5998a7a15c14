/**
 * Element types: `f32` by default, `i32` for indices, `bool` for masks; `i8` keeps the weights of quantised layers, and
 * is read, copied, saved and cast to another type, not computed with.
 */
export type DType = 'f32' | 'f64' | 'i32' | 'bool' | 'i8';

/** Arrays that hold a tensor's elements on the host: f32, f64, i32, (Uint8Array, 0 or 1) bool, and i8. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array;

/** Numbers, or arrays of arrays of numbers, all of one shape. */
export type NestedArray = number | boolean | readonly NestedArray[];
