// The op functions of src/tensor/ops/random.ts: the same seed gives the same numbers on every device.
import * as stm from 'stmnet';
import type { OpCase } from './cases';
import { constant } from './inputs';

const shape = [133, 70];

export const randomOps: readonly OpCase[] = [
  { op: 'dropout', run: (x) => stm.dropout(x, 0.3), large: [[shape]], domain: [-2, 2] },
  { op: 'dropout of nearly all', run: (x) => stm.dropout(x, 0.9), large: [[[70_001]]], domain: [-2, 2] },
  { op: 'bernoulli', run: stm.bernoulli, large: [[constant(shape, [0, 1])]] },
  { op: 'multinomial', run: (p) => stm.multinomial(p, 20), large: [[constant(shape, [0.01, 1])]] },
  {
    op: 'multinomial with replacement',
    run: (p) => stm.multinomial(p, 200, { replacement: true }),
    large: [[constant(shape, [0, 1])]],
  },
  { op: 'gumbelSoftmax', run: (x) => stm.gumbelSoftmax(x, { temperature: 0.5 }), large: [[shape]], domain: [-2, 2] },
  {
    op: 'gumbelSoftmax, hard, along the first axis',
    run: (x) => stm.gumbelSoftmax(x, { hard: true, dim: 0 }),
    large: [[shape]],
    domain: [-2, 2],
  },
  { op: 'gaussianNoise', run: (x) => stm.gaussianNoise(x, 0.5), large: [[shape]], domain: [-2, 2] },
  { op: 'uniform_', run: (x) => stm.uniform_(stm.clone(x), { low: -1, high: 3 }), large: [[constant(shape)]] },
  { op: 'normal_', run: (x) => stm.normal_(stm.clone(x), { mean: 1, std: 2 }), large: [[constant(shape)]] },
];
