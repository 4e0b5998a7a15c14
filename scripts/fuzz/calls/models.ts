// Calls of products, normalisation, losses and padded sequences.
import * as stm from 'stmnet';
import { PaddedSequence, type Sequence, type Tensor } from 'stmnet';
import { floating } from '../inputs';
import type { Draw } from '../random';
import { garbage, spoiled, spoiledOptions } from './garbage';
import { Pool } from './pool';
import { affordable, axis, number, type CallMaker } from './tensors';

const reduction = (draw: Draw): unknown => draw.pick(['mean', 'sum', 'none', undefined]);

/** Both padded by the same lengths, or neither. */
function pair(draw: Draw, a: Tensor, b: Tensor): [Sequence, Sequence] {
  const [rows, steps] = a.shape;
  if (rows === undefined || steps === undefined || draw.chance(0.5)) return [a, b];
  const lengths = draw.many(rows, () => draw.whole(0, steps));
  return [new PaddedSequence(a, lengths), new PaddedSequence(b, lengths)];
}

const ops: Readonly<Record<string, CallMaker>> = {
  matmul: (draw, pool) => {
    const [k, dtype] = [draw.extent(), floating(draw)];
    const lead = draw.shape(draw.whole(0, 2));
    const shapes = draw.pick([
      [[k], [k]],
      [
        [draw.extent(), k],
        [k, draw.extent()],
      ],
      [
        [...lead, draw.extent(), k],
        [...lead, k, draw.extent()],
      ],
      [[...lead, 2, k], [k]],
    ]);
    return {
      name: 'matmul',
      run: stm.matmul,
      args: spoiled(
        draw,
        shapes.map((shape) => pool.view(shape, dtype)),
      ),
    };
  },
  matmulOfAny: (_, pool) => ({ name: 'matmul', run: stm.matmul, args: [pool.any(), pool.any()] }),
  linear: (draw, pool) => {
    const [inFeatures, outFeatures, dtype] = [draw.extent(), draw.extent(), floating(draw)];
    const bias = draw.chance(0.5) ? pool.view([outFeatures], dtype) : undefined;
    return {
      name: 'linear',
      run: stm.linear,
      args: spoiled(draw, [
        pool.view([...draw.shape(draw.whole(0, 3)), inFeatures], dtype),
        pool.view([outFeatures, inFeatures], dtype),
        bias,
      ]),
    };
  },
  softmax: (draw, pool) => {
    const x = pool.float();
    const mask = draw.chance(0.3)
      ? pool.view(
          Pool.shapeOf(x).map((extent) => (draw.chance(0.3) ? 1 : extent)),
          'bool',
        )
      : undefined;
    return { name: 'softmax', run: stm.softmax, args: spoiled(draw, [x, axis(draw), spoiledOptions(draw, { mask })]) };
  },
  logSoftmax: (draw, pool) => ({
    name: 'logSoftmax',
    run: stm.logSoftmax,
    args: spoiled(draw, [pool.float(), axis(draw)]),
  }),
  layerNorm: (draw, pool) => {
    const x = pool.float();
    const shape = Pool.shapeOf(x).slice(-draw.whole(1, 2));
    const scaled = {
      weight: pool.view(shape, Pool.dtypeOf(x)),
      bias: draw.chance(0.5) ? pool.view(shape, Pool.dtypeOf(x)) : undefined,
    };
    return {
      name: 'layerNorm',
      run: stm.layerNorm,
      args: spoiled(draw, [
        x,
        spoiledOptions(draw, draw.chance(0.5) ? scaled : { axes: draw.whole(1, 2), eps: number(draw) }),
      ]),
    };
  },
  batchNorm: (draw, pool) => {
    const [columns, dtype, rows, steps] = [draw.extent(), floating(draw), draw.whole(0, 4), draw.whole(0, 4)];
    const sequences = draw.chance(0.5);
    const options = {
      training: draw.chance(0.6),
      weight: pool.view([columns], dtype),
      bias: pool.view([columns], dtype),
      ...(draw.chance(0.5)
        ? { runningMean: stm.zeros([columns], { dtype }), runningVar: stm.ones([columns], { dtype }) }
        : {}),
      ...(sequences && draw.chance(0.5) ? { lengths: draw.many(rows, () => draw.whole(0, steps)) } : {}),
    };
    return {
      name: 'batchNorm',
      run: stm.batchNorm,
      args: spoiled(draw, [
        pool.view(sequences ? [rows, steps, columns] : [rows, columns], dtype),
        spoiledOptions(draw, options),
      ]),
    };
  },
  conv1d: (draw, pool) => {
    const [channels, outputs, size, dtype] = [draw.extent(), draw.extent(), draw.whole(0, 4), floating(draw)];
    const options = {
      bias: draw.chance(0.5) ? pool.view([outputs], dtype) : undefined,
      stride: draw.whole(1, 3),
      padding: draw.chance(0.2) ? 'same' : draw.whole(0, 2),
      dilation: draw.whole(1, 2),
    };
    const args = spoiled(draw, [
      pool.view([draw.whole(0, 3), draw.whole(0, 6), channels], dtype),
      pool.view([outputs, channels, size], dtype),
      spoiledOptions(draw, options),
    ]);
    return { name: 'conv1d', run: stm.conv1d, args: args.map(affordable) };
  },
  attention: (draw, pool) => {
    const [queries, keys, width, dtype] = [draw.extent(), draw.extent(), draw.extent(), floating(draw)];
    const lead = draw.shape(draw.whole(0, 2));
    const options = {
      causal: draw.chance(0.3),
      mask: draw.chance(0.3) ? pool.view([queries, keys], 'bool') : undefined,
      scale: draw.chance(0.2) ? number(draw) : undefined,
    };
    const inputs = [
      [queries, width],
      [keys, width],
      [keys, draw.extent()],
    ].map((shape) => pool.view([...lead, ...shape], dtype));
    return {
      name: 'scaledDotProductAttention',
      run: stm.scaledDotProductAttention,
      args: spoiled(draw, [...inputs, spoiledOptions(draw, options)]),
    };
  },
  noise: (draw, pool) => {
    const name = draw.pick(['dropout', 'gaussianNoise'] as const);
    return { name, run: stm[name], args: spoiled(draw, [pool.float(), draw.chance(0.8) ? draw.next() : number(draw)]) };
  },
  bernoulli: (draw, pool) => ({
    name: 'bernoulli',
    run: stm.bernoulli,
    args: spoiled(draw, [draw.chance(0.7) ? stm.rand(draw.shape()) : pool.any()]),
  }),
  initialise: (draw, pool) => {
    const name = draw.pick(['uniform_', 'normal_'] as const);
    return {
      name,
      run: (...args: Parameters<typeof stm.uniform_>) => stm.noGrad(() => stm[name](...args)),
      args: spoiled(draw, [pool.float(), spoiledOptions(draw, {})]),
    };
  },
};

