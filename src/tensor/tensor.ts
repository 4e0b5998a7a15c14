import { inspect } from 'node:util';
import { binding } from '../native/load';
import type { TensorId } from '../native/binding.generated';
import { markClass, markOf, remedy } from './package-copies';
import { fullDeviceName, refuseDType } from './device';
import type { DType, NestedArray, TypedArray } from './element-types';
import { OptionError } from './errors';
import { within } from './op-name';
import { describe, flag } from './options';
import { readTarget, type DataOptions } from './read-into';
import { asGiven, readOptions, withDefault } from './read-options';
import { refuseInStep } from './replay-notes';
import { addToScope } from './scope';
import { ended, noNumber, type End } from './tensor-errors';

export type { DType, NestedArray, TypedArray } from './element-types';

declare global {
  // For `using`, in programs that neither @types/node nor the library `esnext.disposable` tells of it; every supported
  // Node.js has it.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
}

/** Options of `backward`. */
export interface BackwardOptions {
  /** d(result)/d(this), of this tensor's shape. Default: 1, for a tensor of one element. */
  gradient?: Tensor;
  /** Keeps the graph for another `backward`. Default false: the graph is released while it is walked. */
  retainGraph?: boolean;
}

/** More arrays than a process holds by default, also where nothing is in them. */
const MOST_LISTS = 2 ** 26;

/** Only what the package makes is a tensor: a number from elsewhere would be a handle to another one. @internal */
export const NEW = Symbol('a handle that a native call has just returned');

let readId: (x: unknown, op: string, name: string, expected?: string) => TensorId;
let isTensor: (x: unknown) => x is Tensor;
let isLive: (x: unknown) => boolean;
let end: (x: Tensor, how: End) => void;

/**
 * A handle to native values. Holds a number, nothing else: values, shape and graph live in C++.
 *
 * A tensor lives until `dispose()`, the end of its `scope()`, or until it is garbage-collected, whichever comes first.
 * Nobody has to tidy. Every op function whose first parameter is a tensor is also a method: `matmul(x, w)` is
 * `x.matmul(w)`.
 *
 * Inside this package an id is read only in the argument list of the call that uses it: the object may be collected
 * right after.
 */
export class Tensor {
  // private, so that nothing else is taken for a tensor: not a database row, not a tensor of another worker or copy of
  // the package
  readonly #id: TensorId;
  #shape: readonly number[] | undefined;
  #ended: End | undefined;

  /** @internal Made by the factories and ops. */
  constructor(id: TensorId, made: typeof NEW) {
    if (made !== NEW)
      throw new OptionError('Tensor', {
        given: `new Tensor(${describe(id)})`,
        expected: 'a tensor made by a function',
        fix: 'call tensor(x), zeros(shape) or another factory',
      });
    this.#id = id;
    this.adopt();
  }

