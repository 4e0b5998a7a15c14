import { it } from 'vitest';
import * as stm from 'stmnet';
import { describeDevices } from '../../support/devices';
import { expectSingularPoint, type SingularPoint } from '../../support/singular-points';

const inf = Infinity;

const table: readonly SingularPoint[] = [
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
];

describeDevices('functions of many elements at singular points', () => {
  it.each(table)('%s has its values and gradients', (...point) => expectSingularPoint(point));
});
