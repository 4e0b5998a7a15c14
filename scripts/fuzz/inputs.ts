import { tensor, type DType, type Tensor } from 'stmnet';
import { flipped, selected, sizeOf, sliced, spread, transposed, type Plain } from './plain';
import type { Draw } from './random';

/** A tensor whose numbers are known: a leaf, and the view of it that a call gets. */
export interface Known {
  readonly leaf: Tensor;
  /** The leaf's numbers. */
  readonly base: Plain;
  /** The view of the leaf, of the shape that was asked for. */
  readonly view: Tensor;
  /** The same view of other numbers in the leaf's place. */
  readonly look: (base: Plain) => Plain;
}

/** How `known` draws numbers. */
export interface KnownOptions {
  dtype?: DType;
  low?: number;
  high?: number;
  /** Whether the leaf may want a gradient. Default true, for floating dtypes. */
  gradient?: boolean;
}

interface View {
  shape: readonly number[];
  ofTensor: (x: Tensor) => Tensor;
  ofPlain: (x: Plain) => Plain;
}

const whole = (shape: readonly number[]): View => ({ shape, ofTensor: (x) => x, ofPlain: (x) => x });

/** A random way to get a view of this shape out of a leaf of another. */
function drawView(draw: Draw, shape: readonly number[]): View {
  const rank = shape.length;
  if (rank === 0) return whole(shape);
  const axis = draw.whole(0, rank - 1);
  const kinds: (() => View)[] = [
    () => {
      const other = draw.whole(0, rank - 1);
      const turned = [...shape];
      [turned[axis], turned[other]] = [shape[other]!, shape[axis]!];
      return { shape: turned, ofTensor: (x) => x.transpose(axis, other), ofPlain: (x) => transposed(x, axis, other) };
    },
    () => {
      const [starts, ends] = [shape.map(() => 1), shape.map((extent) => extent + 1)];
      const larger = shape.map((extent) => extent + 2);
      return { shape: larger, ofTensor: (x) => x.slice(starts, ends), ofPlain: (x) => sliced(x, starts, ends) };
    },
    () => {
      const narrow = shape.map((extent) => (draw.chance(0.4) ? 1 : extent));
      return { shape: narrow, ofTensor: (x) => x.expand(shape), ofPlain: (x) => spread(x, shape) };
    },
    () => ({ shape, ofTensor: (x) => x.flip([axis]), ofPlain: (x) => flipped(x, axis) }),
    () => {
      const [dim, index] = [draw.whole(0, rank), draw.whole(0, 2)];
      const deeper = [...shape.slice(0, dim), 3, ...shape.slice(dim)];
      return { shape: deeper, ofTensor: (x) => x.select(dim, index), ofPlain: (x) => selected(x, dim, index) };
    },
    () => whole(shape),
  ];
  return draw.pick(kinds)();
}

const arrays = { f32: Float32Array, f64: Float64Array, i32: Int32Array, bool: Uint8Array, i8: Int8Array };

/** Numbers of a dtype in [low, high), as an array of its kind. */
export function numbers(
  draw: Draw,
  count: number,
  { dtype = 'f32', low = -2, high = 2 }: KnownOptions,
): Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array {
  const data = new arrays[dtype](count);
  for (let i = 0; i < count; i++) {
    if (dtype === 'bool') data[i] = draw.whole(0, 1);
    else data[i] = dtype === 'i32' ? draw.whole(Math.ceil(low), Math.ceil(high) - 1) : draw.between(low, high);
  }
  return data;
}

/** A tensor of this shape, often a view of a larger, smaller or turned one, with known numbers. */
export function known(draw: Draw, shape: readonly number[], options: KnownOptions = {}): Known {
  const { dtype = 'f32' } = options;
  const view = drawView(draw, shape);
  const data = numbers(draw, sizeOf(view.shape), options);
  const requiresGrad = (options.gradient ?? true) && (dtype === 'f32' || dtype === 'f64') && draw.chance(0.7);
  const leaf = tensor({ data, shape: [...view.shape] }, { dtype, requiresGrad });
  return {
    leaf,
    base: { shape: view.shape, data: Float64Array.from(data) },
    view: view.ofTensor(leaf),
    look: view.ofPlain,
  };
}

/** A floating dtype, f64 in a third of the cases. */
export const floating = (draw: Draw): 'f32' | 'f64' => draw.pick(['f32', 'f32', 'f64']);
