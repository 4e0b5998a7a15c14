import { binding } from '../native/load';
import { nonNegativeNumber, probability } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { idOf, optionalIdOf, type Tensor } from '../tensor/tensor';
import { ids, Optimizer, type StateLayout } from './optimizer';
import { sharedReaders, type OptimizerGroup, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

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
    return {
      moments: [
        { name: 'square_avg', initial: 0 },
        { name: 'acc_delta', initial: 0 },
      ],
      scalars: { name: 'step', initial: [0] },
    };
  }

  protected override update(
    group: OptimizerGroup<AdadeltaOptions>,
    learningRate: Tensor,
    state: readonly Tensor[],
    known: readonly number[],
    skip: Tensor | undefined,
  ): number[] {
    const { parameters, weightDecay, rho, eps } = group;
    return binding.adadeltaStep(
      ids(parameters),
      ids(state),
      known,
      idOf(learningRate, 'Adadelta.step', 'learningRate'),
      weightDecay,
      rho,
      eps,
      optionalIdOf(skip, 'Adadelta.step', 'skip'),
    );
  }
}
