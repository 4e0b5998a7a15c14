// The op functions of src/tensor/ops/shape.ts, each with what it gives in plain TypeScript.
import {
  concat,
  expand,
  flatten,
  flip,
  padConstant,
  permute,
  reshape,
  select,
  slice,
  split,
  squeeze,
  stack,
  tile,
  transpose,
  unsqueeze,
  type HostArray,
  type Tensor,
} from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { total } from './reduce';

const withShape = (x: HostArray, shape: readonly number[]): HostArray => ({ data: x.data, shape });
const permuted = (x: HostArray, order: readonly number[]): HostArray =>
  generate(
    order.map((axis) => x.shape[axis] ?? 0),
    (place) =>
      at(
        x,
        order.map((_, axis) => place[order.indexOf(axis)] ?? 0),
      ),
  );
/** Elements from `start` on along an axis. */
const range = (x: HostArray, axis: number, start: number, extent: number): HostArray =>
  generate(
    x.shape.map((n, i) => (i === axis ? extent : n)),
    (place) =>
      at(
        { ...x, shape: x.shape },
        place.map((index, i) => (i === axis ? index + start : index)),
      ),
  );

const cube = [5, 37, 24];

/** Extents that make up 37. */
const parts = [10, 7, 20];

/** Tensors put together along an axis. */
const concatAlong = (dim: number, shapes: readonly (readonly (readonly number[])[])[]): OpCase => ({
  op: `concat along ${dim}`,
  run: (...parts) => concat(parts, dim),
  reference: (...parts) => {
    const [first] = parts;
    const extent = parts.reduce((sum, part) => sum + (part.shape[dim] ?? 0), 0);
    return generate(first?.shape.with(dim, extent) ?? [], (place) => {
      let index = place[dim] ?? 0;
      const part = parts.find(({ shape }) => index < (shape[dim] ?? 0) || ((index -= shape[dim] ?? 0), false));
      return part === undefined ? Number.NaN : at(part, place.with(dim, index));
    });
  },
  shapes,
  large: [[cube, cube, cube]],
});

