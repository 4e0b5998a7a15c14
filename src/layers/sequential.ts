import { OptionError } from '../tensor/errors';
import type { Sequence } from '../tensor/padded-sequence';
import { applyLayer, checkModule } from '../module/apply';
import { Module } from '../module/module';

/**
 * Modules one after the other. A recurrent layer passes its `output` on and starts from zeros; for its states write a
 * Module.
 *
 *     new Sequential(new LSTM({ inputSize: 12, hiddenSize: 64 }), new LastStep(), new Linear({ inFeatures: 64,
 *       outFeatures: 9 }))
 *
 * Parameters are named by place, as in PyTorch: `0.weight_ih_l0`, `2.bias`. So are the layers: `model[0]`.
 *
 * @throws {OptionError} if there is no layer, or one is not a Module
 * @see torch.nn.Sequential
 */
export class Sequential extends Module implements Iterable<Module> {
  readonly [place: number]: Module;

  constructor(...layers: Module[]) {
    super();
    if (layers.length === 0)
      throw new OptionError('Sequential', {
        given: 'no layer',
        expected: 'at least one',
        fix: 'pass the layers one by one: new Sequential(a, b)',
      });
    layers.forEach((layer, place) => {
      checkModule(
        'Sequential',
        `layer ${place}`,
        layer,
        'pass the layers one by one, not in an array; wrap a function in a Module',
      );
      Reflect.set(this, place, layer);
    });
  }

  /** Number of layers. */
  get length(): number {
    return Array.from(this).length;
  }

  /** The layers, first one first. */
  *[Symbol.iterator](): Generator<Module> {
    for (let place = 0; ; place++) {
      const layer = this[place];
      if (layer === undefined) return;
      yield layer;
    }
  }

  /** What the last layer gives, after all before it. */
  forward(input: Sequence): Sequence {
    let value = input;
    for (const layer of this) value = applyLayer('Sequential.forward', layer, value);
    return value;
  }

  protected override givenModules(): readonly Module[] {
    return Array.from(this);
  }
}
