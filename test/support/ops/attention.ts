// The op functions of src/tensor/ops/attention.ts, each with what it gives in plain TypeScript.
import { scaledDotProductAttention, type HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { bool } from './inputs';
import { softmaxOf } from './normalization';

/** softmax(scale · Q Kᵀ) V over the keys that a query sees; zeros where it sees none. */
export function attended(
  [query, key, value]: readonly [HostArray, HostArray, HostArray],
  scale: number,
  sees: (q: number, k: number) => boolean,
): HostArray {
  const [keys = 0, features = 0] = value.shape.slice(-2);
  return generate([...query.shape.slice(0, -1), features], (place) => {
    const [row, q, feature] = [place.slice(0, -2), place.at(-2) ?? 0, place.at(-1) ?? 0];
    const seen = Array.from({ length: keys }, (_, k) => k).filter((k) => sees(q, k));
    const scores = seen.map((k) =>
      Array.from(
        { length: query.shape.at(-1) ?? 0 },
        (_, d) => at(query, [...row, q, d]) * at(key, [...row, k, d]),
      ).reduce((sum, x) => sum + x, 0),
    );
    const weights = softmaxOf(scores.map((score) => scale * score));
    return seen.reduce((sum, k, i) => sum + (weights[i] ?? 0) * at(value, [...row, k, feature]), 0);
  });
}

const shapes = [
  [
    [3, 4],
    [5, 4],
    [5, 2],
  ],
  [
    [2, 1, 3, 4],
    [2, 1, 3, 4],
    [2, 1, 3, 2],
  ],
];

export const attentionOps: readonly OpCase[] = [
  {
    op: 'scaledDotProductAttention',
    domain: [-2, 2],
    run: (q, k, v) => scaledDotProductAttention(q, k, v),
    reference: (q, k, v) => attended([q, k, v], (q.shape.at(-1) ?? 1) ** -0.5, () => true),
    shapes,
    large: [
      [
        [3, 20, 16],
        [3, 31, 16],
        [3, 31, 8],
      ],
    ],
  },
  {
    op: 'scaledDotProductAttention, causal',
    domain: [-2, 2],
    run: (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true }),
    reference: (q, k, v) => attended([q, k, v], (q.shape.at(-1) ?? 1) ** -0.5, (i, j) => j <= i),
    shapes,
    large: [
      [
        [3, 20, 16],
        [3, 20, 16],
        [3, 20, 8],
      ],
    ],
  },
  {
    op: 'scaledDotProductAttention with a scale and a mask',
    run: (q, k, v, mask) => scaledDotProductAttention(q, k, v, { scale: 2, mask }),
    reference: (q, k, v, mask) => attended([q, k, v], 2, (i, j) => at(mask, [i, j]) !== 0),
    shapes: [[[3, 4], [5, 4], [5, 2], bool([3, 5])]],
    large: [[[3, 20, 16], [3, 31, 16], [3, 31, 8], bool([20, 31])]],
  },
];
