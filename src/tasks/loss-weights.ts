import { outsideScopes } from '../tensor/scope';
import { tensor } from '../tensor/factories';
import type { Tensor } from '../tensor/tensor';

/** How much each class counts in a loss: numbers, and one tensor of them for all trainings and evaluations. */
export class LossWeights {
  /** In the order of the classes. */
  readonly values: readonly number[];
  #tensor: Tensor | undefined;

  constructor(values: readonly number[]) {
    this.values = values;
  }

  /** The weights where a model computes: [C]. */
  on(device: string): Tensor {
    if (this.#tensor?.device === device) return this.#tensor;
    this.#tensor?.dispose();
    return (this.#tensor = outsideScopes(() => tensor([...this.values], { device })));
  }
}
