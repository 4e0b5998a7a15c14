// The op functions of src/tensor/ops/indexing.ts, each with what it gives in plain TypeScript.
import * as stm from 'stmnet';
import type { HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { whole } from './inputs';

const [matrix, cube] = [
  [133, 70],
  [5, 37, 24],
];
const axisOf = (dim: number, rank: number): number => (dim < 0 ? dim + rank : dim);

/** A row of the table for each index. */
const looked = (words: HostArray, table: HostArray): HostArray =>
  generate([...words.shape, table.shape[1] ?? 0], (place) =>
    at(table, [at(words, place.slice(0, -1)), place.at(-1) ?? 0]),
  );

const indexSelect = (dim: number): OpCase => ({
  op: `indexSelect along ${dim}`,
  run: (x, places) => stm.indexSelect(x, dim, places),
  reference: (x, places) => {
    const axis = axisOf(dim, x.shape.length);
    return generate(x.shape.with(axis, places.data.length), (place) =>
      at(x, place.with(axis, at(places, [place[axis] ?? 0]))),
    );
  },
  shapes: [
    [[2, 3], whole([4], 2)],
    [[3, 2, 2], whole([4], 2)],
    [[2, 2, 3, 2], whole([4], 2)],
    [[2, 3], whole([0], 2)],
  ],
  large: [[cube, whole([60], 5)]],
});

const gather = (dim: number): OpCase => ({
  op: `gather along ${dim}`,
  run: (x, places) => stm.gather(x, dim, places),
  reference: (x, places) => {
    const axis = axisOf(dim, x.shape.length);
    return generate(places.shape, (place) => at(x, place.with(axis, at(places, place))));
  },
  shapes: [
    [[2, 2, 2], whole([2, 2, 2], 2)],
    [[2, 2, 2].with(axisOf(dim, 3), 4), whole([2, 2, 2], 4)],
    [[2, 2, 2], whole([2, 2, 2].with(axisOf(dim, 3), 0), 2)],
  ],
  large: [[matrix, whole(matrix.with(axisOf(dim, 2), 9), matrix.at(dim) ?? 1)]],
});

/** Few targets of many numbers, along columns and rows. */
const largeSums = [[[[9, 70], whole([400, 70], 9), [400, 70]]], [[matrix, whole([133, 200], 70), [133, 200]]]];

const scatterAdd = (dim: number): OpCase => ({
  op: `scatterAdd along ${dim}`,
  run: (x, places, source) => stm.scatterAdd(x, dim, places, source),
  reference: (x, places, source) => {
    const axis = axisOf(dim, x.shape.length);
    const result = Float64Array.from(x.data);
    generate(places.shape, (place) => {
      const target = place.with(axis, at(places, place));
      const position = target.reduce((sum, index, i) => sum * (x.shape[i] ?? 0) + index, 0);
      return (result[position] = (result[position] ?? 0) + at(source, place));
    });
    return { data: result, shape: x.shape };
  },
  shapes: [
    [[2, 2, 2], whole([2, 2, 2], 2), [2, 2, 2]],
    [[2, 2, 2].with(axisOf(dim, 3), 5), whole([2, 2, 2], 5), [2, 2, 2]],
    [[2, 2, 2], whole([2, 2, 2].with(axisOf(dim, 3), 0), 2), [2, 2, 2].with(axisOf(dim, 3), 0)],
  ],
  large: largeSums[axisOf(dim, 2)] ?? [],
});
/** Values of each row along an axis, in order. */
function sorted(x: HostArray, axis: number, descending: boolean): HostArray {
  return generate(x.shape, (place) => {
    const line = Array.from({ length: x.shape[axis] ?? 0 }, (_, i) => at(x, place.with(axis, i)));
    return line.toSorted((a, b) => (descending ? b - a : a - b))[place[axis] ?? 0] ?? Number.NaN;
  });
}

/** Where the values of `ordered` stand in x along an axis; none are equal. */
const placesOf = (x: HostArray, ordered: HostArray, axis: number): HostArray =>
  generate(ordered.shape, (place) => {
    const line = Array.from({ length: x.shape[axis] ?? 0 }, (_, i) => at(x, place.with(axis, i)));
    return line.indexOf(at(ordered, place));
  });

const sort = (dim: number, descending: boolean): OpCase => ({
  op: `sort along ${dim}${descending ? ', descending' : ''}`,
  run: (x) => {
    const { values, indices } = stm.sort(x, dim, { descending });
    return [values, indices];
  },
  reference: (x) => {
    const axis = axisOf(dim, x.shape.length);
    const values = sorted(x, axis, descending);
    return [values, placesOf(x, values, axis)];
  },
  shapes: [[[5, 4]], [[3, 2, 4]], [[1, 1]], [[0, 2]], [[2, 0]], ...(dim === 1 ? [] : [[[7]]])],
  large: [[matrix], [cube], ...(dim === -1 ? [[[3, 4000]]] : [])],
});

const topK = (k: number, dim: number, largest: boolean): OpCase => ({
  op: `topK, ${largest ? 'the largest' : 'the smallest'} ${k} along ${dim}`,
  run: (x) => {
    const { values, indices } = stm.topK(x, k, dim, { largest });
    return [values, indices];
  },
  reference: (x) => {
    const axis = axisOf(dim, x.shape.length);
    const all = sorted(x, axis, largest);
    const values = generate(x.shape.with(axis, k), (place) => at(all, place));
    return [values, placesOf(x, values, axis)];
  },
  shapes:
    dim === -1 ? [[[3, 5]], [[2]], [[0, 3]]].filter(([[...shape] = []]) => (shape.at(-1) ?? 0) >= k) : [[[2, 4, 3]]],
  large: [[cube]],
});

const unfold = ([dim, size, stride, dilation]: readonly [number, number, number, number]): OpCase => ({
  op: `unfold along ${dim} by ${size}, stride ${stride}, dilation ${dilation}`,
  run: (x) => stm.unfold(x, dim, size, { stride, dilation }),
  reference: (x) => {
    const axis = axisOf(dim, x.shape.length);
    const windows = Math.floor(((x.shape[axis] ?? 0) - (size - 1) * dilation - 1) / stride) + 1;
    return generate([...x.shape.with(axis, windows), size], (place) =>
      at(x, place.slice(0, -1).with(axis, (place[axis] ?? 0) * stride + (place.at(-1) ?? 0) * dilation)),
    );
  },
  shapes: [[[2, 5, 2]], [[1, 7, 3]], [[2, 4, 2]], ...(dim === 1 ? [[[0, 4, 2]], [[2, 4, 0]]] : [])],
});

export const indexingOps: readonly OpCase[] = [
  {
    op: 'embedding',
    run: (words, table) => stm.embedding(words, table),
    reference: looked,
    shapes: [
      [whole([2, 3], 5), [5, 3]],
      [whole([3], 5), [5, 1]],
      [whole([0], 5), [5, 3]],
      [whole([2, 3], 5), [5, 0]],
      [whole([], 5), [5, 3]],
    ],
    large: [
      [whole([9, 40], 50), [50, 33]],
      [whole([5000], 7), [7, 5]],
    ],
  },
  {
    op: 'embedding with a padding row',
    run: (words, table) => stm.embedding(words, table, { paddingIdx: 3 }),
    reference: looked,
    shapes: [[whole([2, 3], 5), [5, 3]]],
    large: [[whole([9, 40], 50), [50, 33]]],
    gradient: false, // that of the row is 0, on purpose
  },
  {
    op: 'embedding of floating numbers',
    run: (words, table) => stm.embedding(words.cast('f32'), table),
    reference: looked,
    shapes: [[whole([2, 3], 5), [5, 3]]],
    large: [[whole([9, 40], 50), [50, 3]]],
  },
  ...[0, 1, -1].map(indexSelect),
  ...[0, 1, -1].map(gather),
  ...[0, 1, -1].map(scatterAdd),
  {
    op: 'oneHot',
    run: (x) => stm.oneHot(x, 21),
    reference: (x) => generate([...x.shape, 21], (place) => Number(at(x, place.slice(0, -1)) === place.at(-1))),
    shapes: [[whole([4, 9], 21)], [whole([], 21)], [whole([0, 2], 21)]],
    large: [[whole([40, 9], 21)]],
  },
  ...[0, 1, -1].flatMap((dim) => [sort(dim, false), sort(dim, true)]),
  topK(2, -1, true),
  topK(3, 1, false),
  ...(
    [
      [1, 3, 1, 1],
      [1, 2, 2, 1],
      [-2, 2, 1, 3],
      [0, 1, 1, 1],
      [-1, 2, 3, 1],
    ] as const
  ).map(unfold),
  { ...unfold([1, 5, 3, 2]), shapes: [[[2, 9, 2]], [[1, 12]]], large: [[cube]] },
];
