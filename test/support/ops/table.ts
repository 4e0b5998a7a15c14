// All rows of all op functions of src/tensor/ops, by function.
import { attentionOps } from './attention';
import type { OpCase } from './cases';
import { convolutionOps } from './convolution';
import { elementwiseOps } from './elementwise';
import { indexingOps } from './indexing';
import { lossOps } from './losses';
import { inputOf, type Input } from './inputs';
import { matmulOps } from './matmul';
import { normalizationOps } from './normalization';
import { randomOps } from './random';
import { reduceOps } from './reduce';
import { shapeOps } from './shape';

/** One op on some large inputs: what the tests on a GPU run. */
export interface OpRow extends Pick<OpCase, 'run' | 'tolerance'> {
  inputs: readonly Input[];
}

const cases: readonly OpCase[] = [
  ...attentionOps,
  ...convolutionOps,
  ...elementwiseOps,
  ...indexingOps,
  ...lossOps,
  ...matmulOps,
  ...normalizationOps,
  ...randomOps,
  ...reduceOps,
  ...shapeOps,
];

/** The function that a row is about: the first word of its title. */
const nameOf = ({ op }: OpCase): string => op.split(/[ ,]/)[0] ?? op;

const table: Record<string, OpRow[]> = {};
for (const row of cases) {
  const rows = (row.large ?? []).map((operands): OpRow => {
    const inputs = operands.map((operand) => inputOf(operand, row.domain ?? [-1, 1]));
    return { inputs, run: row.run, ...(row.tolerance === undefined ? {} : { tolerance: row.tolerance }) };
  });
  (table[nameOf(row)] ??= []).push(...rows);
}

export const opTable: Readonly<Record<string, readonly OpRow[]>> = table;
