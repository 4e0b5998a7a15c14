import { ShapeError } from '../tensor/errors';
import { reshape } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { joinSteps, pickSteps, realPlaces, spreadSteps } from '../tensor/steps';
import { Tensor } from '../tensor/tensor';
import { applyLayer, checkModule } from '../module/apply';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/**
 * Applies a module that knows nothing of time to each step; of a PaddedSequence to the real steps only, as one batch.
 *
 * Shapes: input [N, T, …] → [N, T, …'] where the module takes [M, …] to [M, …']. Padding of the result is zero.
 *
 * @throws {OptionError} if it is given no Module
 */
export class TimeDistributed extends Module {
  /** What each step goes through. */
  readonly module: Module;

  constructor(module: Module) {
    super();
    checkModule('TimeDistributed', 'module', module);
    this.module = module;
  }

  /** @throws {ShapeError} if the input has no steps, or the module does not return one row a step */
  forward<X extends Sequence>(input: X): X;
  forward(input: Sequence): Sequence {
    checkSequence('TimeDistributed.forward', input);
    const [rows, steps] = input.shape;
    if (rows === undefined || steps === undefined) {
      throw new ShapeError('TimeDistributed.forward', {
        given: `input ${describe(input)}`,
        expected: '[N, T, …]',
        fix: 'put the batch first: x.unsqueeze(0)',
      });
    }
    if (!(input instanceof PaddedSequence)) {
      const output = this.#each(joinSteps(input));
      return reshape(output, [rows, steps, ...output.shape.slice(1)]);
    }
    const picked = this.#each(pickSteps(input.values, realPlaces(input.lengths, steps)));
    return PaddedSequence.zeroPadded(spreadSteps(picked, input.lengths, steps), input.lengths);
  }

  #each(steps: Tensor): Tensor {
    const output = applyLayer('TimeDistributed.forward', this.module, steps);
    if (output instanceof Tensor && output.shape[0] === steps.shape[0]) return output;
    throw new ShapeError('TimeDistributed.forward', {
      given: `${describe(output)} from ${this.module.constructor.name} for steps ${describe(steps)}`,
      expected: 'a tensor of one row a step',
      fix: 'wrap a module that maps each row by itself',
    });
  }

  protected override givenModules(): readonly Module[] {
    return [this.module];
  }
}