export const shapeOps: readonly OpCase[] = [
  {
    op: 'reshape',
    large: [[cube]],
    run: (x) => reshape(x, [2, -1, 2]),
    reference: (x) => withShape(x, [2, x.data.length / 4, 2]),
    shapes: [[[4, 3]], [[3, 2, 2]], [[12]], [[1, 12, 1]]],
  },
  {
    op: 'reshape to nothing and back',
    run: (x) => reshape(reshape(x, [0, 5]), [2, 0]),
    reference: (x) => withShape(x, [2, 0]),
    shapes: [[[3, 0]], [[0]]],
  },
  {
    op: 'reshape of one element',
    run: (x) => reshape(x, []),
    reference: (x) => withShape(x, []),
    shapes: [[[1, 1]], [[1]], [[]]],
  },
  {
    op: 'flatten',
    large: [[cube]],
    run: (x) => flatten(x),
    reference: (x) => withShape(x, [x.data.length]),
    shapes: [[[2, 3, 4]], [[5]], [[0, 2]], [[1, 1]]],
  },
  {
    op: 'flatten of some axes',
    run: (x) => flatten(x, 1, -2),
    reference: (x) => withShape(x, [2, 12, 5]),
    shapes: [[[2, 3, 4, 5]], [[2, 12, 1, 5]]],
  },
  {
    op: 'transpose',
    large: [[cube]],
    run: (x) => transpose(x, 0, -1),
    reference: (x) => permuted(x, [2, 1, 0].slice(-x.shape.length)),
    shapes: [[[2, 3]], [[2, 3, 4]], [[0, 3]], [[1, 2]], [[3]]],
  },
  {
    op: 'permute',
    large: [[cube]],
    run: (x) => permute(x, [2, 0, -2]),
    reference: (x) => permuted(x, [2, 0, 1]),
    shapes: [[[2, 3, 4]], [[1, 3, 1]], [[2, 0, 3]]],
  },
  {
    op: 'unsqueeze',
    large: [[cube]],
    run: (x) => unsqueeze(x, 1),
    reference: (x) => withShape(x, [x.shape[0] ?? 0, 1, ...x.shape.slice(1)]),
    shapes: [[[2, 3]], [[3]], [[0, 2]]],
  },
  {
    op: 'unsqueeze at the end',
    run: (x) => unsqueeze(x, -1),
    reference: (x) => withShape(x, [...x.shape, 1]),
    shapes: [[[2, 3]], [[]], [[1]]],
  },
  {
    op: 'squeeze',
    run: (x) => squeeze(x),
    reference: (x) =>
      withShape(
        x,
        x.shape.filter((n) => n !== 1),
      ),
    shapes: [[[1, 2, 1, 3]], [[1, 1]], [[0, 1]], [[2, 3]]],
  },
  {
    op: 'squeeze of one axis',
    large: [[[5, 1, 24]]],
    run: (x) => squeeze(x, 1),
    reference: (x) => withShape(x, [x.shape[0] ?? 0, ...x.shape.slice(2)]),
    shapes: [[[2, 1, 3]], [[1, 1]], [[0, 1]]],
  },
  {
    op: 'expand',
    large: [[[370, 1]]],
    run: (x) => expand(x, [2, -1, 3]),
    reference: (x) => generate([2, x.shape.at(-2) ?? 1, 3], (place) => at(x, place)),
    shapes: [[[1, 4, 1]], [[4, 1]], [[2, 4, 3]], [[0, 1]], [[1, 1]]],
  },
  {
    op: 'slice',
    large: [[cube]],
    run: (x) => slice(x, [1, null, -3], [null, -1, 10]),
    reference: (x) => range(range(range(x, 0, 1, (x.shape[0] ?? 0) - 1), 1, 0, (x.shape[1] ?? 0) - 1), 2, 1, 3),
    shapes: [[[3, 4, 4]], [[1, 2, 4]], [[2, 1, 4]]],
  },
  {
    op: 'select',
    large: [[cube]],
    run: (x) => select(x, 1, -2),
    reference: (x) => withShape(range(x, 1, 1, 1), [x.shape[0] ?? 0, ...x.shape.slice(2)]),
    shapes: [[[2, 3]], [[2, 3, 2]], [[0, 3]], [[1, 3]]],
  },
  {
    op: 'flip',
    large: [[cube]],
    run: (x) => flip(x, [0, -1]),
    reference: (x) =>
      generate(x.shape, (place) =>
        at(
          x,
          place.map((index, axis) =>
            axis === 0 || axis === place.length - 1 ? (x.shape[axis] ?? 0) - 1 - index : index,
          ),
        ),
      ),
    shapes: [[[3, 4]], [[2, 3, 4]], [[1, 3]], [[0, 3]]],
  },
  {
    op: 'tile',
    large: [[cube]],
    run: (x) => tile(x, [2, 1, 3]),
    reference: (x) =>
      generate(
        x.shape.map((n, axis) => n * [2, 1, 3][axis]!),
        (place) =>
          at(
            x,
            place.map((index, axis) => index % x.shape[axis]!),
          ),
      ),
    shapes: [[[2, 3, 2]], [[1, 1, 1]], [[2, 0, 1]]],
  },
  {
    op: 'padConstant',
    large: [[[133, 70]]],
    run: (x) =>
      padConstant(
        x,
        [
          [1, 0],
          [2, 3],
        ],
        -0.5,
      ),
    reference: (x) => {
      const [rows = 0, columns = 0] = x.shape;
      return generate([rows + 1, columns + 5], ([i = 0, j = 0]) =>
        i < 1 || j < 2 || j >= columns + 2 ? -0.5 : at(x, [i - 1, j - 2]),
      );
    },
    shapes: [[[2, 3]], [[1, 1]], [[0, 3]], [[2, 0]]],
  },
  concatAlong(1, [
    [
      [2, 3],
      [2, 1],
      [2, 4],
    ],
    [
      [2, 2, 3],
      [2, 3, 3],
    ],
    [
      [2, 0],
      [2, 3],
    ],
    [
      [0, 2],
      [0, 1],
    ],
    [[2, 3]],
  ]),
  concatAlong(0, [
    [
      [2, 3],
      [1, 3],
    ],
    [
      [0, 2],
      [3, 2],
    ],
  ]),
  concatAlong(2, [
    [
      [2, 3, 1],
      [2, 3, 2],
    ],
  ]),
  {
    op: 'stack along the first axis',
    run: (...parts) => stack(parts, 0),
    reference: (...parts) =>
      generate([parts.length, ...(parts[0]?.shape ?? [])], ([part = 0, ...place]) => at(parts[part]!, place)),
    shapes: [
      [
        [2, 3],
        [2, 3],
      ],
    ],
    large: [[cube, cube]],
  },
  {
    op: 'stack',
    large: [[cube, cube]],
    run: (...parts) => stack(parts, -1),
    reference: (...parts) =>
      generate([...(parts[0]?.shape ?? []), parts.length], (place) => at(parts[place.at(-1)!]!, place.slice(0, -1))),
    shapes: [
      [
        [2, 3],
        [2, 3],
      ],
      [[], []],
      [[0], [0]],
      [[1]],
    ],
  },
  {
    op: 'split',
    run: (x) => split(x, parts, 1).map((part) => part.mul(2)),
    reference: (x) =>
      parts.map((extent, i) => {
        const part = range(x, 1, total(parts.slice(0, i)), extent);
        return { data: Float64Array.from(part.data, (value) => 2 * value), shape: part.shape };
      }),
    shapes: [[[2, 37]], [[1, 37, 2]], [[0, 37]]],
    large: [[cube]],
  },
  {
    op: 'split, put together in another order',
    run: (x) => {
      const [a, b, c] = split(x, [1, 0, 2], 1) as [Tensor, Tensor, Tensor];
      return concat([c, a, b, c], 1);
    },
    reference: (x) =>
      generate([x.shape[0] ?? 0, 5, ...x.shape.slice(2)], ([row = 0, column = 0, ...rest]) =>
        at(x, [row, [1, 2, 0, 1, 2][column] ?? 0, ...rest]),
      ),
    shapes: [[[2, 3]], [[2, 3, 2]], [[0, 3]], [[1, 3]]],
  },
  {
    op: 'one part of a split',
    run: (x) => split(x, 2, -1)[1] as Tensor,
    reference: (x) => range(x, x.shape.length - 1, 2, Math.min(2, (x.shape.at(-1) ?? 0) - 2)),
    shapes: [[[2, 5]], [[3]], [[0, 4]]],
  },
];
