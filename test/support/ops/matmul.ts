// The op functions of src/tensor/ops/matmul.ts, each with what it gives in plain TypeScript.
import { linear, matmul, type HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';

/** NumPy's rule on host arrays. */
export function product(a: HostArray, b: HostArray): HostArray {
  const left = a.shape.length === 1 ? { data: a.data, shape: [1, ...a.shape] } : a;
  const right = b.shape.length === 1 ? { data: b.data, shape: [...b.shape, 1] } : b;
  const batch = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const [m = 0, k = 0] = left.shape.slice(-2);
  const n = right.shape.at(-1) ?? 0;
  const whole = generate([...batch, m, n], (place) => {
    const [row = 0, column = 0] = place.slice(-2);
    return Array.from(
      { length: k },
      (_, i) => at(left, [...place.slice(0, -2), row, i]) * at(right, [...place.slice(0, -2), i, column]),
    ).reduce((sum, x) => sum + x, 0);
  });
  return {
    data: whole.data,
    shape: [...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])],
  };
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    return x === 1 ? (b[axis - rank + b.length] ?? 1) : x;
  });
}

export const matmulOps: readonly OpCase[] = [
  {
    op: 'matmul',
    domain: [-1, 1],
    large: [
      [
        [133, 70],
        [70, 65],
      ],
      [
        [5, 37, 24],
        [24, 31],
      ],
      [
        [5, 37, 24],
        [5, 24, 9],
      ],
      [[70], [70, 65]],
      [[5, 37, 24], [24]],
      [
        [512, 512],
        [512, 512],
      ],
    ],
    run: (a, b) => matmul(a, b),
    reference: product,
    shapes: [
      [
        [3, 4],
        [4, 5],
      ],
      [
        [1, 1],
        [1, 1],
      ],
      [[5], [5]],
      [[3], [3, 2]],
      [[2, 3], [3]],
      [
        [2, 3, 4],
        [4, 5],
      ],
      [[2, 3, 4], [4]],
      [[4], [2, 4, 3]],
      [
        [2, 3, 4],
        [1, 4, 2],
      ],
      [
        [3, 4],
        [2, 4, 5],
      ],
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
      [
        [2, 1, 3, 2],
        [3, 2, 4],
      ],
      [
        [2, 2, 3, 2],
        [2, 2, 2, 1],
      ],
      [
        [2, 1, 1, 2],
        [1, 3, 2, 2],
      ],
      [
        [1, 2, 1],
        [2, 1, 0],
      ],
      [
        [1, 2, 2, 1],
        [2, 2, 1, 0],
      ],
      [
        [0, 4],
        [4, 5],
      ],
      [
        [3, 0],
        [0, 5],
      ],
      [
        [3, 4],
        [4, 0],
      ],
      [
        [0, 3, 4],
        [4, 5],
      ],
      [
        [2, 3, 0],
        [2, 0, 2],
      ],
      [[0], [0]],
    ],
  },

  {
    op: 'linear',
    large: [[[5, 37, 24], [31, 24], [31]]],
    run: (x, weight, bias) => linear(x, weight, bias),
    reference: (x, weight, bias) =>
      generate([...x.shape.slice(0, -1), weight.shape[0] ?? 0], (place) => {
        const row = place.at(-1) ?? 0;
        const inner = Array.from(
          { length: weight.shape[1] ?? 0 },
          (_, i) => at(x, [...place.slice(0, -1), i]) * at(weight, [row, i]),
        );
        return inner.reduce((sum, value) => sum + value, at(bias, [row]));
      }),
    shapes: [
      [[3, 4], [5, 4], [5]],
      [[4], [5, 4], [5]],
      [[2, 3, 4], [5, 4], [5]],
      [[1, 1], [1, 1], [1]],
      [[0, 4], [5, 4], [5]],
      [[3, 0], [5, 0], [5]],
      [[2, 0, 4], [5, 4], [5]],
      [[3, 4], [0, 4], [0]],
    ],
  },

  {
    op: 'linear without bias',
    large: [
      [
        [133, 70],
        [65, 70],
      ],
    ],
    run: (x, weight) => linear(x, weight),
    reference: (x, weight) =>
      product(
        x,
        generate([...weight.shape].reverse(), ([i = 0, o = 0]) => at(weight, [o, i])),
      ),
    shapes: [
      [
        [3, 4],
        [5, 4],
      ],
      [
        [2, 3, 4],
        [5, 4],
      ],
      [
        [3, 0],
        [2, 0],
      ],
    ],
  },
];
