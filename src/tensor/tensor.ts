import { inspect } from 'node:util';
import { binding } from '../native/load';
import type { TensorId } from '../native/binding.generated';
import { fullDeviceName } from './device-name';
import { OptionError } from './errors';
import { refuseInStep } from './recording';
import { addToScope } from './scope';

/** Element types: `f32` by default, `i32` for indices, `bool` for masks. */
export type DType = 'f32' | 'f64' | 'i32' | 'bool';

/** Arrays that hold a tensor's elements on the host: f32, f64, i32 and (Uint8Array, 0 or 1) bool. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Numbers, or arrays of arrays of numbers, all of one shape. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** Options of `backward`. */
export interface BackwardOptions {
  /** d(result)/d(this), of this tensor's shape. Default: 1, for a tensor of one element. */
  gradient?: Tensor;
  /** Keeps the graph for another `backward`. Default false: the graph is released while it is walked. */
  retainGraph?: boolean;
}

/**
 * A handle to native values. Holds a number, nothing else: values, shape and graph live in C++.
 *
 * A tensor lives until `dispose()`, the end of its `scope()`, or until it is garbage-collected, whichever comes first. Nobody has to tidy.
 * Every op function whose first parameter is a tensor is also a method: `matmul(x, w)` is `x.matmul(w)`.
 *
 * Inside this package an id is read only in the argument list of the call that uses it: the object may be collected right after.
 */
export class Tensor {
  readonly #id: TensorId; // private, so that a structured clone (postMessage) is not taken for a tensor of another worker
  #shape: readonly number[] | undefined;
  #disposed = false;

  /** @internal Made by the factories and ops. */
  constructor(id: TensorId) {
    this.#id = id;
    this.adopt();
  }

  /** @internal */
  get id(): TensorId {
    return this.#id;
  }

  /** Hands the tensor to the innermost scope, or, outside every scope, to the garbage collector. @internal */
  adopt(): void {
    if (!addToScope(this)) binding.watch(this, this.#id);
  }

  /** Extents, outermost axis first. */
  get shape(): readonly number[] {
    return (this.#shape ??= Object.freeze(binding.shape(this.#id)));
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  /** Element type. */
  get dtype(): DType {
    return binding.dtype(this.#id);
  }

  /** Where the elements lie: `cpu`, `cuda:0`. */
  get device(): string {
    return binding.device(this.#id);
  }

  /** Whether `backward` goes through this tensor. */
  get requiresGrad(): boolean {
    return binding.requiresGrad(this.#id);
  }

  /** Whether no recorded op made this tensor: only leaves keep a gradient. */
  get isLeaf(): boolean {
    return binding.isLeaf(this.#id);
  }

  /** Whether the elements lie densely, in row-major order. */
  get isContiguous(): boolean {
    return binding.isContiguous(this.#id);
  }

  /** The gradient that `backward` has added up here; undefined before the first one and after `zeroGrad`. */
  get grad(): Tensor | undefined {
    const id = binding.grad(this.#id);
    return id === undefined ? undefined : new Tensor(id);
  }

  set grad(value: Tensor | undefined) {
    binding.setGrad(this.#id, value?.id);
  }

  /**
   * Makes this leaf collect a gradient, or not. In place.
   *
   * @throws {DTypeError} if it is not f32 or f64; {GraphError} if an op made it
   */
  requiresGrad_(flag = true): this {
    binding.setRequiresGrad(this.#id, flag);
    return this;
  }

  /**
   * Adds d(this)/d(leaf) to the gradient of every leaf that this tensor was computed from, and releases the graph.
   *
   * @throws {ShapeError} if the tensor has more than one element and no `gradient` is given
   * @throws {GraphError} if it depends on no tensor with `requiresGrad`, or the graph was released, or a saved tensor was changed in place
   */
  backward(options: BackwardOptions = {}): void {
    for (const key of Object.keys(options)) {
      if (key !== 'gradient' && key !== 'retainGraph') throw new OptionError('backward', { given: `unknown option '${key}'`, expected: 'gradient or retainGraph', fix: 'remove it' });
    }
    binding.backward(this.#id, options.gradient?.id, options.retainGraph ?? false);
  }

  /** The same elements, outside the graph: gradients stop here. Shares storage. */
  detach(): Tensor {
    return new Tensor(binding.detach(this.#id));
  }

  /**
   * This tensor on `device`; itself if it is there already.
   *
   * @throws {DeviceError} if there is no such device
   */
  to(device: string): Tensor {
    if (fullDeviceName(device) === this.device) return this;
    refuseInStep('to() another device', 'move the tensor before the step');
    return new Tensor(binding.toDevice(this.#id, device));
  }

  /** A copy of the elements in row-major order, once everything asked for before has been computed. bool gives a Uint8Array. */
  data(): Promise<TypedArray> {
    refuseInStep('data()');
    return binding.data(this.#id);
  }

  /** The elements as nested arrays; a number (or boolean) for a tensor without axes. */
  array(): Promise<NestedArray> {
    refuseInStep('array()');
    return this.#nested();
  }

  async #nested(): Promise<NestedArray> {
    const { shape, dtype } = this;
    const data = await this.data();
    let next = 0;
    const build = (axis: number): NestedArray => {
      if (axis === shape.length) return dtype === 'bool' ? data[next++] === 1 : (data[next++] ?? 0);
      return Array.from({ length: shape[axis] ?? 0 }, () => build(axis + 1));
    };
    return build(0);
  }

  /**
   * The only element, as a number.
   *
   * @throws {OptionError} if there is not exactly one
   */
  item(): Promise<number> {
    refuseInStep('item()');
    return this.#only();
  }

  async #only(): Promise<number> {
    if (this.size !== 1) throw new OptionError('item', { given: this.toString(), expected: 'one element', fix: 'reduce it with sum() or mean(), or read it with data()' });
    const [value] = await this.data();
    return value ?? Number.NaN;
  }

  /** Lets go of the handle now. Work that is queued on the elements is still done. Using the tensor afterwards is a DisposedError. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    binding.dispose(this.#id);
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As in `f32[32, 50, 96] on cpu`. */
  toString(): string {
    return this.#disposed ? 'a disposed tensor' : binding.describe(this.#id);
  }

  static {
    // No declared member: the type declarations must stand without those of Node.
    const text = function (this: Tensor): string {
      if (this.#disposed) return `${this.constructor.name} (disposed)`;
      return `${this.constructor.name} ${this.toString()}${this.requiresGrad ? ', requires grad' : ''}`;
    };
    Object.defineProperty(this.prototype, inspect.custom, { value: text, configurable: true, writable: true });
  }
}

/** The tensor of an id that a native call has just returned. @internal */
export const wrap = (id: TensorId): Tensor => new Tensor(id);
