import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import type { Call } from './call';
import { garbage, spoiled, spoiledOptions } from './garbage';
import { Pool } from './pool';
import { unaryOps } from '../../../test/support/ops/unary';
import type { Draw } from '../random';

/** Makes one call. */
export type CallMaker = (draw: Draw, pool: Pool) => Call;

const unaryNames = [...Object.keys(unaryOps), 'isNaN', 'isFinite', 'logicalNot', 'contiguous', 'onesLike', 'zerosLike'];
const binaryNames = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'logicalAnd',
  'logicalOr',
] as const;
const inPlaceNames = ['add_', 'sub_', 'mul_', 'div_', 'copy_'] as const;
const reductionNames = [
  'sum',
  'mean',
  'prod',
  'max',
  'min',
  'any',
  'all',
  'argmax',
  'argmin',
  'variance',
  'std',
  'logSumExp',
  'norm',
] as const;
const dtypes = ['f32', 'f64', 'i32', 'bool'] as const;

const number = (draw: Draw): unknown =>
  draw.chance(0.85) ? draw.pick([0, 1, -1, 2, 0.5, -0.5, 3, 1e-3, 10, -3]) : garbage(draw);
const axis = (draw: Draw): unknown => (draw.chance(0.9) ? draw.whole(-3, 2) : garbage(draw));
const anything = (draw: Draw, pool: Pool): unknown => (draw.chance(0.96) ? pool.any() : garbage(draw));

/** What stands beside `a`: a number, a tensor that fits, or any. */
function operand(draw: Draw, pool: Pool, a: Tensor): unknown {
  if (draw.chance(0.3)) return number(draw);
  return draw.chance(0.7) ? pool.partner(a) : pool.any();
}

/** What changes `a` in place: a number, a tensor that fits, `a` itself, or any. */
function operandInPlace(draw: Draw, pool: Pool, a: Tensor): unknown {
  if (draw.chance(0.3)) return number(draw);
  if (draw.chance(0.8)) return pool.partner(a);
  return draw.chance(0.5) ? a : pool.any();
}

/** A number of elements that a test can afford, in the place of a huge one. */
export function affordable(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) > 1e5 && Number.isFinite(value) ? -1 : value;
  if (Array.isArray(value)) return value.map(affordable);
  return value;
}

const elementwise: Readonly<Record<string, CallMaker>> = {
  unary: (draw, pool) => {
    const name = draw.pick(unaryNames);
    const run: unknown = Reflect.get(stm, name);
    if (typeof run !== 'function') throw new Error(`stmnet exports no function ${name}`);
    const call = (...args: unknown[]): unknown => Reflect.apply(run, stm, args);
    return { name, run: call, args: spoiled(draw, [anything(draw, pool)]) };
  },
  binary: (draw, pool) => {
    const name = draw.pick(binaryNames);
    const a = pool.any();
    return { name, run: stm[name], args: spoiled(draw, [a, operand(draw, pool, a)]) };
  },
  method: (draw, pool) => {
    const name = draw.pick([...unaryNames, ...binaryNames, ...reductionNames]);
    const a = pool.any();
    const run = (...args: unknown[]): unknown => {
      const method: unknown = Reflect.get(a, name);
      if (typeof method !== 'function') return undefined;
      return Reflect.apply(method, a, args);
    };
    return { name: `method ${name}`, run, args: spoiled(draw, [draw.chance(0.5) ? pool.partner(a) : undefined]) };
  },
  numbers: (draw, pool) => {
    const name = draw.pick(['rsub', 'rdiv', 'rpow'] as const);
    return { name, run: stm[name], args: spoiled(draw, [pool.any(), number(draw)]) };
  },
  clamp: (draw, pool) => ({
    name: 'clamp',
    run: stm.clamp,
    args: spoiled(draw, [pool.any(), spoiledOptions(draw, { min: number(draw), max: number(draw) })]),
  }),
  where: (draw, pool) => {
    const a = pool.any();
    const condition = pool.view(Pool.shapeOf(a), 'bool');
    return {
      name: 'where',
      run: stm.where,
      args: spoiled(draw, [
        condition,
        draw.chance(0.2) ? number(draw) : a,
        draw.chance(0.2) ? number(draw) : pool.partner(a),
      ]),
    };
  },
  maskedFill: (draw, pool) => {
    const a = pool.any();
    const mask = pool.view(
      Pool.shapeOf(a).map((extent) => (draw.chance(0.2) ? 1 : extent)),
      'bool',
    );
    return { name: 'maskedFill', run: stm.maskedFill, args: spoiled(draw, [a, mask, number(draw)]) };
  },
  cast: (draw, pool) => ({ name: 'cast', run: stm.cast, args: spoiled(draw, [pool.any(), draw.pick(dtypes)]) }),
  inPlace: (draw, pool) => {
    const name = draw.pick(inPlaceNames);
    const a = pool.any();
    const b = operandInPlace(draw, pool, a);
    const run = draw.chance(0.8) ? (x: Tensor, y: Tensor): unknown => stm.noGrad(() => stm[name](x, y)) : stm[name];
    return { name, run, args: spoiled(draw, [a, b]) };
  },
  fill: (draw, pool) => {
    const name = draw.pick(['fill_', 'zero_'] as const);
    return {
      name,
      run: (x: Tensor, value: number) => stm.noGrad(() => stm[name](x, value)),
      args: spoiled(draw, [pool.any(), number(draw)]),
    };
  },
};

