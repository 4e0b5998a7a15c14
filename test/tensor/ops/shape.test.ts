import { describe, expect, it } from 'vitest';
import {
  concat,
  expand,
  flatten,
  flip,
  ones,
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
import { here } from '../../support/devices';
import { at, generate, opCase } from '../../support/ops/cases';

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

opCase({
  op: 'reshape',
  run: (x) => reshape(x, [2, -1, 2]),
  reference: (x) => withShape(x, [2, x.data.length / 4, 2]),
  shapes: [[[4, 3]], [[3, 2, 2]], [[12]], [[1, 12, 1]]],
});
opCase({
  op: 'reshape to nothing and back',
  run: (x) => reshape(reshape(x, [0, 5]), [2, 0]),
  reference: (x) => withShape(x, [2, 0]),
  shapes: [[[3, 0]], [[0]]],
});
opCase({
  op: 'reshape of one element',
  run: (x) => reshape(x, []),
  reference: (x) => withShape(x, []),
  shapes: [[[1, 1]], [[1]], [[]]],
});
opCase({
  op: 'flatten',
  run: (x) => flatten(x),
  reference: (x) => withShape(x, [x.data.length]),
  shapes: [[[2, 3, 4]], [[5]], [[0, 2]], [[1, 1]]],
});
opCase({
  op: 'flatten of some axes',
  run: (x) => flatten(x, 1, -2),
  reference: (x) => withShape(x, [2, 12, 5]),
  shapes: [[[2, 3, 4, 5]], [[2, 12, 1, 5]]],
});
opCase({
  op: 'transpose',
  run: (x) => transpose(x, 0, -1),
  reference: (x) => permuted(x, [2, 1, 0].slice(-x.shape.length)),
  shapes: [[[2, 3]], [[2, 3, 4]], [[0, 3]], [[1, 2]], [[3]]],
});
opCase({
  op: 'permute',
  run: (x) => permute(x, [2, 0, -2]),
  reference: (x) => permuted(x, [2, 0, 1]),
  shapes: [[[2, 3, 4]], [[1, 3, 1]], [[2, 0, 3]]],
});
opCase({
  op: 'unsqueeze',
  run: (x) => unsqueeze(x, 1),
  reference: (x) => withShape(x, [x.shape[0] ?? 0, 1, ...x.shape.slice(1)]),
  shapes: [[[2, 3]], [[3]], [[0, 2]]],
});
opCase({
  op: 'unsqueeze at the end',
  run: (x) => unsqueeze(x, -1),
  reference: (x) => withShape(x, [...x.shape, 1]),
  shapes: [[[2, 3]], [[]], [[1]]],
});
opCase({
  op: 'squeeze',
  run: (x) => squeeze(x),
  reference: (x) =>
    withShape(
      x,
      x.shape.filter((n) => n !== 1),
    ),
  shapes: [[[1, 2, 1, 3]], [[1, 1]], [[0, 1]], [[2, 3]]],
});
opCase({
  op: 'squeeze of one axis',
  run: (x) => squeeze(x, 1),
  reference: (x) => withShape(x, [x.shape[0] ?? 0, ...x.shape.slice(2)]),
  shapes: [[[2, 1, 3]], [[1, 1]], [[0, 1]]],
});
opCase({
  op: 'expand',
  run: (x) => expand(x, [2, -1, 3]),
  reference: (x) => generate([2, x.shape.at(-2) ?? 1, 3], (place) => at(x, place)),
  shapes: [[[1, 4, 1]], [[4, 1]], [[2, 4, 3]], [[0, 1]], [[1, 1]]],
});
opCase({
  op: 'slice',
  run: (x) => slice(x, [1, null, -3], [null, -1, 10]),
  reference: (x) => range(range(range(x, 0, 1, (x.shape[0] ?? 0) - 1), 1, 0, (x.shape[1] ?? 0) - 1), 2, 1, 3),
  shapes: [[[3, 4, 4]], [[1, 2, 4]], [[2, 1, 4]]],
});
opCase({
  op: 'select',
  run: (x) => select(x, 1, -2),
  reference: (x) => withShape(range(x, 1, 1, 1), [x.shape[0] ?? 0, ...x.shape.slice(2)]),
  shapes: [[[2, 3]], [[2, 3, 2]], [[0, 3]], [[1, 3]]],
});
opCase({
  op: 'flip',
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
});
opCase({
  op: 'tile',
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
});
opCase({
  op: 'padConstant',
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
});
opCase({
  op: 'concat',
  run: (...parts) => concat(parts, 1),
  reference: (...parts) => {
    const extent = parts.reduce((count, part) => count + (part.shape[1] ?? 0), 0);
    return generate(
      [parts[0]?.shape[0] ?? 0, extent, ...(parts[0]?.shape.slice(2) ?? [])],
      ([row = 0, column = 0, ...rest]) => {
        let start = 0;
        const part = parts.find(({ shape }) => column < start + (shape[1] ?? 0) || ((start += shape[1] ?? 0), false));
        return part === undefined ? Number.NaN : at(part, [row, column - start, ...rest]);
      },
    );
  },
  shapes: [
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
  ],
});
opCase({
  op: 'stack',
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
});
opCase({
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
});
opCase({
  op: 'one part of a split',
  run: (x) => split(x, 2, -1)[1] as Tensor,
  reference: (x) => range(x, x.shape.length - 1, 2, Math.min(2, (x.shape.at(-1) ?? 0) - 2)),
  shapes: [[[2, 5]], [[3]], [[0, 4]]],
});

describe('mistakes', () => {
  const x = ones([2, 3]);
  it.each<[string, () => unknown, string | RegExp]>([
    [
      'reshape',
      () => reshape(x, [4, 2]),
      /reshape: got f32\[2, 3\] on (cpu|cuda:0) into \[4, 2\], expected as many elements \(6 and 8\)/,
    ],
    ['reshape', () => reshape(x, [4, -1]), /one axis open, expected 6 elements to be a multiple of 4/],
    [
      'reshape',
      () => reshape(x, [-1, -1]),
      /reshape: got extent -1, expected extents of 0 or more, and -1 at most once/,
    ],
    ['reshape', () => reshape(x, [1, 1, 1, 1, 1, 6, 1]), /reshape: got 7 axes, expected at most 6/],
    [
      'reshape',
      () => reshape(x, [2 ** 40, 2 ** 40]),
      `reshape: got f32[2, 3] on ${here} to [1099511627776, 1099511627776], expected at most 2^40 elements in all`,
    ],
    [
      'flatten',
      () => flatten(x, 1, 0),
      /flatten: got axes 1 to 0 of f32\[2, 3\] on (cpu|cuda:0), expected the first before the last/,
    ],
    ['transpose', () => transpose(x, 0, 2), /transpose: got dim 2, expected -2\.\.1/],
    ['permute', () => permute(x, [0, 0]), /permute: got dim 0 twice/],
    ['permute', () => permute(x, [0]), /permute: got 1 dims for f32\[2, 3\] on (cpu|cuda:0), expected each axis once/],
    ['slice', () => slice(x, [0, 0, 0]), /slice: got 3 starts and 3 ends for f32\[2, 3\] on (cpu|cuda:0)/],
    [
      'select',
      () => select(x, 1, 3),
      /select: got index 3, expected -3\.\.2 along dim 1 of f32\[2, 3\] on (cpu|cuda:0)/,
    ],
    [
      'unsqueeze',
      () => unsqueeze(ones([1, 1, 1, 1, 1, 1]), 0),
      /unsqueeze: got f32\[1, 1, 1, 1, 1, 1\] on (cpu|cuda:0), expected fewer than 6 axes/,
    ],
    ['squeeze', () => squeeze(x, 4), /squeeze: got dim 4/],
    [
      'expand',
      () => expand(x, [4, 3]),
      /expand: got extent 4 for f32\[2, 3\] on (cpu|cuda:0), expected 2 or, where the extent is 1, any/,
    ],
    ['expand', () => expand(x, [3]), /expand: got 1 extents for f32\[2, 3\] on (cpu|cuda:0)/],
    ['expand', () => expand(ones([1, 1]), [2 ** 30, 2 ** 30]), /expand: .*at most 2\^40 elements/],
    ['concat', () => concat([], 0), /concat: got no tensors/],
    [
      'concat',
      () => concat([x, ones([3, 3])], 1),
      `concat: got f32[2, 3] on ${here} and f32[3, 3] on ${here}, expected equal extents except along dim 1`,
    ],
    ['concat', () => concat([x, ones([2, 3], { dtype: 'f64' })], 1), /concat: .*expected one dtype/],
    [
      'stack',
      () => stack([x, ones([3, 3])], 0),
      /stack: got f32\[2, 3\] on (cpu|cuda:0) and f32\[3, 3\] on (cpu|cuda:0), expected tensors of one shape/,
    ],
    [
      'split',
      () => split(x, [1, 1], 1),
      /split: got sizes that add up to 2 for dim 1 of f32\[2, 3\] on (cpu|cuda:0), expected 3/,
    ],
    ['split', () => split(x, 0, 1), /split: got size 0, expected a whole number of 1 or more/],
    ['split', () => split(x, [4, -1], 1), /split: got size -1, expected 0 or more/],
    ['flip', () => flip(x, [0, 0]), /flip: got dim 0 twice/],
    ['tile', () => tile(x, [2]), /tile: got repeats \[2\] for f32\[2, 3\] on (cpu|cuda:0), expected 2 whole numbers/],
    [
      'padConstant',
      () => padConstant(x, [[0, 1]]),
      /padConstant: got amounts \[\[0, 1\]\] for f32\[2, 3\] on (cpu|cuda:0), expected 2 pairs/,
    ],
  ])('of %s say what was given and expected', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
