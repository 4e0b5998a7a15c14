import { binding } from '../native/load';
import { nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { betasReader, sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of Adamax. learningRate is 2e-3 by default. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Factors in [0, 1) of the running mean and of the largest gradient. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the divisor from 0. Default 1e-8. */
  eps?: number;
}

/**
 * Adam by the infinity norm (Kingma and Ba, 2015, section 7.1).
 *
 *   m ← β₁ m + (1 - β₁) g,   u ← max(β₂ u, |g| + eps)
 *   p ← p - learningRate / (1 - β₁ᵗ) · m / u
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.Adamax
 */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<AdamaxOptions>[], options: AdamaxOptions = {}) {
    super('Adamax', parameters, options);
  }

  protected override resolve(options: AdamaxOptions): Required<AdamaxOptions> {
    return readOptions('Adamax', options, {
      ...sharedReaders(2e-3),
      betas: betasReader,
      eps: withDefault(nonNegativeNumber, 1e-8),
    });
  }

  protected override layout(): StateLayout {
    return { moments: ['exp_avg', 'exp_inf'], scalars: { name: 'step', initial: [0] } };
  }

  protected override update(call: StepCall, group: Required<AdamaxOptions>): number[] {
    const { weightDecay, betas, eps } = group;
    return binding.adamaxStep(...call.tensors, weightDecay, ...betas, eps, call.skip);
  }
}
