import { Parameter, tensor, type Optimizer } from 'stmnet';
import { spreadArray } from './gradients';

export const parameter = (shape: readonly number[], seed = 1, dtype: 'f32' | 'f64' = 'f64'): Parameter =>
  new Parameter(tensor(spreadArray(shape, seed), { dtype }));

/** Gives each parameter the gradient of step `step`, and steps. */
export function stepOnce(optimizer: Optimizer, parameters: readonly Parameter[], step: number): void {
  parameters.forEach((item, i) => {
    item.grad = tensor(spreadArray(item.shape, 10 * step + i + 3), { dtype: item.dtype });
  });
  optimizer.step();
}
