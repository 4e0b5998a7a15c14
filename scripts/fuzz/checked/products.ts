import * as stm from 'stmnet';
import { floating, known } from '../inputs';
import {
  alongAxis,
  build,
  elementwise,
  get,
  permuted,
  product,
  reshaped,
  softmaxOf,
  transposed,
  type Plain,
} from '../plain';
import { shown, type CaseMaker } from './case';

const matmulCase: CaseMaker = (draw) => {
  const [k, dtype] = [draw.extent(), floating(draw)];
  const lead = draw.shape(draw.whole(0, 2));
  const narrow = lead.map((extent) => (draw.chance(0.3) ? 1 : extent));
  const shapes = draw.pick<() => [number[], number[]]>([
    () => [[k], [k]],
    () => [
      [draw.extent(), k],
      [k, draw.extent()],
    ],
    () => [
      [...lead, draw.extent(), k],
      [k, draw.extent()],
    ],
    () => [
      [...lead, draw.extent(), k],
      [...narrow, k, draw.extent()],
    ],
    () => [
      [...narrow, draw.extent(), k],
      [...lead, k, draw.extent()],
    ],
    () => [[k], [...lead, k, draw.extent()]],
    () => [[...lead, draw.extent(), k], [k]],
  ])();
  return {
    label: shown('matmul', shapes),
    inputs: shapes.map((shape) => known(draw, shape, { dtype })),
    run: stm.matmul,
    plain: product,
  };
};

/** x Wᵀ + b. */
export function affine(x: Plain, weight: Plain, bias?: Plain): Plain {
  const y = product(x, transposed(weight, 0, 1));
  return bias === undefined ? y : elementwise((a, b) => a + b, y, bias);
}

const linearCase: CaseMaker = (draw) => {
  const [inFeatures, outFeatures, dtype] = [draw.extent(), draw.extent(), floating(draw)];
  const shape = [...draw.shape(draw.whole(1, 3)), inFeatures];
  const bias = draw.chance(0.5) ? [known(draw, [outFeatures], { dtype })] : [];
  const inputs = [known(draw, shape, { dtype }), known(draw, [outFeatures, inFeatures], { dtype }), ...bias];
  return {
    label: shown('linear', { shape, outFeatures }),
    inputs,
    run: (x, w, b) => stm.linear(x, w!, b),
    plain: (x, w, b) => affine(x, w!, b),
  };
};

const convCase: CaseMaker = (draw) => {
  const [channels, outputs, size, dtype] = [draw.whole(1, 4), draw.whole(1, 4), draw.whole(1, 4), floating(draw)];
  const [stride, dilation, padding, rows] = [draw.whole(1, 3), draw.whole(1, 2), draw.whole(0, 3), draw.whole(1, 3)];
  const span = (size - 1) * dilation + 1;
  const steps = Math.max(draw.whole(1, 12), span - 2 * padding);
  const count = Math.floor((steps + 2 * padding - span) / stride) + 1;
  const bias = draw.chance(0.5) ? [known(draw, [outputs], { dtype })] : [];
  const inputs = [
    known(draw, [rows, steps, channels], { dtype }),
    known(draw, [outputs, channels, size], { dtype }),
    ...bias,
  ];
  const plain = (x: Plain, w: Plain, b?: Plain): Plain =>
    build([rows, count, outputs], ([n, t, o]) => {
      let sum = b?.data[o!] ?? 0;
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < size; k++) {
          const step = t! * stride + k * dilation - padding;
          if (step >= 0 && step < steps) sum += get(x, [n!, step, c]) * get(w, [o!, c, k]);
        }
      }
      return sum;
    });
  return {
    label: shown('conv1d', { steps, size, stride, dilation, padding }),
    inputs,
    run: (x, w, b) => stm.conv1d(x, w!, { bias: b, stride, dilation, padding }),
    plain: (x, w, b) => plain(x, w!, b),
  };
};

