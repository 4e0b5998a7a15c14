import { PaddedSequence, Tensor, tensor, type DType } from 'stmnet';
import { known, numbers } from '../inputs';
import { sizeOf } from '../plain';
import type { Draw } from '../random';

const capacity = 60;
const largest = 200_000;
const special = [Number.NaN, Infinity, -Infinity, 1e38, -0, 1e-40];

/** Tensors that earlier calls have left, in any state: views, leaves, results, disposed ones. */
export class Pool {
  readonly #tensors: Tensor[] = [];

  constructor(readonly draw: Draw) {}

  /** Keeps the tensors in a result for later calls. */
  keep(result: unknown, depth = 0): void {
    if (result instanceof PaddedSequence) this.keep(result.values);
    else if (result instanceof Tensor) this.#put(result);
    else if (
      depth < 2 &&
      typeof result === 'object' &&
      result !== null &&
      !ArrayBuffer.isView(result) &&
      !(result instanceof Promise)
    ) {
      for (const part of Object.values(result)) this.keep(part, depth + 1);
    }
  }

  #put(tensor: Tensor): void {
    if (Pool.sizeOf(tensor) > largest) return tensor.dispose();
    if (this.#tensors.length < capacity) {
      this.#tensors.push(tensor);
      return undefined;
    }
    const place = this.draw.whole(0, capacity - 1);
    if (this.draw.chance(0.3)) this.#tensors[place]?.dispose();
    this.#tensors[place] = tensor;
    return undefined;
  }

  /** Elements of a tensor, 0 if it is disposed of. */
  static sizeOf(tensor: Tensor): number {
    try {
      return tensor.size;
    } catch {
      return 0;
    }
  }

  /** The shape of a tensor, or of a scalar if it is disposed of. */
  static shapeOf(tensor: Tensor): number[] {
    try {
      return [...tensor.shape];
    } catch {
      return [];
    }
  }

  /** The dtype of a tensor, or f32 if it is disposed of. */
  static dtypeOf(tensor: Tensor): DType {
    try {
      return tensor.dtype;
    } catch {
      return 'f32';
    }
  }

  /** Any tensor. */
  any(): Tensor {
    if (this.#tensors.length > 0 && this.draw.chance(0.85)) return this.draw.pick(this.#tensors);
    const fresh = this.fresh(this.draw.shape(), this.draw.pick(['f32', 'f32', 'f32', 'f64', 'i32', 'bool']));
    this.keep(fresh);
    return fresh;
  }

  /** A floating tensor. */
  float(): Tensor {
    const found = Array.from({ length: 5 }, () => this.any()).find((tensor) =>
      ['f32', 'f64'].includes(Pool.dtypeOf(tensor)),
    );
    return found ?? this.fresh(this.draw.shape(), 'f32');
  }

  /** A tensor that is likely to broadcast with `other`. */
  partner(other: Tensor): Tensor {
    const shape = Pool.shapeOf(other).map((extent) => (this.draw.chance(0.2) ? 1 : extent));
    return this.view(
      this.draw.chance(0.2) ? shape.slice(this.draw.whole(0, shape.length)) : shape,
      Pool.dtypeOf(other),
    );
  }

  /** A new leaf; floating ones hold NaN, infinities and denormals in places. */
  fresh(shape: readonly number[], dtype: DType): Tensor {
    const data = numbers(this.draw, sizeOf(shape), { dtype, low: -3, high: 8 });
    if (dtype === 'f32' || dtype === 'f64') {
      for (let at = 0; at < data.length; at++) if (this.draw.chance(0.03)) data[at] = this.draw.pick(special);
    }
    const requiresGrad = (dtype === 'f32' || dtype === 'f64') && this.draw.chance(0.4);
    return tensor({ data, shape: [...shape] }, { dtype, requiresGrad });
  }

  /** A tensor of this very shape, often a view. */
  view(shape: readonly number[], dtype: DType = 'f32'): Tensor {
    // Huge views hold little, or nothing beside an empty axis; the leaf of one drawn like them would be huge itself.
    if (sizeOf(shape.map((extent) => extent + 2)) > 30 * largest) return this.fresh([], dtype);
    return known(this.draw, shape, { dtype, low: -3, high: 8 }).view;
  }

  /** One of those that are kept, if there are any. */
  kept(): Tensor | undefined {
    return this.#tensors.length === 0 ? undefined : this.draw.pick(this.#tensors);
  }

  /** Disposes of everything. */
  clear(): void {
    for (const tensor of this.#tensors.splice(0)) tensor.dispose();
  }
}
