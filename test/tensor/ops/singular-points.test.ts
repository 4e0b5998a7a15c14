import { expect, it } from 'vitest';
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import { describeDevices } from '../../support/devices';

const inf = Infinity;
const zerosAs = (x: Tensor): Tensor => stm.zerosLike(x);
type Numbers = readonly number[] | readonly (readonly number[])[];

/**
 * Where functions have kinks, poles or ties: their values and gradients (of the sum, by each input) as torch 2.13.0
 * gives them in f64.
 */
const table: readonly [
  name: string,
  run: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Numbers[],
  value: readonly number[],
  gradients: readonly Numbers[],
][] = [
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
    'std, biased',
    (x) => stm.std(x, 1, { correction: 0 }),
    [
      [
        [3, 3, 3],
        [0, 0, 0],
        [1, 2, 3],
      ],
    ],
    [0, 0, 0.816496580927726],
    [
      [
        [0, 0, 0],
        [0, 0, 0],
        [-0.40824829046386296, 0, 0.40824829046386296],
      ],
    ],
  ],
  [
    'std',
    (x) => stm.std(x, 1),
    [
      [
        [3, 3, 3],
        [0, 0, 0],
        [1, 2, 3],
      ],
    ],
    [0, 0, 1],
    [
      [
        [0, 0, 0],
        [0, 0, 0],
        [-0.5, 0, 0.5],
      ],
    ],
  ],
  ['std of one', (x) => stm.std(x, 1, { correction: 0 }), [[[3]]], [0], [[[0]]]],
  [
    'variance',
    (x) => stm.variance(x, 1),
    [
      [
        [3, 3, 3],
        [1, 2, 3],
      ],
    ],
    [0, 1],
    [
      [
        [0, 0, 0],
        [-1, 0, 1],
      ],
    ],
  ],
  [
    'the 0.5-norm',
    (x) => stm.norm(x, 1, { p: 0.5 }),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
        [2, 2, -2],
      ],
    ],
    [0, 13.928203230275509, 18],
    [
      [
        [0, 0, 0],
        [0, 2.154700538379252, -1.8660254037844386],
        [3, 3, -3],
      ],
    ],
  ],
  [
    'the 1-norm',
    (x) => stm.norm(x, 1, { p: 1 }),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
        [2, 2, -2],
      ],
    ],
    [0, 7, 6],
    [
      [
        [0, 0, 0],
        [0, 1, -1],
        [1, 1, -1],
      ],
    ],
  ],
  [
    'the 1.5-norm',
    (x) => stm.norm(x, 1, { p: 1.5 }),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
      ],
    ],
    [0, 5.584250376480029],
    [
      [
        [0, 0, 0],
        [0, 0.7329564758289748, -0.8463452372482761],
      ],
    ],
  ],
  [
    'the 2-norm',
    (x) => stm.norm(x, 1),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
      ],
    ],
    [0, 5],
    [
      [
        [0, 0, 0],
        [0, 0.6, -0.8],
      ],
    ],
  ],
  [
    'the 3-norm',
    (x) => stm.norm(x, 1, { p: 3 }),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
      ],
    ],
    [0, 4.497941445275415],
    [
      [
        [0, 0, 0],
        [0, 0.4448513517305356, -0.7908468475209521],
      ],
    ],
  ],
  [
    'the largest norm',
    (x) => stm.norm(x, 1, { p: inf }),
    [
      [
        [0, 0, 0],
        [0, 3, -4],
        [2, 2, -2],
        [NaN, 1, 2],
      ],
    ],
    [0, 4, 2, NaN],
    [
      [
        [0, 0, 0],
        [0, 0, -1],
        [1 / 3, 1 / 3, -1 / 3],
        [0, 0, 0],
      ],
    ],
  ],
  [
    'max',
    (x) => stm.max(x, 1),
    [
      [
        [1, 1, 0],
        [2, 1, 1],
        [0, 0, 0],
      ],
    ],
    [1, 2, 0],
    [
      [
        [0.5, 0.5, 0],
        [1, 0, 0],
        [1 / 3, 1 / 3, 1 / 3],
      ],
    ],
  ],
  [
    'min',
    (x) => stm.min(x, 1),
    [
      [
        [1, 1, 0],
        [2, 1, 1],
      ],
    ],
    [0, 1],
    [
      [
        [0, 0, 1],
        [0, 0.5, 0.5],
      ],
    ],
  ],
  [
    'prod',
    (x) => stm.prod(x, 1),
    [
      [
        [0, 2, 3],
        [0, 0, 3],
        [1, 2, 3],
      ],
    ],
    [0, 0, 6],
    [
      [
        [6, 0, 0],
        [0, 0, 0],
        [6, 3, 2],
      ],
    ],
  ],
  [
    'logSumExp',
    (x) => stm.logSumExp(x, 1),
    [
      [
        [-inf, -inf],
        [-inf, 0],
        [inf, 0],
      ],
    ],
    [-inf, 0, inf],
    [
      [
        [NaN, NaN],
        [0, 1],
        [NaN, 0],
      ],
    ],
  ],
  [
    'softmax',
    (x) => stm.softmax(x, 1).select(1, 0),
    [
      [
        [-inf, -inf],
        [-inf, 0],
        [0, 0],
      ],
    ],
    [NaN, 0, 0.5],
    [
      [
        [NaN, NaN],
        [0, 0],
        [0.25, -0.25],
      ],
    ],
  ],
  [
    'logSoftmax',
    (x) => stm.logSoftmax(x, 1).select(1, 1),
    [
      [
        [-inf, -inf],
        [-inf, 0],
        [0, 0],
      ],
    ],
    [NaN, 0, -Math.LN2],
    [
      [
        [NaN, NaN],
        [0, 0],
        [-0.5, 0.5],
      ],
    ],
  ],
  [
    'layerNorm',
    (x) => stm.layerNorm(x).select(1, 0),
    [
      [
        [2, 2, 2],
        [0, 0, 0],
      ],
    ],
    [0, 0],
    [
      [
        [210.81851067789194, -105.40925533894597, -105.40925533894597],
        [210.81851067789194, -105.40925533894597, -105.40925533894597],
      ],
    ],
  ],
  [
    'crossEntropy',
    (x) => stm.crossEntropy(x, stm.tensor([1, 1, 0], { dtype: 'i32' }), { reduction: 'none' }),
    [
      [
        [-inf, 0, 0],
        [0, -inf, 0],
        [inf, 0, 0],
      ],
    ],
    [Math.LN2, inf, NaN],
    [
      [
        [0, -0.5, 0.5],
        [0.5, -1, 0.5],
        [NaN, NaN, NaN],
      ],
    ],
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

async function expectNumbers(
  what: string,
  got: Tensor | undefined,
  expected: Numbers,
  tolerance: number,
): Promise<void> {
  const numbers = Array.from((await got?.data()) ?? []);
  const wanted = expected.flat();
  expect(numbers.length, what).toBe(wanted.length);
  const near = numbers.map((x, i) => {
    const y = wanted[i] ?? NaN;
    return Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1e-3, Math.abs(y));
  });
  if (near.includes(false)) expect.fail(`${what}: got ${numbers.join(', ')}, expected ${wanted.join(', ')}`);
}

