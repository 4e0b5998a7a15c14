import { tensor } from '../tensor/factories';
import { clamp, maximum, mul, sub } from '../tensor/ops/elementwise';
import { huberLoss, l1Loss, mseLoss } from '../tensor/ops/losses';
import { sum } from '../tensor/ops/reduce';
import { select, slice, unsqueeze } from '../tensor/ops/shape';
import { div } from '../tensor/ops/elementwise';
import { mean } from '../tensor/ops/reduce';
import type { Tensor } from '../tensor/tensor';
import type { LossTerm } from '../training/loss-terms';
import type { ForecasterSettings, ForecastLoss } from './forecaster-options';

/** What a network says of each target. */
export interface ForecastOutputs {
  /** The loss of the point forecast, which is the first output; undefined where it is one of the quantiles. */
  readonly point: Exclude<ForecastLoss, 'quantile'> | undefined;
  /** The quantiles behind it. */
  readonly quantiles: readonly number[];
}

/** Of a recursive network, which goes one step, the point alone: what lies around it is measured. */
export function outputsOf({ loss, quantiles, strategy }: ForecasterSettings): ForecastOutputs {
  if (strategy === 'recursive') return { point: loss === 'quantile' ? 'mae' : loss, quantiles: [] };
  return { point: loss === 'quantile' ? undefined : loss, quantiles };
}

/** How many outputs there are. */
export const countOutputs = ({ point, quantiles }: ForecastOutputs): number =>
  quantiles.length + (point === undefined ? 0 : 1);

/** Which of the outputs is the forecast. */
export const pointPlace = ({ point, quantiles }: ForecastOutputs): number =>
  point === undefined ? quantiles.indexOf(0.5) : 0;

const POINT = { mse: mseLoss, mae: l1Loss, huber: huberLoss } as const;

/**
 * The loss of forecasts: that of the point, and of quantiles the pinball loss, max(q d, (q - 1) d) with d = y - ŷ, in
 * the mean over them; both in the mean over targets that are not missing.
 *
 * @param outputs  [N, H, K, O]
 * @param target   [N, H, K]
 * @param weight   0 where a target is missing, else 1: [N, H, K]
 */
export function forecastLoss(
  outputs: Tensor,
  { target, weight }: { readonly target: Tensor; readonly weight: Tensor },
  { point, quantiles }: ForecastOutputs,
): LossTerm[] {
  const divisor = sum(weight);
  const real = clamp(divisor, { min: 1 });
  const terms: LossTerm[] = [];
  const over = (losses: Tensor): LossTerm => ({ loss: div(sum(mul(losses, weight)), real), divisor });
  if (point !== undefined) terms.push(over(POINT[point](select(outputs, 3, 0), target, { reduction: 'none' })));
  if (quantiles.length > 0) {
    const first = point === undefined ? 0 : 1;
    const said = slice(outputs, [0, 0, 0, first]);
    const levels = tensor(Float32Array.from(quantiles), { device: outputs.device });
    const apart = sub(unsqueeze(target, 3), said);
    terms.push(over(mean(maximum(mul(apart, levels), mul(apart, sub(levels, 1))), 3)));
  }
  return terms;
}