const attentionCase: CaseMaker = (draw) => {
  const [queries, keys, width, values, dtype] = [
    draw.whole(1, 4),
    draw.whole(1, 4),
    draw.whole(1, 4),
    draw.whole(1, 4),
    floating(draw),
  ];
  const causal = draw.chance(0.3) && queries <= keys;
  const lead = draw.fullShape(draw.whole(0, 2));
  const inputs = [
    [queries, width],
    [keys, width],
    [keys, values],
  ].map((shape) => known(draw, [...lead, ...shape], { dtype }));
  const plain = (q: Plain, k: Plain, v: Plain): Plain => {
    const scores = product(q, transposed(k, k.shape.length - 2, k.shape.length - 1));
    const hidden = build(scores.shape, (place) =>
      causal && place.at(-1)! > place.at(-2)! ? -Infinity : get(scores, place) / Math.sqrt(width),
    );
    return product(alongAxis(hidden, hidden.shape.length - 1, softmaxOf), v);
  };
  return {
    label: shown('scaledDotProductAttention', { lead, queries, keys, causal }),
    inputs,
    run: (q, k, v) => stm.scaledDotProductAttention(q, k!, v!, { causal }),
    plain: (q, k, v) => plain(q, k!, v!),
  };
};

function standardized(values: readonly number[], eps: number): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance + eps));
}

const layerNormCase: CaseMaker = (draw) => {
  const shape = draw.fullShape(draw.whole(1, 4)).map((extent) => Math.max(extent, 2));
  const axes = draw.whole(1, shape.length);
  const normalized = shape.slice(shape.length - axes);
  const dtype = floating(draw);
  const scaled = draw.chance(0.6);
  const inputs = [
    known(draw, shape, { dtype }),
    ...(scaled ? [known(draw, normalized, { dtype }), known(draw, normalized, { dtype })] : []),
  ];
  const plain = (x: Plain, w?: Plain, b?: Plain): Plain => {
    const flat = reshaped(x, [...shape.slice(0, shape.length - axes), normalized.reduce((a, c) => a * c, 1)]);
    const y = reshaped(
      alongAxis(flat, flat.shape.length - 1, (line) => standardized(line, 1e-3)),
      shape,
    );
    return w === undefined || b === undefined ? y : elementwise((v, g, c) => v * g + c, y, w, b);
  };
  return {
    label: shown('layerNorm', { shape, axes }),
    inputs,
    run: (x, weight, bias) => stm.layerNorm(x, scaled ? { weight, bias, eps: 1e-3 } : { axes, eps: 1e-3 }),
    plain,
  };
};

const batchNormCase: CaseMaker = (draw) => {
  const [features, dtype, rows, steps] = [draw.whole(1, 5), floating(draw), draw.whole(2, 6), draw.whole(1, 4)];
  const lengths = draw.chance(0.5)
    ? draw.many(rows, (row) => (row < 2 ? steps : draw.whole(0, steps)))
    : draw.many(rows, () => steps);
  const inputs = [
    known(draw, [rows, steps, features], { dtype }),
    known(draw, [features], { dtype }),
    known(draw, [features], { dtype }),
  ];
  const real = ([n, t]: readonly number[]): boolean => t! < lengths[n!]!;
  const plain = (x: Plain, w: Plain, b: Plain): Plain => {
    const columns = permuted(x, [2, 0, 1]);
    const stats = Array.from({ length: features }, (_, feature) => {
      const kept: number[] = [];
      for (let n = 0; n < rows; n++) for (let t = 0; t < lengths[n]!; t++) kept.push(get(columns, [feature, n, t]));
      const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
      return [mean, kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kept.length] as const;
    });
    return build(x.shape, (place) => {
      const [mean, variance] = stats[place[2]!]!;
      return real(place)
        ? ((get(x, place) - mean) / Math.sqrt(variance + 1e-3)) * w.data[place[2]!]! + b.data[place[2]!]!
        : 0;
    });
  };
  return {
    label: shown('batchNorm', { rows, steps, features, lengths }),
    inputs,
    run: (x, weight, bias) => stm.batchNorm(x, { weight, bias, training: true, eps: 1e-3, lengths }),
    plain: (x, w, b) => plain(x, w!, b!),
  };
};

export const productCases: readonly CaseMaker[] = [
  matmulCase,
  matmulCase,
  linearCase,
  convCase,
  attentionCase,
  layerNormCase,
  batchNormCase,
];