const pointwiseNames = [
  'mseLoss',
  'l1Loss',
  'smoothL1Loss',
  'huberLoss',
  'binaryCrossEntropy',
  'binaryCrossEntropyWithLogits',
  'klDivergence',
] as const;

const losses: Readonly<Record<string, CallMaker>> = {
  pointwise: (draw, pool) => {
    const [name, dtype, shape] = [draw.pick(pointwiseNames), floating(draw), draw.shape()];
    const values = [pool.view(shape, dtype), pool.view(shape, dtype)].map((x) =>
      name === 'binaryCrossEntropy' ? x.sigmoid() : x,
    );
    const options: Record<string, unknown> = {
      reduction: name === 'klDivergence' ? draw.pick(['mean', 'batchmean']) : reduction(draw),
    };
    if (name === 'smoothL1Loss') options['beta'] = number(draw);
    if (name === 'huberLoss') options['delta'] = number(draw);
    return {
      name,
      run: stm[name],
      args: spoiled(draw, [...pair(draw, values[0]!, values[1]!), spoiledOptions(draw, options)]),
    };
  },
  crossEntropy: (draw, pool) => {
    const [classes, dtype, shape] = [draw.whole(0, 5), floating(draw), draw.shape(draw.whole(0, 3))];
    const soft = draw.chance(0.2);
    const target = soft
      ? pool.view([...shape, classes], dtype).softmax(-1)
      : stm.randint(draw.chance(0.05) ? -1 : 0, Math.max(1, classes), shape);
    const options = {
      reduction: reduction(draw),
      labelSmoothing: draw.chance(0.2) ? draw.next() : 0,
      ignoreIndex: draw.chance(0.3) ? draw.whole(-2, classes) : undefined,
      weight: draw.chance(0.3) ? pool.view([classes], dtype).detach() : undefined,
      ...(draw.chance(0.2)
        ? { stepWeights: pool.view(draw.chance(0.5) ? shape : shape.slice(0, 1), dtype).detach() }
        : {}),
    };
    return {
      name: 'crossEntropy',
      run: stm.crossEntropy,
      args: spoiled(draw, [
        ...pair(draw, pool.view([...shape, classes], dtype), target),
        spoiledOptions(draw, options),
      ]),
    };
  },
  ctcLoss: (draw, pool) => {
    const [rows, steps, classes, labels] = [draw.whole(0, 3), draw.whole(0, 6), draw.whole(1, 5), draw.whole(0, 4)];
    const input = pool
      .view(draw.chance(0.8) ? [steps, rows, classes] : [rows, steps, classes], floating(draw))
      .logSoftmax(-1);
    const options = {
      reduction: reduction(draw),
      blank: draw.chance(0.9) ? 0 : draw.whole(-1, classes),
      zeroInfinity: draw.chance(0.5),
      ...(draw.chance(0.5) ? { inputLengths: draw.many(rows, () => draw.whole(0, steps)) } : {}),
      ...(draw.chance(0.5) ? { targetLengths: draw.many(rows, () => draw.whole(0, labels)) } : {}),
    };
    return {
      name: 'ctcLoss',
      run: stm.ctcLoss,
      args: spoiled(draw, [
        input,
        stm.randint(draw.whole(0, 1), Math.max(2, classes), [rows, labels]),
        spoiledOptions(draw, options),
      ]),
    };
  },
};

