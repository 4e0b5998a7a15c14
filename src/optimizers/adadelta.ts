import { binding } from '../native/load';
import { nonNegativeNumber, probability } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of Adadelta. learningRate is 1 by default. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Factor in [0, 1) of the running squares. Default 0.9. */
  rho?: number;
  /** Keeps the roots from 0. Default 1e-6. */
  eps?: number;
}

/**
 * Gradients scaled by the ratio of past changes to past gradients (Zeiler, 2012).
 *
 *   v ← ρ v + (1 - ρ) g²,   d = √(u + eps) / √(v + eps) · g,   u ← ρ u + (1 - ρ) d²
 *   p ← p - learningRate · d
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.Adadelta
 */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(
    parameters: Iterable<Tensor> | readonly ParameterGroup<AdadeltaOptions>[],
    options: AdadeltaOptions = {},
  ) {
    super('Adadelta', parameters, options);
  }

  protected override resolve(options: AdadeltaOptions): Required<AdadeltaOptions> {
    return readOptions('Adadelta', options, {
      ...sharedReaders(1),
      rho: withDefault(probability, 0.9),
      eps: withDefault(nonNegativeNumber, 1e-6),
    });
  }

  protected override layout(): StateLayout {
    return { moments: ['square_avg', 'acc_delta'], scalars: { name: 'step', initial: [0] } };
  }

  protected override update(call: StepCall, group: Required<AdadeltaOptions>): number[] {
    const { weightDecay, rho, eps } = group;
    return binding.adadeltaStep(...call.tensors, weightDecay, rho, eps, call.skip);
  }
}
