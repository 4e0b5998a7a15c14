import { OptionError } from '../tensor/errors';
import type { Module } from '../module/module';

/** Refuses to train a layer whose weights have 8 bits. @throws {OptionError} if it is in training */
export function refuseTraining(layer: Module): void {
  if (!layer.training) return;
  throw new OptionError(`${layer.constructor.name}.forward`, {
    given: 'a layer in training, whose weights have 8 bits and no gradients',
    expected: 'evaluation',
    fix: 'call model.eval(); to train, go on with the model that was quantised, and quantise it again',
  });
}