const shapes: Readonly<Record<string, CallMaker>> = {
  reduction: (draw, pool) => {
    const name = draw.pick(reductionNames);
    const dims = draw.pick<unknown>([
      undefined,
      draw.whole(-2, 2),
      [draw.whole(-2, 2), draw.whole(-2, 2)],
      [],
      axis(draw),
    ]);
    return {
      name,
      run: stm[name],
      args: spoiled(draw, [pool.any(), dims, spoiledOptions(draw, { keepDim: draw.chance(0.5) })]),
    };
  },
  cumsum: (draw, pool) => ({ name: 'cumsum', run: stm.cumsum, args: spoiled(draw, [pool.any(), axis(draw)]) }),
  reshape: (draw, pool) => {
    const x = pool.any();
    const shape = draw.pick([[-1], [Pool.sizeOf(x)], [1, Pool.sizeOf(x), 1], [draw.extent(), -1], [-1, -1], [0, -1]]);
    return { name: 'reshape', run: stm.reshape, args: spoiled(draw, [x, shape]) };
  },
  transpose: (draw, pool) => ({
    name: 'transpose',
    run: stm.transpose,
    args: spoiled(draw, [pool.any(), axis(draw), axis(draw)]),
  }),
  permute: (draw, pool) => {
    const x = pool.any();
    return {
      name: 'permute',
      run: stm.permute,
      args: spoiled(draw, [x, draw.shuffled(Pool.shapeOf(x).map((_, at) => at))]),
    };
  },
  slice: (draw, pool) => {
    const x = pool.any();
    const ends = (): unknown[] =>
      draw.many(draw.whole(0, Pool.shapeOf(x).length), () => (draw.chance(0.2) ? null : draw.whole(-4, 6)));
    return { name: 'slice', run: stm.slice, args: spoiled(draw, [x, ends(), ends()]) };
  },
  select: (draw, pool) => ({
    name: 'select',
    run: stm.select,
    args: spoiled(draw, [pool.any(), axis(draw), draw.chance(0.9) ? draw.whole(-2, 2) : garbage(draw)]),
  }),
  unsqueeze: (draw, pool) => ({ name: 'unsqueeze', run: stm.unsqueeze, args: spoiled(draw, [pool.any(), axis(draw)]) }),
  squeeze: (draw, pool) => ({
    name: 'squeeze',
    run: stm.squeeze,
    args: spoiled(draw, [pool.any(), draw.chance(0.5) ? undefined : axis(draw)]),
  }),
  expand: (draw, pool) => {
    const x = pool.any();
    const expanded = (extent: number): number => {
      if (extent === 1) return draw.extent();
      return draw.chance(0.2) ? -1 : extent;
    };
    const extents = Pool.shapeOf(x).map(expanded);
    return {
      name: 'expand',
      run: stm.expand,
      args: spoiled(draw, [x, draw.chance(0.3) ? [draw.extent(), ...extents] : extents]),
    };
  },
  concat: (draw, pool) => {
    const a = pool.any();
    const shape = Pool.shapeOf(a);
    const dim = draw.whole(0, Math.max(0, shape.length - 1));
    const rest = draw.many(draw.whole(0, 3), () =>
      pool.view(
        shape.map((extent, at) => (at === dim ? draw.extent() : extent)),
        Pool.dtypeOf(a),
      ),
    );
    return { name: 'concat', run: stm.concat, args: spoiled(draw, [[a, ...rest], dim]) };
  },
  stack: (draw, pool) => {
    const a = pool.any();
    const rest = draw.many(draw.whole(0, 3), () => pool.view(Pool.shapeOf(a), Pool.dtypeOf(a)));
    return { name: 'stack', run: stm.stack, args: spoiled(draw, [[a, ...rest], axis(draw)]) };
  },
  split: (draw, pool) => {
    const x = pool.any();
    const shape = Pool.shapeOf(x);
    const dim = draw.whole(0, Math.max(0, shape.length - 1));
    const [extent, first] = [shape[dim] ?? 1, draw.whole(0, shape[dim] ?? 1)];
    return {
      name: 'split',
      run: stm.split,
      args: spoiled(draw, [x, draw.chance(0.5) ? draw.whole(1, 3) : [first, extent - first], dim]),
    };
  },
  tile: (draw, pool) => {
    const x = pool.any();
    return {
      name: 'tile',
      run: stm.tile,
      args: spoiled(draw, [x, Pool.shapeOf(x).map(() => draw.whole(0, 3))]).map(affordable),
    };
  },
  padConstant: (draw, pool) => {
    const x = pool.any();
    const amounts = Pool.shapeOf(x).map(() => [draw.whole(0, 2), draw.whole(0, 2)]);
    return {
      name: 'padConstant',
      run: stm.padConstant,
      args: spoiled(draw, [x, amounts, number(draw)]).map(affordable),
    };
  },
  flip: (draw, pool) => ({
    name: 'flip',
    run: stm.flip,
    args: spoiled(draw, [pool.any(), draw.chance(0.8) ? [draw.whole(-2, 2)] : [0, 1]]),
  }),
  flatten: (draw, pool) => ({
    name: 'flatten',
    run: stm.flatten,
    args: spoiled(draw, [pool.any(), axis(draw), axis(draw)]),
  }),
  unfold: (draw, pool) => {
    const options = spoiledOptions(draw, { stride: draw.whole(0, 3), dilation: draw.whole(0, 3) });
    return {
      name: 'unfold',
      run: stm.unfold,
      args: spoiled(draw, [pool.any(), axis(draw), draw.whole(0, 4), options]),
    };
  },
};

