import { binding } from '../native/load';
import { flag, nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of RMSprop. learningRate is 1e-2 by default. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Factor of the running square of the gradient, at least 0. Default 0.99. */
  alpha?: number;
  /** Keeps the divisor from 0. Default 1e-8. */
  eps?: number;
  /** Part of the last velocity that is kept. Default 0: no velocity. */
  momentum?: number;
  /** Whether to divide by the deviation of the gradient in place of the root of its square. Default false. */
  centered?: boolean;
}

/**
 * Gradients divided by the root of their running square (Hinton, 2012).
 *
 *   v ← α v + (1 - α) g²,   s = √v + eps             centered: s = √(v - ḡ²) + eps with ḡ ← α ḡ + (1 - α) g
 *   p ← p - learningRate · g / s                     with momentum: b ← momentum · b + g / s, and b in place of g / s
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.RMSprop
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<RMSpropOptions>[], options: RMSpropOptions = {}) {
    super('RMSprop', parameters, options);
  }

  protected override resolve(options: RMSpropOptions): Required<RMSpropOptions> {
    return readOptions('RMSprop', options, {
      ...sharedReaders(1e-2),
      alpha: withDefault(nonNegativeNumber, 0.99),
      eps: withDefault(nonNegativeNumber, 1e-8),
      momentum: withDefault(nonNegativeNumber, 0),
      centered: withDefault(flag, false),
    });
  }

  protected override layout({ momentum, centered }: Required<RMSpropOptions>): StateLayout {
    const moments = ['square_avg', ...(centered ? ['grad_avg'] : []), ...(momentum !== 0 ? ['momentum_buffer'] : [])];
    return { moments, scalars: { name: 'step', initial: [0] } };
  }

  protected override update(call: StepCall, group: Required<RMSpropOptions>): number[] {
    const { weightDecay, alpha, eps, momentum, centered } = group;
    return binding.rmspropStep(...call.tensors, weightDecay, alpha, eps, momentum, centered, call.skip);
  }
}
