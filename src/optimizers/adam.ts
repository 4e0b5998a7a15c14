import { binding } from '../native/load';
import { flag, nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { betasReader, sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of Adam and AdamW. learningRate is 1e-3 by default. */
export interface AdamOptions extends OptimizerOptions {
  /** Factors in [0, 1) of the running mean and the running square of the gradient. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Keeps the divisor from 0. Default 1e-8. */
  eps?: number;
  /** Whether to divide by the largest square so far (Reddi et al., 2018). Default false. */
  amsgrad?: boolean;
}

/** What Adam and AdamW share: all but what weight decay acts on. */
abstract class AdamRule extends Optimizer<AdamOptions> {
  /** Whether weight decay multiplies the parameters. Not a field: it is asked for before there are fields. @internal */
  protected abstract get isDecoupled(): boolean;

  protected override resolve(options: AdamOptions): Required<AdamOptions> {
    return readOptions(this.isDecoupled ? 'AdamW' : 'Adam', options, {
      ...sharedReaders(1e-3, this.isDecoupled ? 0.01 : 0),
      betas: betasReader,
      eps: withDefault(nonNegativeNumber, 1e-8),
      amsgrad: withDefault(flag, false),
    });
  }

  protected override layout({ amsgrad }: Required<AdamOptions>): StateLayout {
    return {
      moments: ['exp_avg', 'exp_avg_sq', ...(amsgrad ? ['max_exp_avg_sq'] : [])],
      scalars: { name: 'step', initial: [0] },
    };
  }

  protected override update(call: StepCall, group: Required<AdamOptions>): number[] {
    const { weightDecay, betas, eps, amsgrad } = group;
    return binding.adamStep(...call.tensors, weightDecay, ...betas, eps, amsgrad, this.isDecoupled, call.skip);
  }
}

/**
 * Adaptive moments (Kingma and Ba, 2015).
 *
 *   m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
 *   p ← p - learningRate · m̂ / (√v̂ + eps)          with m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.Adam
 */
export class Adam extends AdamRule {
  /**
   * @param parameters  tensors to train, or groups with options of their own
   * @param options     for all groups
   * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
   */
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<AdamOptions>[], options: AdamOptions = {}) {
    super('Adam', parameters, options);
  }

  protected override get isDecoupled(): boolean {
    return false;
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): parameters are multiplied by 1 - learningRate ·
 * weightDecay, the moments see the plain gradient. weightDecay is 0.01 by default.
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.AdamW
 */
export class AdamW extends AdamRule {
  /**
   * @param parameters  tensors to train, or groups with options of their own
   * @param options     for all groups
   * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
   */
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<AdamOptions>[], options: AdamOptions = {}) {
    super('AdamW', parameters, options);
  }

  protected override get isDecoupled(): boolean {
    return true;
  }
}