const indexing: Readonly<Record<string, CallMaker>> = {
  embedding: (draw, pool) => {
    const words = draw.whole(1, 6);
    const places = stm.randint(
      draw.chance(0.1) ? -1 : 0,
      words + (draw.chance(0.1) ? 1 : 0),
      draw.shape(draw.whole(0, 3)),
    );
    const options = spoiledOptions(draw, draw.chance(0.5) ? { paddingIdx: draw.whole(-words, words - 1) } : {});
    return {
      name: 'embedding',
      run: stm.embedding,
      args: spoiled(draw, [places, pool.view([words, draw.extent()], draw.pick(['f32', 'f64'])), options]),
    };
  },
  embeddingOfAnything: (draw, pool) => ({
    name: 'embedding',
    run: stm.embedding,
    args: [anything(draw, pool), pool.view([draw.whole(0, 4), draw.extent()])],
  }),
  oneHot: (draw, pool) => ({
    name: 'oneHot',
    run: stm.oneHot,
    args: spoiled(draw, [
      draw.chance(0.7) ? stm.randint(0, 4, draw.shape(draw.whole(0, 3))) : pool.any(),
      draw.whole(0, 5),
    ]).map(affordable),
  }),
  indexSelect: (draw, pool) => {
    const x = pool.any();
    const shape = Pool.shapeOf(x);
    const dim = draw.whole(0, Math.max(0, shape.length - 1));
    return {
      name: 'indexSelect',
      run: stm.indexSelect,
      args: spoiled(draw, [x, dim, stm.randint(0, Math.max(1, shape[dim] ?? 1), [draw.extent()])]),
    };
  },
  gather: (draw, pool) => {
    const x = pool.any();
    const shape = Pool.shapeOf(x);
    const dim = draw.whole(0, Math.max(0, shape.length - 1));
    const places = stm.randint(
      draw.chance(0.05) ? -1 : 0,
      Math.max(1, shape[dim] ?? 1),
      shape.map((extent, at) => (at === dim ? draw.extent() : extent)),
    );
    if (draw.chance(0.5)) return { name: 'gather', run: stm.gather, args: spoiled(draw, [x, dim, places]) };
    return {
      name: 'scatterAdd',
      run: stm.scatterAdd,
      args: spoiled(draw, [x, dim, places, pool.view([...places.shape], Pool.dtypeOf(x))]),
    };
  },
  topK: (draw, pool) => ({
    name: 'topK',
    run: stm.topK,
    args: spoiled(draw, [
      pool.any(),
      draw.whole(0, 4),
      axis(draw),
      spoiledOptions(draw, { largest: draw.chance(0.5) }),
    ]),
  }),
  sort: (draw, pool) => ({
    name: 'sort',
    run: stm.sort,
    args: spoiled(draw, [pool.any(), axis(draw), spoiledOptions(draw, { descending: draw.chance(0.5) })]),
  }),
};

export const tensorCalls: readonly CallMaker[] = [
  ...Object.values(elementwise),
  ...Object.values(shapes),
  ...Object.values(indexing),
];
export { anything, axis, number };
