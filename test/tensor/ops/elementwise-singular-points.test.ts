import { expect, it } from 'vitest';
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import { describeDevices } from '../../support/devices';
import { expectSingularPoint, type SingularPoint } from '../../support/singular-points';

const inf = Infinity;
const zerosAs = (x: Tensor): Tensor => stm.zerosLike(x);

const table: readonly SingularPoint[] = [
  ['sqrt', stm.sqrt, [[0, 4, -1]], [0, 2, NaN], [[inf, 0.25, NaN]]],
  ['log', stm.log, [[0, 1, -1]], [-inf, 0, NaN], [[inf, 1, -1]]],
  ['abs', stm.abs, [[-1, 0, 1, NaN, -inf]], [1, 0, 1, NaN, inf], [[-1, 0, 1, 0, -1]]],
  ['sign', stm.sign, [[-1, 0, 1, NaN]], [-1, 0, 1, 0], [[0, 0, 0, 0]]],
  ['relu', stm.relu, [[-1, 0, 1, NaN]], [0, 0, 1, NaN], [[0, 0, 1, 1]]],
  [
    'elu',
    (x) => stm.elu(x),
    [[-1, 0, 1, NaN, -inf]],
    [-0.6321205588285577, 0, 1, NaN, -1],
    [[0.36787944117144233, 1, 1, 1, 0]],
  ],
  ['leakyRelu', (x) => stm.leakyRelu(x), [[-1, 0, 1, NaN]], [-0.01, 0, 1, NaN], [[0.01, 0.01, 1, 0.01]]],
  [
    'the power 0.5',
    (x) => x.pow(0.5),
    [[-inf, -1, -0, 0, 1, inf]],
    [NaN, NaN, 0, 0, 1, inf],
    [[NaN, NaN, -inf, inf, 0.5, 0]],
  ],
  [
    'the power 1.5',
    (x) => x.pow(1.5),
    [[-inf, -1, -0, 0, 1, inf]],
    [inf, NaN, 0, 0, 1, inf],
    [[NaN, NaN, 0, 0, 1.5, inf]],
  ],
  [
    'the power -0.5',
    (x) => x.pow(-0.5),
    [[-inf, -1, -0, 0, 1, inf]],
    [NaN, NaN, -inf, inf, 1, 0],
    [[0, NaN, -inf, -inf, -0.5, 0]],
  ],
  [
    'the power -1',
    (x) => x.pow(-1),
    [[-inf, -1, -0, 0, 1, inf]],
    [0, -1, -inf, inf, 1, 0],
    [[0, -1, -inf, -inf, -1, 0]],
  ],
  ['the power 0', (x) => x.pow(0), [[-inf, -1, -0, 0, 1, inf, NaN]], [1, 1, 1, 1, 1, 1, 1], [[0, 0, 0, 0, 0, 0, 0]]],
  ['the power 1', (x) => x.pow(1), [[-inf, -1, -0, 0, 1, inf]], [-inf, -1, 0, 0, 1, inf], [[1, 1, 1, 1, 1, 1]]],
  ['the power 2', (x) => x.pow(2), [[-inf, -1, -0, 0, 1, inf]], [inf, 1, 0, 0, 1, inf], [[-inf, -2, 0, 0, 2, inf]]],
  ['the power 3', (x) => x.pow(3), [[-inf, -1, -0, 0, 1, inf]], [-inf, -1, 0, 0, 1, inf], [[inf, 3, 0, 0, 3, inf]]],
  [
    'pow',
    stm.pow,
    [
      [0, 0, 0, 0, -1, -1, 0],
      [0, 2, 0.5, -1, 2, 0.5, -0.5],
    ],
    [1, 0, 0, inf, 1, NaN, inf],
    [
      [0, 0, inf, -inf, -2, NaN, -inf],
      [0, 0, 0, -inf, NaN, NaN, -inf],
    ],
  ],
  ['rpow of 0', (x) => stm.rpow(x, 0), [[-1, 0, 1, 2]], [inf, 1, 0, 0], [[-inf, 0, 0, 0]]],
  ['rpow of 1', (x) => stm.rpow(x, 1), [[-1, 0, 1, 2]], [1, 1, 1, 1], [[0, 0, 0, 0]]],
  ['rpow of -2', (x) => stm.rpow(x, -2), [[-1, 0, 1, 2]], [-0.5, 1, -2, 4], [[NaN, NaN, NaN, NaN]]],
  [
    'div',
    stm.div,
    [
      [1, 0, -1, 0, 1e200],
      [0, 0, 0, 2, 1e200],
    ],
    [inf, NaN, -inf, 0, 1],
    [
      [inf, inf, inf, 0.5, 1e-200],
      [-inf, NaN, inf, 0, -1e-200],
    ],
  ],
  [
    'maximum',
    stm.maximum,
    [
      [1, 2, 3, NaN, 1],
      [1, 3, 2, 1, NaN],
    ],
    [1, 3, 3, NaN, NaN],
    [
      [0.5, 0, 1, 1, 1],
      [0.5, 1, 0, 1, 1],
    ],
  ],
  [
    'minimum',
    stm.minimum,
    [
      [1, 2, 3, NaN, 1],
      [1, 3, 2, 1, NaN],
    ],
    [1, 2, 2, NaN, NaN],
    [
      [0.5, 1, 0, 1, 1],
      [0.5, 0, 1, 1, 1],
    ],
  ],
  ['maximum of a number', (x) => stm.maximum(x, 0), [[-1, 0, 1, NaN]], [0, 0, 1, NaN], [[0, 0.5, 1, 1]]],
  ['minimum of a number', (x) => stm.minimum(x, 0), [[-1, 0, 1, NaN]], [-1, 0, 0, NaN], [[1, 0.5, 0, 1]]],
  [
    'clamp',
    (x) => stm.clamp(x, { min: -1, max: 1 }),
    [[-2, -1, 0, 1, 2, NaN]],
    [-1, -1, 0, 1, 1, NaN],
    [[0, 1, 1, 1, 0, 0]],
  ],
  [
    'l1Loss',
    (x) => stm.l1Loss(x, zerosAs(x), { reduction: 'none' }),
    [[0, 1, -1, 2, -2, NaN]],
    [0, 1, 1, 2, 2, NaN],
    [[0, 1, -1, 1, -1, 0]],
  ],
  [
    'smoothL1Loss',
    (x) => stm.smoothL1Loss(x, zerosAs(x), { reduction: 'none' }),
    [[0, 1, -1, 2, -2, NaN]],
    [0, 0.5, 0.5, 1.5, 1.5, NaN],
    [[0, 1, -1, 1, -1, NaN]],
  ],
  [
    'smoothL1Loss without a bend',
    (x) => stm.smoothL1Loss(x, zerosAs(x), { reduction: 'none', beta: 0 }),
    [[0, 1, -1, 2, -2, NaN]],
    [0, 1, 1, 2, 2, NaN],
    [[0, 1, -1, 1, -1, 0]],
  ],
  [
    'huberLoss',
    (x) => stm.huberLoss(x, zerosAs(x), { reduction: 'none' }),
    [[0, 1, -1, 2, -2, NaN]],
    [0, 0.5, 0.5, 1.5, 1.5, NaN],
    [[0, 1, -1, 1, -1, NaN]],
  ],
  [
    'mseLoss',
    (x) => stm.mseLoss(x, zerosAs(x), { reduction: 'none' }),
    [[0, 1, -1, 2, -2, NaN]],
    [0, 1, 1, 4, 4, NaN],
    [[0, 2, -2, 4, -4, NaN]],
  ],
];

describeDevices('element-wise functions at singular points', () => {
  it.each(table)('%s has its values and gradients', (...point) => expectSingularPoint(point));

  it('a gradient of 0 stays 0 where the slope is finite, and masked NaN targets leave none in l1Loss', async () => {
    for (const dtype of ['f32', 'f64'] as const) {
      const x = stm.zeros([2], { dtype, requiresGrad: true }),
        y = stm.tensor([0, NaN], { dtype });
      stm.l1Loss(x, y, { reduction: 'none' }).maskedFill(y.isNaN(), 0).sum().backward();
      expect(Array.from((await x.grad?.data()) ?? [])).toEqual([0, 0]);
      const z = stm.tensor([3, 3, 3], { dtype, requiresGrad: true });
      z.std().mul(0).backward();
      expect(Array.from((await z.grad?.data()) ?? [], (g) => g + 0)).toEqual([0, 0, 0]);
    }
  });

  it('a bound passes gradients where the f32 nearest to it lies', async () => {
    const x = stm.tensor([0.1, 0.7, 0.3], { requiresGrad: true });
    stm.clamp(x, { min: 0.1, max: 0.7 }).sum().backward();
    expect(await x.grad?.data()).toEqual(Float32Array.of(1, 1, 1));
  });
});
