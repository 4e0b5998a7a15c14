import { add, cast, div, eq, maskedFill, maximum, minimum, mul, ne, square, sub } from '../tensor/ops/elementwise';
import { full } from '../tensor/factories';
import { checkEqualShapes, commonLengths } from '../tensor/ops/losses-shapes';
import { elementWeights } from '../tensor/ops/losses-weights';
import { max, min, sum } from '../tensor/ops/reduce';
import { expand, reshape, select, stack } from '../tensor/ops/shape';
import { oneOf } from '../tensor/options';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { optional, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { DeviceMetric } from './device-metric';
import type { MetricHints } from './metric-input';

/** Options of R2Score. */
export interface R2ScoreOptions {
  /**
   * How the scores of several outputs become one: their mean (`uniformAverage`), or their mean by how much their
   * targets vary (`varianceWeighted`). Default `uniformAverage`.
   */
  multioutput?: 'uniformAverage' | 'varianceWeighted' | undefined;
}

/** What is known of each output, a row each. */
const ROWS = ['rows', 'weight', 'mean', 'spread', 'error', 'least', 'most'] as const;
type Row = (typeof ROWS)[number];

/**
 * R², the coefficient of determination: 1 - Σ (target - output)² / Σ (target - mean)². 1 is best, 0 is what the mean of
 * the targets would get, and worse is negative. Of targets that are all equal it is 1 if the outputs are too, else 0;
 * of fewer than two rows NaN: as in scikit-learn.
 *
 * The mean and the sum of squares around it are kept up to date batch by batch, so that nothing cancels where targets
 * are large and vary little.
 *
 * Shapes: output and target [N], [N, …, D] or padded [N, T], [N, T, …, D]; D outputs, each with a score of its own.
 *
 * @throws {OptionError} if an option is unknown
 */
export class R2Score extends DeviceMetric {
  readonly name = 'r2';
  readonly #weighted: boolean;

  constructor(options: R2ScoreOptions = {}) {
    super();
    const { multioutput } = readOptions<R2ScoreOptions>('R2Score', options, {
      multioutput: optional((op, name, value) => oneOf(op, name, value, ['uniformAverage', 'varianceWeighted'])),
    });
    this.#weighted = multioutput === 'varianceWeighted';
  }

  protected override count(output: Sequence, target: Sequence, { weight }: MetricHints): Tensor {
    const lengths = commonLengths('R2Score', output, target);
    const [x, y] = [valuesOf(output), valuesOf(target)];
    checkEqualShapes('R2Score', 'output', x, y);
    const { shape, device } = x;
    const one = full([], 1, { dtype: 'f64', device });
    const padded = lengths === undefined ? undefined : new PaddedSequence(expand(one, shape), lengths);
    const weights =
      weight === undefined
        ? (padded?.zeroPadding().values ?? expand(one, shape))
        : elementWeights('R2Score', weight, { shape, lengths, dtype: 'f64' });
    const wide = shape.length > (lengths === undefined ? 1 : 2);
    const columns = (values: Tensor): Tensor => reshape(cast(values, 'f64'), [-1, wide ? (shape.at(-1) ?? 1) : 1]);
    const w = columns(weights);
    const without = eq(w, 0);
    const real = (values: Tensor, otherwise = 0): Tensor => maskedFill(values, without, otherwise);
    const [said, truth] = [real(columns(x)), real(columns(y))];
    const total = sum(w, 0);
    const mean = div(sum(mul(truth, w), 0), maskedFill(total, eq(total, 0), 1));
    return stack(
      [
        sum(cast(ne(w, 0), 'f64'), 0),
        total,
        mean,
        sum(mul(square(real(sub(truth, mean))), w), 0),
        sum(mul(square(sub(truth, said)), w), 0),
        min(real(truth, Number.POSITIVE_INFINITY), 0),
        max(real(truth, Number.NEGATIVE_INFINITY), 0),
      ],
      0,
    );
  }

  /** Two parts of the data together: means and squares around them, by Chan, Golub and LeVeque (1979). @internal */
  protected override joined(before: Tensor, counted: Tensor): Tensor {
    const [a, b] = [before, counted].map(
      (part) =>
        (row: Row): Tensor =>
          select(part, 0, ROWS.indexOf(row)),
    );
    if (a === undefined || b === undefined) return counted;
    const plus = (row: Row): Tensor => add(a(row), b(row));
    const weight = plus('weight');
    const apart = sub(b('mean'), a('mean'));
    const share = div(b('weight'), maskedFill(weight, eq(weight, 0), 1));
    return stack(
      [
        plus('rows'),
        weight,
        add(a('mean'), mul(apart, share)),
        add(plus('spread'), mul(square(apart), mul(a('weight'), share))),
        plus('error'),
        minimum(a('least'), b('least')),
        maximum(a('most'), b('most')),
      ],
      0,
    );
  }

  /** The score of each output; empty if nothing was counted. */
  async perOutput(): Promise<number[]> {
    const totals = await this.gathered();
    return totals === undefined ? [] : outputsOf(totals).map(({ score }) => score);
  }

  protected override result(totals: readonly number[]): number {
    const outputs = outputsOf(totals);
    const sumOf = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);
    const spreads = outputs.map(({ spread }) => spread);
    // Where no target varies, all count alike, as in scikit-learn.
    const weights = this.#weighted && spreads.some((spread) => spread !== 0) ? spreads : spreads.map(() => 1);
    return sumOf(outputs.map(({ score }, at) => score * (weights[at] ?? 0))) / sumOf(weights);
  }
}

function outputsOf(totals: readonly number[]): { score: number; spread: number }[] {
  const count = totals.length / ROWS.length;
  return Array.from({ length: count }, (_, output) => {
    const of = (row: Row): number => totals[ROWS.indexOf(row) * count + output] ?? Number.NaN;
    // The mean of equal numbers may differ from them in its last bit.
    const spread = of('least') === of('most') ? 0 : of('spread');
    if (of('rows') < 2) return { score: Number.NaN, spread };
    if (spread === 0) return { score: of('error') === 0 ? 1 : 0, spread };
    return { score: 1 - of('error') / spread, spread };
  });
}