  /** Hands the tensor to the innermost scope, or, outside every scope, to the garbage collector. @internal */
  adopt(): void {
    if (isTensor(this) && this.#ended !== undefined) return; // by an accessor in what a scope returns
    if (!addToScope(this)) binding.watch(this, idOf(this, 'adopt', 'this'));
  }

  /** Extents, outermost axis first. */
  get shape(): readonly number[] {
    const id = idOf(this, 'shape', 'this');
    return (this.#shape ??= Object.freeze(binding.shape(id)));
  }

  /** Number of axes. @throws {DisposedError} after `dispose()` */
  get rank(): number {
    checkTensor(this, 'rank', 'this');
    return this.shape.length;
  }

  /** Number of elements. @throws {DisposedError} after `dispose()` */
  get size(): number {
    checkTensor(this, 'size', 'this');
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  /** Element type. */
  get dtype(): DType {
    return binding.dtype(idOf(this, 'dtype', 'this'));
  }

  /** Where the elements lie: `cpu`, `cuda:0`. */
  get device(): string {
    return binding.device(idOf(this, 'device', 'this'));
  }

  /** Whether `backward` goes through this tensor. */
  get requiresGrad(): boolean {
    return binding.requiresGrad(idOf(this, 'requiresGrad', 'this'));
  }

  /** Whether this tensor has no history: only leaves keep a gradient. */
  get isLeaf(): boolean {
    return binding.isLeaf(idOf(this, 'isLeaf', 'this'));
  }

  /** How often the elements have been written, here or through a view; undefined once disposed of. @internal */
  get version(): number | undefined {
    if (isTensor(this) && this.#ended !== undefined) return undefined;
    return binding.version(idOf(this, 'version', 'this'));
  }

  /** Whether the elements lie densely, in row-major order. */
  get isContiguous(): boolean {
    return binding.isContiguous(idOf(this, 'isContiguous', 'this'));
  }

  /** The gradient that `backward` has added up here; undefined before the first one and after `zeroGrad`. */
  get grad(): Tensor | undefined {
    const id = binding.grad(idOf(this, 'grad', 'this'));
    return id === undefined ? undefined : new Tensor(id, NEW);
  }

  /**
   * @param value  of this tensor's shape, dtype and device; undefined drops the gradient
   * @throws {ShapeError} if it has another shape; {DTypeError} if another dtype
   */
  set grad(value: Tensor | undefined) {
    within('grad', () => binding.setGrad(idOf(this, 'grad', 'this'), optionalIdOf(value, 'grad', 'the new value')));
  }

  /**
   * Makes this leaf collect a gradient, or not. In place.
   *
   * @param flag  whether it does. Default true.
   * @throws {DTypeError} if it is not f32 or f64; {GraphError} if an op made it
   */
  requiresGrad_(flag = true): this {
    within('requiresGrad_', () => binding.setRequiresGrad(idOf(this, 'requiresGrad_', 'this'), flag));
    return this;
  }

  /**
   * Adds d(this)/d(leaf) to the gradient of every leaf that this tensor was computed from, and releases the graph.
   *
   * @throws {ShapeError} if the tensor has more than one element and no `gradient` is given
   * @throws {GraphError} if it depends on no tensor with `requiresGrad`, or the graph was released, or a saved tensor
   * was changed in place
   */
  backward(options: BackwardOptions = {}): void {
    const { gradient, retainGraph } = readOptions('backward', options, {
      gradient: asGiven,
      retainGraph: withDefault(flag, false),
    });
    binding.backward(idOf(this, 'backward', 'this'), optionalIdOf(gradient, 'backward', 'gradient'), retainGraph);
  }

  /** The same elements, outside the graph: gradients stop here. Shares storage. */
  detach(): Tensor {
    return new Tensor(binding.detach(idOf(this, 'detach', 'this')), NEW);
  }

  /**
   * This tensor on `device`; itself if it is there already.
   *
   * @throws {DeviceError} if there is no such device
   */
  to(device: string): Tensor {
    checkTensor(this, 'to', 'this');
    refuseDType('to', device);
    if (fullDeviceName(device) === this.device) return this;
    refuseInStep('to() another device', 'move the tensor before the step');
    return within('to', () => new Tensor(binding.toDevice(idOf(this, 'to', 'this'), device), NEW));
  }

  /**
   * A copy of the elements in row-major order, once everything asked for before has been computed, in an array of the
   * caller.
   *
   * @param options.into  the array, to which the promise resolves
   * @throws {OptionError | DTypeError | ShapeError} if it is not of the kind or length of what is read; {OptionError}
   * inside a step of compile()
   */
  data<A extends TypedArray>(options: DataOptions<A>): Promise<A>;
  /**
   * The same, in a new array if the caller has none. bool gives a Uint8Array.
   *
   * @throws {OptionError} inside a step of compile()
   */
  data(options?: Partial<DataOptions>): Promise<TypedArray>;
  data(options?: Partial<DataOptions>): Promise<TypedArray> {
    checkTensor(this, 'data', 'this');
    refuseInStep('data()');
    const into = options === undefined ? undefined : readTarget(options, this);
    if (into === undefined) return binding.data(idOf(this, 'data', 'this'));
    return binding.dataInto(idOf(this, 'data', 'this'), into);
  }

  /**
   * The elements as nested arrays; a number (or boolean) for a tensor without axes.
   *
   * @throws {OptionError} inside a step of compile(), or if more than 2^24 arrays would be made
   */
  array(): Promise<NestedArray> {
    checkTensor(this, 'array', 'this');
    refuseInStep('array()');
    return this.#nested();
  }

  async #nested(): Promise<NestedArray> {
    const { shape, dtype } = this;
    let [lists, all] = [1, 0];
    for (const extent of shape.slice(0, -1)) all += lists *= extent;
    if (all > MOST_LISTS)
      throw new OptionError('array', {
        given: String(this),
        expected: `at most ${MOST_LISTS} arrays`,
        fix: 'read it with data(), or in parts with slice()',
      });
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
    checkTensor(this, 'item', 'this');
    refuseInStep('item()');
    return this.#only();
  }

  async #only(): Promise<number> {
    if (this.size !== 1)
      throw new OptionError('item', {
        given: this.toString(),
        expected: 'one element',
        fix: 'reduce it with sum() or mean(), or read it with data()',
      });
    const [value] = await this.data();
    return value ?? Number.NaN;
  }

  /**
   * Lets go of the handle now. Work that is queued on the elements is still done. Using the tensor afterwards is a
   * DisposedError.
   */
  dispose(): void {
    end(this, 'dispose()');
  }

  /** Disposes of the tensor at the end of its scope. @internal */
  leaveScope(): void {
    end(this, 'scope');
  }

  /** For `using`. @throws {OptionError} if it is called on something else */
  [Symbol.dispose](): void {
    checkTensor(this, 'dispose', 'this');
    this.dispose();
  }

  /** As in `f32[32, 50, 96] on cpu`. */
  toString(): string {
    if (isTensor(this) && this.#ended !== undefined) return 'a disposed tensor';
    return binding.describe(idOf(this, 'toString', 'this'));
  }

  /**
   * Text for text. There is no number to give: elements are computed later, and may lie on another device.
   *
   * @param hint  what the language asks for: `string`, `number` or `default`
   * @throws {OptionError} in arithmetic and in comparisons by operators, which would silently go on with NaN
   */
  [Symbol.toPrimitive](hint: string): string {
    checkTensor(this, 'Tensor', 'this');
    if (hint === 'string') return this.toString();
    throw noNumber('Tensor', this.toString());
  }

  /** What JSON.stringify calls. @throws {OptionError} always: the elements have to be waited for */
  toJSON(): never {
    checkTensor(this, 'toJSON', 'this');
    throw new OptionError('toJSON', {
      given: `${this.toString()} in JSON.stringify()`,
      expected: 'numbers that have been read',
      fix: 'read it first, as in JSON.stringify(await x.array()); save() and saveSafetensors() write tensors to files',
    });
  }

  static {
    markClass(this.prototype, 'Tensor');
    isTensor = (x): x is Tensor => typeof x === 'object' && x !== null && #id in x;
    end = (x, how) => {
      if (isTensor(x) && x.#ended !== undefined) return;
      const id = readId(x, 'dispose', 'this');
      x.#ended = how;
      binding.dispose(id);
    };
    isLive = (x) => isTensor(x) && x.#ended === undefined;
    readId = (x, op, name, expected) => {
      if (!isTensor(x)) throw notATensor(x, op, name, expected);
      if (x.#ended !== undefined) throw ended(x.#ended, op, name);
      return x.#id;
    };
    // No declared member: the type declarations must stand without those of Node.
    const text = function (this: Tensor): string {
      if (!isTensor(this)) return 'an object that inherits from Tensor';
      if (this.#ended !== undefined) return `${this.constructor.name} (disposed)`;
      return `${this.constructor.name} ${this.toString()}${this.requiresGrad ? ', requires grad' : ''}`;
    };
    Object.defineProperty(this.prototype, inspect.custom, { value: text, configurable: true, writable: true });
  }
}

/**
 * The number of a tensor, for the argument list of a native call.
 *
 * @param op        the function that the user has called
 * @param name      of the argument
 * @param expected  what may stand there, for the message
 * @throws {OptionError} if `x` is no tensor of this copy of the package
 * @internal
 */
export const idOf = (x: Tensor, op: string, name = 'x', expected?: string): TensorId => readId(x, op, name, expected);

/** As `idOf`, where a tensor may be left out; null counts as left out. @internal */
export const optionalIdOf = (x: Tensor | null | undefined, op: string, name: string): TensorId | undefined =>
  x === undefined || x === null ? undefined : readId(x, op, name);

/** As `idOf`, of each tensor in a list. @internal */
export function idsOf(list: readonly Tensor[], op: string, name: string): TensorId[] {
  checkTensors(list, op, name);
  return list.map((x) => readId(x, op, name));
}

/** Refuses what is no list of tensors. @throws {OptionError} as `idsOf` @internal */
export function checkTensors(list: unknown, op: string, name: string): asserts list is readonly Tensor[] {
  if (!Array.isArray(list)) {
    const fix = remedy(list, 'put the tensors into an array: [a, b]');
    throw new OptionError(op, { given: `${describe(list)} as ${name}`, expected: 'an array of tensors', fix });
  }
  const odd = list.findIndex((x) => !isLive(x));
  if (odd >= 0) readId(list[odd], op, `${name}[${odd}]`);
}

/** Refuses what is no tensor before it is asked for its shape. @throws {OptionError} as `idOf` @internal */
export function checkTensor(x: unknown, op: string, name = 'x', expected?: string): asserts x is Tensor {
  readId(x, op, name, expected);
}

function notATensor(x: unknown, op: string, name: string, expected = 'a Tensor'): OptionError {
  const given =
    x === undefined ? `no ${name}` : `${x instanceof Tensor ? 'a proxy of a Tensor' : describe(x)} as ${name}`;
  return new OptionError(op, { given, expected, fix: tensorFor(x) });
}

/** What to write in place of a value that is no tensor. */
function tensorFor(x: unknown): string {
  if (x instanceof Tensor) return 'pass the tensor itself, not an object around it; keep tensors out of reactive state';
  const { name, own } = markOf(x) ?? {};
  if (own === true && name === 'PaddedSequence') return 'pass its values, x.values, or use map() of the sequence';
  if (own === true && name === 'Module') return 'pass what it computes: module.forward(x)';
  if (x === undefined || x === null) return 'pass a tensor, as tensor([1, 2, 3]) makes one';
  if (typeof x === 'object' && !Array.isArray(x) && 'output' in x) return 'pass the output of the layer: result.output';
  return remedy(x, 'make a tensor of numbers by tensor(x)');
}

/** The tensor of an id that a native call has just returned. @internal */
export const wrap = (id: TensorId): Tensor => new Tensor(id, NEW);
