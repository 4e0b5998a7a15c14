import { binding } from '../native/load';
import { nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of Adagrad. learningRate is 1e-2 by default. */
export interface AdagradOptions extends OptimizerOptions {
  /** The learning rate of step t is divided by 1 + (t - 1) · learningRateDecay. Default 0. */
  learningRateDecay?: number;
  /** What the sum of squares starts with. Default 0. */
  initialAccumulatorValue?: number;
  /** Keeps the divisor from 0. Default 1e-10. */
  eps?: number;
}

/**
 * Gradients divided by the root of the sum of their squares (Duchi et al., 2011).
 *
 *   s ← s + g²
 *   p ← p - learningRate / (1 + (t - 1) · learningRateDecay) · g / (√s + eps)
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.Adagrad
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<AdagradOptions>[], options: AdagradOptions = {}) {
    super('Adagrad', parameters, options);
  }

  protected override resolve(options: AdagradOptions): Required<AdagradOptions> {
    return readOptions('Adagrad', options, {
      ...sharedReaders(1e-2),
      learningRateDecay: withDefault(nonNegativeNumber, 0),
      initialAccumulatorValue: withDefault(nonNegativeNumber, 0),
      eps: withDefault(nonNegativeNumber, 1e-10),
    });
  }

  protected override layout({ initialAccumulatorValue }: Required<AdagradOptions>): StateLayout {
    return { moments: ['sum'], initial: initialAccumulatorValue, scalars: { name: 'step', initial: [0] } };
  }

  protected override update(call: StepCall, group: Required<AdagradOptions>): number[] {
    const { weightDecay, learningRateDecay, eps } = group;
    return binding.adagradStep(...call.tensors, weightDecay, learningRateDecay, eps, call.skip);
  }
}
