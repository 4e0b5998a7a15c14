import { ShapeError } from '../tensor/errors';
import { add } from '../tensor/ops/elementwise';
import { describe } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { mapZeros } from '../tensor/map-values';
import { applyLayer, checkModule, valuesLike } from '../module/apply';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';

/**
 * What goes in, plus what the module makes of it: x + f(x). Of a recurrent layer the `output` is added.
 *
 * Shapes: any → the same.
 *
 * @throws {OptionError} if it is given no Module
 */
export class Residual extends Module {
  /** The module that is bridged. */
  readonly module: Module;

  constructor(module: Module) {
    super();
    checkModule('Residual', 'module', module);
    this.module = module;
  }

  /** @throws {ShapeError} if the module changes the shape or the lengths */
  forward<X extends Sequence>(input: X): X {
    checkSequence('Residual.forward', input);
    const change = applyLayer('Residual.forward', this.module, input);
    if (change.shape.join() !== input.shape.join()) {
      throw new ShapeError('Residual.forward', {
        given: `${describe(change)} from ${this.module.constructor.name} for input ${describe(input)}`,
        expected: 'the shape of the input',
        fix: 'give the module as many output features as input features, or put a Linear into it',
      });
    }
    const added = valuesLike('Residual.forward', change, input);
    return mapZeros(input, (values) => add(values, added));
  }

  override get stepping(): Stepping {
    return this.givenModules().some(({ stepping }) => stepping === 'whole') ? 'whole' : 'each';
  }

  protected override givenModules(): readonly Module[] {
    return [this.module];
  }
}