const sequences: Readonly<Record<string, CallMaker>> = {
  pad: (draw, pool) => {
    const item = (): unknown =>
      draw.pick<() => unknown>([
        () => new Float32Array(draw.whole(0, 4)),
        () => pool.view([draw.whole(0, 4), 2]),
        () => ({ data: new Float32Array(6), shape: [3, 2] }),
        () => [
          [1, 2],
          [3, 4],
        ],
        () => garbage(draw),
      ])();
    const kind = draw.whole(0, 3);
    const items = draw.many(draw.whole(0, 3), () =>
      draw.chance(0.9)
        ? [
            () => new Float32Array(draw.whole(0, 4)),
            () => pool.view([draw.whole(0, 4), 2]),
            () => [
              [1, 2],
              [3, 4],
            ],
            item,
          ][kind]!()
        : item(),
    );
    return {
      name: 'pad',
      run: stm.pad,
      args: spoiled(draw, [items, spoiledOptions(draw, draw.chance(0.3) ? { steps: draw.whole(0, 6) } : {})]).map(
        affordable,
      ),
    };
  },
  padded: (draw, pool) => {
    const [rows, steps] = [draw.whole(0, 3), draw.whole(0, 4)];
    const run = (values: Tensor, lengths: number[]): PaddedSequence => {
      const padded = new PaddedSequence(values, lengths);
      padded.mask();
      return padded.zeroPadding();
    };
    return {
      name: 'PaddedSequence',
      run,
      args: spoiled(draw, [
        pool.view([rows, steps, draw.extent()], draw.pick(['f32', 'f64', 'i32', 'bool'])),
        draw.many(rows, () => (draw.chance(0.95) ? draw.whole(0, steps) : garbage(draw))),
      ]),
    };
  },
};

export const modelCalls: readonly CallMaker[] = [ops, losses, sequences].flatMap((family) => Object.values(family));
