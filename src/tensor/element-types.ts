/** Element types: `f32` by default, `i32` for indices, `bool` for masks. */
export type DType = 'f32' | 'f64' | 'i32' | 'bool';

/** Arrays that hold a tensor's elements on the host: f32, f64, i32 and (Uint8Array, 0 or 1) bool. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Numbers, or arrays of arrays of numbers, all of one shape. */
export type NestedArray = number | boolean | readonly NestedArray[];
