import * as stm from 'stmnet';
import { floating, known } from '../inputs';
import {
  alongAxis,
  build,
  flipped,
  get,
  joined,
  permuted,
  reshaped,
  selected,
  sizeOf,
  sliced,
  spread,
  type Plain,
} from '../plain';
import { shown, type CaseMaker } from './case';

const concatCase: CaseMaker = (draw) => {
  const shape = draw.shape(draw.whole(1, 4));
  const [dim, dtype] = [draw.whole(0, shape.length - 1), floating(draw)];
  const part = (): number[] => shape.map((extent, axis) => (axis === dim ? draw.extent() : extent));
  const inputs = draw.many(draw.whole(1, 4), () => known(draw, part(), { dtype }));
  return {
    label: shown('concat', { shape, dim }),
    inputs,
    run: (...parts) => stm.concat(parts, dim),
    plain: (...parts) => joined(parts, dim),
  };
};

const stackCase: CaseMaker = (draw) => {
  const shape = draw.shape(draw.whole(0, 3));
  const [dim, dtype] = [draw.whole(0, shape.length), floating(draw)];
  const inputs = draw.many(draw.whole(1, 4), () => known(draw, shape, { dtype }));
  const raised = (x: Plain): Plain => reshaped(x, [...shape.slice(0, dim), 1, ...shape.slice(dim)]);
  return {
    label: shown('stack', { shape, dim }),
    inputs,
    run: (...parts) => stm.stack(parts, dim),
    plain: (...parts) => joined(parts.map(raised), dim),
  };
};

const splitCase: CaseMaker = (draw) => {
  const shape = draw.shape(draw.whole(1, 4));
  const dim = draw.whole(0, shape.length - 1);
  const extent = shape[dim]!;
  const first = draw.whole(0, extent);
  const sizes = [first, extent - first];
  const piece = (x: Plain, from: number, to: number): Plain =>
    sliced(
      x,
      shape.map((_, axis) => (axis === dim ? from : 0)),
      shape.map((old, axis) => (axis === dim ? to : old)),
    );
  return {
    label: shown('split', { shape, dim, sizes }),
    inputs: [known(draw, shape, { dtype: floating(draw) })],
    run: (x) => stm.split(x, sizes, dim),
    plain: (x) => [piece(x, 0, first), piece(x, first, extent)],
  };
};

const tileCase: CaseMaker = (draw) => {
  const shape = draw.fullShape(draw.whole(1, 3));
  const repeats = shape.map(() => draw.whole(0, 3));
  const tiled = shape.map((extent, axis) => extent * repeats[axis]!);
  return {
    label: shown('tile', { shape, repeats }),
    inputs: [known(draw, shape, { dtype: floating(draw) })],
    run: (x) => stm.tile(x, repeats),
    plain: (x) =>
      build(tiled, (place) =>
        get(
          x,
          place.map((at, axis) => at % shape[axis]!),
        ),
      ),
  };
};

const padCase: CaseMaker = (draw) => {
  const shape = draw.shape(draw.whole(1, 3));
  const amounts = shape.map((): [number, number] => [draw.whole(0, 2), draw.whole(0, 2)]);
  const padded = shape.map((extent, axis) => extent + amounts[axis]![0] + amounts[axis]![1]);
  const inside = (place: readonly number[]): boolean => place.every((at, axis) => at >= 0 && at < shape[axis]!);
  return {
    label: shown('padConstant', { shape, amounts }),
    inputs: [known(draw, shape, { dtype: floating(draw) })],
    run: (x) => stm.padConstant(x, amounts, 3),
    plain: (x) =>
      build(padded, (place) => {
        const source = place.map((at, axis) => at - amounts[axis]![0]);
        return inside(source) ? get(x, source) : 3;
      }),
  };
};

const viewCase: CaseMaker = (draw) => {
  const shape = draw.fullShape(draw.whole(2, 4));
  const dims = draw.shuffled(shape.map((_, axis) => axis));
  const turned = dims.map((dim) => shape[dim]!);
  const axis = draw.whole(0, shape.length - 1);
  const index = draw.whole(0, turned[axis]! - 1);
  return {
    label: shown('permute, flip, select, reshape, expand', { shape, dims, axis, index }),
    inputs: [known(draw, shape, { dtype: floating(draw) })],
    run: (x) => x.permute(dims).flip([axis]).select(axis, index).reshape([1, -1]).expand([3, -1]),
    plain: (x) => {
      const rest = selected(flipped(permuted(x, dims), axis), axis, index);
      return spread(reshaped(rest, [1, sizeOf(rest.shape)]), [3, sizeOf(rest.shape)]);
    },
  };
};

const unfoldCase: CaseMaker = (draw) => {
  const shape = draw.fullShape(draw.whole(1, 3));
  const dim = draw.whole(0, shape.length - 1);
  const [stride, dilation] = [draw.whole(1, 3), draw.whole(1, 2)];
  const size = draw.whole(1, Math.floor((shape[dim]! - 1) / dilation) + 1);
  const count = Math.floor((shape[dim]! - (size - 1) * dilation - 1) / stride) + 1;
  const windows = [...shape.map((extent, axis) => (axis === dim ? count : extent)), size];
  return {
    label: shown('unfold', { shape, dim, size, stride, dilation }),
    inputs: [known(draw, shape, { dtype: floating(draw) })],
    run: (x) => stm.unfold(x, dim, size, { stride, dilation }),
    plain: (x) =>
      build(windows, (place) =>
        get(
          x,
          shape.map((_, axis) => (axis === dim ? place[dim]! * stride + place.at(-1)! * dilation : place[axis]!)),
        ),
      ),
  };
};