describeDevices('at singular points', () => {
  it.each(table)('%s has its values and gradients', async (_, run, inputs, value, gradients) => {
    for (const [dtype, tolerance] of [
      ['f64', 1e-13],
      ['f32', 1e-5],
    ] as const) {
      if (dtype === 'f32' && inputs.flat(2).some((x) => Math.abs(x) > 1e38 && x !== inf && x !== -inf)) continue;
      for (const view of [false, true]) {
        const leaves = inputs.map((numbers) => stm.tensor(numbers, { dtype, requiresGrad: true }));
        // The view of a matrix with its rows and columns swapped twice, once of them in memory.
        const y = run(...leaves.map((x) => (view && x.rank === 2 ? x.transpose(0, 1).clone().transpose(0, 1) : x)));
        await expectNumbers(`value in ${dtype}`, y, value, tolerance);
        y.sum().backward();
        for (const [i, gradient] of gradients.entries())
          await expectNumbers(`gradient ${i} in ${dtype}`, leaves[i]?.grad, gradient, tolerance);
      }
    }
  });

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

describeDevices('squares neither overflow nor vanish nor cancel', () => {
  it('in std and norm of f32', async () => {
    const near = async (x: Tensor, expected: number): Promise<void> =>
      expect((await x.item()) / expected).toBeCloseTo(1, 6);
    for (const scale of [1e30, 1, 1e-30]) {
      await near(stm.std(stm.tensor([scale, 3 * scale])), Math.SQRT2 * scale);
      await near(stm.norm(stm.tensor([3 * scale, -4 * scale])), 5 * scale);
      await near(stm.norm(stm.tensor([scale, scale, -scale]), undefined, { p: 3 }), 3 ** (1 / 3) * scale);
      const x = stm.tensor([3 * scale, 4 * scale], { requiresGrad: true });
      stm.norm(x).backward();
      await expectNumbers('gradient', x.grad, [0.6, 0.8], 1e-6);
    }
    expect(await stm.mean(stm.full([1000], 3e38)).item()).toBe(Math.fround(3e38));
  });

  it('in variance of large numbers that lie close together, over any axes', async () => {
    const numbers = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 1e8 : 1e8 + 8));
    const x = stm.tensor(numbers).reshape([2, 3, 4]);
    for (const dims of [undefined, 2, [0, 2], [1, 2], [2, 0, 1]]) {
      const y = await stm.variance(x, dims, { correction: 0 }).data();
      expect(new Set(y), String(dims)).toEqual(new Set([16]));
      expect(
        new Set(await stm.std(x.transpose(0, 1), dims === undefined ? dims : [0, 1, 2], { correction: 0 }).data()),
      ).toEqual(new Set([4]));
    }
    const wide = stm.tensor([2 ** 53, 2 ** 53 + 2, 2 ** 53, 2 ** 53 + 2], { dtype: 'f64' });
    expect(await stm.variance(wide, undefined, { correction: 0 }).item()).toBe(1);
    const leaf = stm.tensor(numbers, { requiresGrad: true });
    stm.variance(leaf, undefined, { correction: 0 }).backward();
    await expectNumbers(
      'gradient',
      leaf.grad,
      numbers.map((_, i) => (i % 2 === 0 ? -8 : 8) / 24),
      1e-6,
    );
  });

  it('in the statistics of batchNorm and layerNorm', async () => {
    const numbers = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1e8 : 1e8 + 8));
    const norm = new stm.BatchNorm1d({ numFeatures: 1 });
    const y = norm.forward(stm.tensor(numbers).reshape([64, 1]));
    expect(new Set(await y.data())).toEqual(
      new Set([Math.fround(-4 / Math.sqrt(16 + 1e-5)), Math.fround(4 / Math.sqrt(16 + 1e-5))]),
    );
    expect(await norm.stateDict()['running_var']?.item()).toBeCloseTo(0.9 + (0.1 * 16 * 64) / 63, 6);
    const rows = stm.layerNorm(stm.tensor(numbers).reshape([2, 32]));
    await expectNumbers(
      'layerNorm',
      rows,
      numbers.map((_, i) => (i % 2 === 0 ? -1 : 1)),
      1e-6,
    );
    const small = stm
      .tensor(
        Float64Array.from({ length: 48 }, (_, i) => 1e4 + Math.sin(i) / 100),
        { dtype: 'f32' },
      )
      .reshape([3, 16]);
    await expectNumbers(
      'layerNorm of small differences',
      stm.layerNorm(small, { eps: 0 }),
      Array.from(await stm.layerNorm(small.cast('f64'), { eps: 0 }).data()),
      1e-5,
    );
  });
});
