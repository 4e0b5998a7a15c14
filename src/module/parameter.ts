import { binding } from '../native/load';
import { DTypeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { checkTensor, idOf, NEW, Tensor } from '../tensor/tensor';

/**
 * A tensor that an optimizer trains. A `Module` finds the parameters in its fields; no registration is needed.
 *
 * A parameter is a leaf of the graph and shares its bytes with the tensor that it is made of: a view makes a parameter
 * that is a view.
 */
export class Parameter extends Tensor {
  #path: string | undefined;

  /**
   * @param values  f32 or f64, of any shape; shared, not copied
   * @throws {DTypeError} if `values` are neither f32 nor f64, which have no gradient
   */
  constructor(values: Tensor) {
    checkTensor(values, 'Parameter', 'values');
    if (values.dtype !== 'f32' && values.dtype !== 'f64') {
      throw new DTypeError('Parameter', {
        given: describe(values),
        expected: 'f32 or f64',
        fix: 'hold whole numbers and masks in a BufferTensor',
      });
    }
    super(binding.detach(idOf(values, 'Parameter', 'values')), NEW);
    this.requiresGrad_(true);
  }

  /**
   * Where a module found it last, as in `lstm.weight_ih_l0`; undefined before. The state of an optimizer tells by it
   * whose state it is.
   */
  get path(): string | undefined {
    return this.#path;
  }

  /** @internal */
  foundAt(path: string): void {
    this.#path = path;
  }
}

/**
 * A tensor that belongs to a module's state without being trained, as running statistics do: saved and loaded with the
 * parameters, left alone by optimizers.
 */
export class BufferTensor extends Tensor {
  /** @param values  of any dtype and shape; shared, not copied */
  constructor(values: Tensor) {
    super(binding.detach(idOf(values, 'BufferTensor', 'values')), NEW);
  }
}

/** A parameter that takes over `values`: the given tensor object is let go, its bytes live on in the parameter. */
export function takeOver(values: Tensor): Parameter {
  const parameter = new Parameter(values);
  values.dispose();
  return parameter;
}
