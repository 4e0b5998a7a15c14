// The op functions of src/tensor/ops/convolution.ts, each with what it gives in plain TypeScript.
import { conv1d, type Conv1dFunctionOptions, type HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';

interface Windows {
  stride: number;
  before: number;
  after: number;
  dilation: number;
}

/** The sum over channels and places of the window, element by element. */
export function convolved(
  x: HostArray,
  weight: HostArray,
  bias: HostArray | undefined,
  { stride, before, after, dilation }: Windows,
): HostArray {
  const [rows = 0, steps = 0, channels = 0] = x.shape;
  const [outputs = 0, , size = 0] = weight.shape;
  const count = Math.floor((steps + before + after - dilation * (size - 1) - 1) / stride) + 1;
  return generate([rows, count, outputs], ([n = 0, t = 0, o = 0]) => {
    let sum = bias === undefined ? 0 : at(bias, [o]);
    generate([channels, size], ([c = 0, k = 0]) => {
      const step = t * stride + k * dilation - before;
      return (sum += step >= 0 && step < steps ? at(x, [n, step, c]) * at(weight, [o, c, k]) : 0);
    });
    return sum;
  });
}

const settings: readonly [string, Omit<Conv1dFunctionOptions, 'bias'>, Windows][] = [
  ['with bias', {}, { stride: 1, before: 0, after: 0, dilation: 1 }],
  ['with stride and padding', { stride: 2, padding: 1 }, { stride: 2, before: 1, after: 1, dilation: 1 }],
  ['with dilation', { stride: 3, padding: 2, dilation: 2 }, { stride: 3, before: 2, after: 2, dilation: 2 }],
  ["padded by 'same'", { padding: 'same', dilation: 2 }, { stride: 1, before: 2, after: 2, dilation: 2 }],
];

export const convolutionOps: readonly OpCase[] = [
  {
    op: 'conv1d',
    run: (x, weight) => conv1d(x, weight),
    reference: (x, weight) => convolved(x, weight, undefined, { stride: 1, before: 0, after: 0, dilation: 1 }),
    shapes: [
      [
        [2, 7, 3],
        [4, 3, 3],
      ],
      [
        [0, 5, 3],
        [4, 3, 2],
      ],
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    ],
    large: [
      [
        [4, 37, 6],
        [9, 6, 5],
      ],
    ],
  },
  {
    op: 'conv1d by an even window, padded more at the end',
    run: (x, weight) => conv1d(x, weight, { padding: 'same' }),
    reference: (x, weight) => convolved(x, weight, undefined, { stride: 1, before: 1, after: 2, dilation: 1 }),
    shapes: [
      [
        [2, 7, 3],
        [2, 3, 4],
      ],
    ],
    large: [
      [
        [4, 37, 6],
        [9, 6, 4],
      ],
    ],
  },
  ...settings.map(([name, options, windows]): OpCase => ({
    op: `conv1d ${name}`,
    run: (x, weight, bias) => conv1d(x, weight, { bias, ...options }),
    reference: (x, weight, bias) => convolved(x, weight, bias, windows),
    shapes: [
      [[2, 7, 3], [4, 3, 3], [4]],
      [[2, 5, 2], [3, 2, 3], [3]],
    ],
    large: [[[4, 37, 6], [9, 6, 3], [9]]],
  })),
];