const sortCase: CaseMaker = (draw) => {
  const shape = draw.fullShape();
  const dim = draw.whole(0, shape.length - 1);
  const [descending, k] = [draw.chance(0.5), draw.whole(0, shape[dim]!)];
  const ordered = (line: number[]): number[] => [...line].sort((a, b) => (descending ? b - a : a - b));
  const inputs = [known(draw, shape, { dtype: floating(draw) })];
  if (draw.chance(0.5)) {
    return {
      label: shown('sort', { shape, dim, descending }),
      inputs,
      run: (x) => [stm.sort(x, dim, { descending }).values],
      plain: (x) => alongAxis(x, dim, ordered),
    };
  }
  return {
    label: shown('topK', { shape, dim, k, largest: descending }),
    inputs,
    run: (x) => [stm.topK(x, k, dim, { largest: descending }).values],
    plain: (x) => alongAxis(x, dim, (line) => ordered(line).slice(0, k)),
  };
};

const selectCase: CaseMaker = (draw) => {
  const shape = draw.fullShape();
  const [dim, count] = [draw.whole(0, shape.length - 1), draw.whole(0, 6)];
  const inputs = [
    known(draw, shape, { dtype: floating(draw) }),
    known(draw, [count], { dtype: 'i32', low: 0, high: shape[dim]! }),
  ];
  const picked = shape.map((extent, axis) => (axis === dim ? count : extent));
  return {
    label: shown('indexSelect', { shape, dim, count }),
    inputs,
    run: (x, places) => stm.indexSelect(x, dim, places),
    plain: (x, places) =>
      build(picked, (place) =>
        get(
          x,
          place.map((at, axis) => (axis === dim ? places.data[at]! : at)),
        ),
      ),
  };
};

const gatherCase: CaseMaker = (draw) => {
  const shape = draw.fullShape();
  const dim = draw.whole(0, shape.length - 1);
  const picked = shape.map((extent, axis) => (axis === dim ? draw.whole(1, 6) : extent));
  const dtype = floating(draw);
  const index = known(draw, picked, { dtype: 'i32', low: 0, high: shape[dim]! });
  const moved = (place: readonly number[], to: number): number[] => place.map((at, axis) => (axis === dim ? to : at));
  if (draw.chance(0.5)) {
    return {
      label: shown('gather', { shape, dim, picked }),
      inputs: [known(draw, shape, { dtype }), index],
      run: (x, places) => stm.gather(x, dim, places),
      plain: (x, places) => build(picked, (place) => get(x, moved(place, get(places, place)))),
    };
  }
  return {
    label: shown('scatterAdd', { shape, dim, picked }),
    inputs: [known(draw, shape, { dtype }), index, known(draw, picked, { dtype })],
    run: (x, places, source) => stm.scatterAdd(x, dim, places, source),
    plain: (x, places, source) => {
      const sums = build(shape, (place) => get(x, place));
      source.data.forEach((value, flat) => {
        const place = placeIn(picked, flat);
        sums.data[flatIn(shape, moved(place, get(places, place)))]! += value;
      });
      return sums;
    },
  };
};

const placeIn = (shape: readonly number[], flat: number): number[] =>
  shape.map((extent, axis) => Math.floor(flat / sizeOf(shape.slice(axis + 1))) % extent);
const flatIn = (shape: readonly number[], place: readonly number[]): number =>
  shape.reduce((flat, extent, axis) => flat * extent + place[axis]!, 0);

const embeddingCase: CaseMaker = (draw) => {
  const [words, width] = [draw.whole(1, 7), draw.extent()];
  const shape = draw.shape(draw.whole(0, 3));
  const inputs = [
    known(draw, shape, { dtype: 'i32', low: 0, high: words }),
    known(draw, [words, width], { dtype: floating(draw) }),
  ];
  const plain = (places: Plain, table: Plain): Plain =>
    build([...shape, width], (place) => get(table, [get(places, place.slice(0, -1)), place.at(-1)!]));
  return {
    label: shown('embedding', { shape, words, width }),
    inputs,
    run: (places, table) => stm.embedding(places, table),
    plain,
  };
};

const oneHotCase: CaseMaker = (draw) => {
  const [classes, shape] = [draw.whole(1, 6), draw.shape(draw.whole(0, 3))];
  return {
    label: shown('oneHot', { shape, classes }),
    inputs: [known(draw, shape, { dtype: 'i32', low: 0, high: classes })],
    run: (places) => stm.oneHot(places, classes),
    plain: (places) => build([...shape, classes], (place) => Number(get(places, place.slice(0, -1)) === place.at(-1)!)),
  };
};

export const shapeCases: readonly CaseMaker[] = [
  concatCase,
  stackCase,
  splitCase,
  tileCase,
  padCase,
  viewCase,
  unfoldCase,
  sortCase,
  selectCase,
  gatherCase,
  embeddingCase,
  oneHotCase,
];
