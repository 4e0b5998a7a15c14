// Plain evaluation in f64, element by element: slow, obvious, and written without a look at how stmnet computes.

/** Numbers and their shape, row-major. */
export interface Plain {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** The place of element number `flat`. */
export function placeOf(shape: readonly number[], flat: number): number[] {
  const place = new Array<number>(shape.length).fill(0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis]!;
    place[axis] = flat % extent;
    flat = Math.floor(flat / extent);
  }
  return place;
}

/** The number of the element at a place. */
export const flatOf = (shape: readonly number[], place: readonly number[]): number =>
  shape.reduce((flat, extent, axis) => flat * extent + place[axis]!, 0);

/** An array of a shape from a function of the place. */
export function build(shape: readonly number[], value: (place: readonly number[]) => number): Plain {
  const data = new Float64Array(sizeOf(shape));
  for (let flat = 0; flat < data.length; flat++) data[flat] = value(placeOf(shape, flat));
  return { shape, data };
}

/** The element at a place. */
export const get = (x: Plain, place: readonly number[]): number => x.data[flatOf(x.shape, place)]!;

/** One number. */
export const scalar = (value: number): Plain => ({ shape: [], data: Float64Array.of(value) });

/** The shape to which shapes broadcast. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const extents = shapes.map((shape) => shape[shape.length - rank + axis] ?? 1);
    return extents.find((extent) => extent !== 1) ?? 1;
  });
}

/** `x` broadcast to a shape. */
export function spread(x: Plain, shape: readonly number[]): Plain {
  const skipped = shape.length - x.shape.length;
  return build(shape, (place) =>
    get(
      x,
      x.shape.map((extent, axis) => (extent === 1 ? 0 : place[axis + skipped]!)),
    ),
  );
}

/** A function of the elements, with broadcasting. */
export function elementwise(fn: (...values: number[]) => number, ...inputs: Plain[]): Plain {
  const shape = broadcastShape(inputs.map((input) => input.shape));
  const whole = inputs.map((input) => spread(input, shape));
  return {
    shape,
    data: Float64Array.from({ length: sizeOf(shape) }, (_, flat) => fn(...whole.map(({ data }) => data[flat]!))),
  };
}

/** Axes counted from the front; all if none is named. */
export const axesOf = (x: Plain, dims?: readonly number[]): number[] =>
  dims === undefined ? x.shape.map((_, axis) => axis) : dims.map((dim) => (dim < 0 ? dim + x.shape.length : dim));

/** A function of the elements that share a place in the axes that stay. */
export function reduce(
  x: Plain,
  dims: readonly number[] | undefined,
  keep: boolean,
  fn: (values: number[]) => number,
): Plain {
  const axes = axesOf(x, dims);
  const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const lists = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  x.data.forEach((value, flat) => {
    const place = placeOf(x.shape, flat).map((at, axis) => (axes.includes(axis) ? 0 : at));
    lists[flatOf(kept, place)]!.push(value);
  });
  const shape = keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return { shape, data: Float64Array.from(lists, fn) };
}

/** The same elements under another shape. */
export const reshaped = (x: Plain, shape: readonly number[]): Plain => ({ shape, data: x.data });

/** Axes in another order. */
export const permuted = (x: Plain, dims: readonly number[]): Plain =>
  build(
    dims.map((dim) => x.shape[dim]!),
    (place) =>
      get(
        x,
        x.shape.map((_, axis) => place[dims.indexOf(axis)]!),
      ),
  );

/** Two axes exchanged. */
export function transposed(x: Plain, a: number, b: number): Plain {
  const dims = x.shape.map((_, axis) => axis);
  [dims[a], dims[b]] = [dims[b]!, dims[a]!];
  return permuted(x, dims);
}

/** A range of each axis. */
export const sliced = (x: Plain, starts: readonly number[], ends: readonly number[]): Plain =>
  build(
    starts.map((start, axis) => ends[axis]! - start),
    (place) =>
      get(
        x,
        place.map((at, axis) => at + starts[axis]!),
      ),
  );

/** One place along an axis, which goes away. */
export const selected = (x: Plain, dim: number, index: number): Plain =>
  build(
    x.shape.filter((_, axis) => axis !== dim),
    (place) => get(x, [...place.slice(0, dim), index, ...place.slice(dim)]),
  );

/** The order along an axis reversed. */
export const flipped = (x: Plain, dim: number): Plain =>
  build(x.shape, (place) =>
    get(
      x,
      place.map((at, axis) => (axis === dim ? x.shape[axis]! - 1 - at : at)),
    ),
  );

/** Arrays behind each other along an axis. */
export function joined(parts: readonly Plain[], dim: number): Plain {
  const owner: [part: number, at: number][] = parts.flatMap(({ shape }, part) =>
    Array.from({ length: shape[dim]! }, (_, at): [number, number] => [part, at]),
  );
  const shape = parts[0]!.shape.map((extent, axis) => (axis === dim ? owner.length : extent));
  return build(shape, (place) => {
    const [part, at] = owner[place[dim]!]!;
    return get(
      parts[part]!,
      place.map((old, axis) => (axis === dim ? at : old)),
    );
  });
}

/** Each line along an axis replaced by a function of it, which may change its length. */
export function alongAxis(x: Plain, dim: number, fn: (line: number[]) => number[]): Plain {
  const last = [...x.shape.map((_, axis) => axis).filter((axis) => axis !== dim), dim];
  const turned = permuted(x, last);
  const extent = x.shape[dim]!;
  const lines = sizeOf(x.shape.filter((_, axis) => axis !== dim));
  const results = Array.from({ length: lines }, (_, line) =>
    fn([...turned.data.subarray(line * extent, (line + 1) * extent)]),
  );
  const length = results[0]?.length ?? fn(new Array<number>(extent).fill(0)).length;
  const whole: Plain = { shape: [...turned.shape.slice(0, -1), length], data: Float64Array.from(results.flat()) };
  return permuted(
    whole,
    x.shape.map((_, axis) => last.indexOf(axis)),
  );
}

/** Matrix product over the last two axes; leading axes broadcast, a vector is a row or a column. */
export function product(a: Plain, b: Plain): Plain {
  const [left, right] = [
    a.shape.length === 1 ? reshaped(a, [1, ...a.shape]) : a,
    b.shape.length === 1 ? reshaped(b, [...b.shape, 1]) : b,
  ];
  const lead = broadcastShape([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const [n, k, m] = [left.shape.at(-2)!, left.shape.at(-1)!, right.shape.at(-1)!];
  const [x, y] = [spread(left, [...lead, n, k]), spread(right, [...lead, k, m])];
  const whole = build([...lead, n, m], (place) => {
    let sum = 0;
    for (let i = 0; i < k; i++)
      sum += get(x, [...place.slice(0, -1), i]) * get(y, [...place.slice(0, -2), i, place.at(-1)!]);
    return sum;
  });
  return reshaped(whole, [...lead, ...(a.shape.length === 1 ? [] : [n]), ...(b.shape.length === 1 ? [] : [m])]);
}

/** Sum of a list. */
export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** log Σ e^x of a list, exact for large numbers. */
export function logSumExp(values: readonly number[]): number {
  const top = Math.max(...values);
  return Number.isFinite(top) ? top + Math.log(total(values.map((value) => Math.exp(value - top)))) : top;
}

/** e^x / Σ e^x of a list. */
export function softmaxOf(values: readonly number[]): number[] {
  const norm = logSumExp(values);
  return values.map((value) => Math.exp(value - norm));
}

export const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));
