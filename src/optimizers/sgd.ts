import { binding } from '../native/load';
import { OptionError } from '../tensor/errors';
import { flag, nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Optimizer, type StateLayout, type StepCall } from './optimizer';
import { sharedReaders, type OptimizerOptions, type ParameterGroup } from './optimizer-options';

/** Options of SGD. learningRate is 1e-3 by default. */
export interface SGDOptions extends OptimizerOptions {
  /** Part of the last velocity that is kept. Default 0: no velocity. */
  momentum?: number;
  /** Part of the gradient that does not enter the velocity. Default 0. */
  dampening?: number;
  /** Whether to look ahead along the velocity; needs momentum, and no dampening. Default false. */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent, with momentum if asked for.
 *
 *   v ← momentum · v + (1 - dampening) · g        (g at the first step)
 *   p ← p - learningRate · v                      (Nesterov: g + momentum · v in place of v)
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no parameter
 * @see torch.optim.SGD
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<SGDOptions>[], options: SGDOptions = {}) {
    super('SGD', parameters, options);
  }

  protected override resolve(options: SGDOptions): Required<SGDOptions> {
    const read = readOptions('SGD', options, {
      ...sharedReaders(1e-3),
      momentum: withDefault(nonNegativeNumber, 0),
      dampening: withDefault(nonNegativeNumber, 0),
      nesterov: withDefault(flag, false),
    });
    const { momentum, dampening, nesterov } = read;
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError('SGD', {
        given: `nesterov: true with momentum: ${momentum} and dampening: ${dampening}`,
        expected: 'momentum above 0 and no dampening',
        fix: 'pass such as momentum: 0.9',
      });
    }
    return read;
  }

  protected override layout({ momentum }: Required<SGDOptions>): StateLayout {
    return momentum === 0 ? { moments: [] } : { moments: ['momentum_buffer'], scalars: { name: 'step', initial: [0] } };
  }

  protected override update(call: StepCall, group: Required<SGDOptions>): number[] {
    const { weightDecay, momentum, dampening, nesterov } = group;
    return binding.sgdStep(...call.tensors, weightDecay, momentum, dampening, nesterov, call.skip);
  }
}
