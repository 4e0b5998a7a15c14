import { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import { OptionError } from '../tensor/errors';
import type { Tensor } from '../tensor/tensor';

/** Parameters that the optimizer changes and that are neither in the model nor in the loss. */
export function foreignParameters({ model, loss }: { model: Module; loss: unknown }, optimizer: Optimizer): Tensor[] {
  const own = new Set<Tensor>([...model.parameters(), ...(loss instanceof Module ? loss.parameters() : [])]);
  return optimizer.groups.flatMap((group) => group.parameters).filter((parameter) => !own.has(parameter));
}

/**
 * Parameters from elsewhere that the loss reaches are the user's affair; others are left over from a model that was
 * changed.
 *
 * @throws {OptionError} if one has no gradient after a backward pass
 */
export function checkForeign(foreign: readonly Tensor[]): void {
  const stray = foreign.filter((parameter) => parameter.grad === undefined);
  if (stray.length === 0) return;
  const [one, many] = [
    'parameter in the optimizer that is not in the model and has',
    'parameters in the optimizer that are not in the model and have',
  ];
  throw new OptionError('Trainer', {
    given: `${stray.length} ${stray.length === 1 ? one : many} no gradient`,
    expected: 'those of the model',
    fix: 'make the optimizer after the last change of the model: new Adam(model.parameters())',
  });
}
