import { binding } from '../native/load';
import { flag, nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { betasReader, sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of NAdam. learningRate is 2e-3 by default. */
export interface NAdamOptions extends OptimizerOptions {
  /** Factors in [0, 1) of the running mean and the running square of the gradient. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the divisor from 0. Default 1e-8. */
  eps?: number;
  /** How fast the momentum factor grows towards β₁. Default 4e-3. */
  momentumDecay?: number;
  /** Whether weight decay multiplies the parameters, as in AdamW. Default false: it is added to the gradient. */
  decoupledWeightDecay?: boolean;
}

/**
 * Adam with Nesterov's momentum (Dozat, 2016).
 *
 *   μₜ = β₁ (1 - 0.96^(t · momentumDecay) / 2),   Πₜ = μ₁ … μₜ
 *   p ← p - learningRate · ((1 - μₜ) / (1 - Πₜ) · g + μₜ₊₁ / (1 - Πₜ₊₁) · m) / (√v̂ + eps)        m, v, v̂ as in Adam
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.NAdam
 */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<NAdamOptions>[], options: NAdamOptions = {}) {
    super('NAdam', parameters, options);
  }

  protected override resolve(options: NAdamOptions): Required<NAdamOptions> {
    return readOptions('NAdam', options, {
      ...sharedReaders(2e-3),
      betas: betasReader,
      eps: withDefault(nonNegativeNumber, 1e-8),
      momentumDecay: withDefault(nonNegativeNumber, 4e-3),
      decoupledWeightDecay: withDefault(flag, false),
    });
  }

  protected override layout(): StateLayout {
    return { moments: ['exp_avg', 'exp_avg_sq'], scalars: { name: 'step_and_mu_product', initial: [0, 1] } };
  }

  protected override update(call: StepCall, group: Required<NAdamOptions>): number[] {
    const { weightDecay, betas, eps, momentumDecay, decoupledWeightDecay } = group;
    return binding.nadamStep(
      ...call.tensors,
      weightDecay,
      ...betas,
      eps,
      momentumDecay,
      decoupledWeightDecay,
      call.skip,
    );
  }
}
