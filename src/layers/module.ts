import { inspect, type InspectOptions } from 'node:util';
import { binding } from '../native/load';
import { resolveDevice } from '../tensor/device';
import { OptionError, ShapeError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { cast, copy_ } from '../tensor/ops/elementwise';
import { checkOptions, describe } from '../tensor/options';
import { PaddedSequence } from '../tensor/padded-sequence';
import { assume } from '../tensor/recording';
import { idsOf, Tensor } from '../tensor/tensor';
import { isPromise, markClass, remedy } from '../tensor/copies';
import { BufferTensor, Parameter } from './parameter';
import { summaryTable } from './summary';

/** Tensors by name. Names are the paths of the fields: `lstm.weight_ih_l0`, `layers.0.bias`. */
export type StateDict = Record<string, Tensor>;

/** What a module is rebuilt from: its class, the options of its constructor, and the modules that were given to it. */
export interface ModuleConfig {
  class: string;
  options?: unknown;
  children?: ModuleConfig[];
  /** Groups of paths that hold one and the same parameter. */
  tied?: string[][];
}

/**
 * Called after each `forward` with the module, what went in and what came out; what it returns replaces the output, unless it returns undefined.
 */
export type ForwardHook = (module: Module, inputs: readonly unknown[], output: unknown) => unknown;

type Entry = readonly [path: string, value: Parameter | BufferTensor | Module];

/**
 * Base of all layers and models. Parameters, buffers and modules are found in the fields, and in arrays and plain objects in the fields:
 *
 *     class Tagger extends Module {
 *       lstm = new LSTM({ inputSize: 100, hiddenSize: 128 });
 *       head = new Linear({ inFeatures: 128, outFeatures: 17 });
 *       forward(words: PaddedSequence): PaddedSequence {
 *         return this.head.forward(this.lstm.forward(words).output);
 *       }
 *     }
 *
 * What occurs twice is one parameter with two names; cycles do no harm. A field `options`, if there is one, is what `save` writes down and what the
 * constructor gets when `load` rebuilds the module.
 *
 * Private `#fields` cannot be seen from outside their class: what stands in one is neither trained nor saved. Keep parameters, buffers and modules
 * in plain fields, which TypeScript may declare `private`. Write `forward` as a method: hooks and `summary` do not see an arrow function in a field.
 */
export abstract class Module {
  #training = true;
  #outputShape: string | undefined;
  readonly #hooks = new Set<ForwardHook>();
  readonly #isField: () => boolean;

  constructor() {
    const forward: unknown = Reflect.get(this, 'forward');
    const hooked = (...inputs: unknown[]): unknown => {
      if (typeof forward !== 'function') throw this.#noForward();
      return this.#finish(inputs, Reflect.apply(forward, this, inputs));
    };
    this.#isField = () => {
      const own = Object.getOwnPropertyDescriptor(this, 'forward');
      return own?.enumerable === true || (forward === undefined && own?.value !== hooked);
    };
    // An own property, so that hooks and summary() see every call of model.forward(); not enumerable, so that it is no field of the model.
    Object.defineProperty(this, 'forward', { value: hooked, configurable: true, writable: true, enumerable: false });
  }

  /** Computes the output. Declare it as a method, with the inputs and outputs that the module has. */
  abstract forward(...inputs: never[]): unknown;

  #finish(inputs: readonly unknown[], output: unknown): unknown {
    let result = output;
    for (const hook of this.#hooks) result = hook(this, inputs, result) ?? result;
    this.#outputShape = shapesOf(result);
    return result;
  }

  #noForward(): OptionError {
    const { name } = this.constructor;
    return new OptionError(`${name}.forward`, { given: 'a module without forward', expected: 'a method forward, which computes the output', fix: `write forward(x) { … } in class ${name}` });
  }

  /** Refuses a forward that was put into a field, and so in the place of the one that tells hooks and summary() what came out. */
  #checkMethod(op: string): void {
    if (!this.#isField()) return;
    throw new OptionError(`${this.constructor.name}.${op}`, {
      given: 'a module whose forward is a field', expected: 'a method', fix: 'write forward(x) { … } in place of forward = (x) => …',
    });
  }

  /** True from the start and after `train()`, false after `eval()`. Dropout, noise and batch normalisation differ. */
  get training(): boolean {
    const training = this.#training;
    assume(this, () => this.#training === training);
    return training;
  }

  /** Shape of what the last `forward` returned, as text; undefined before the first. */
  get outputShape(): string | undefined {
    return this.#outputShape;
  }

  /** Switches this module and all below it to training. */
  train(): this {
    for (const [, module] of this.namedModules()) module.#training = true;
    return this;
  }

  /** Switches this module and all below it to evaluation. */
  eval(): this {
    for (const [, module] of this.namedModules()) module.#training = false;
    return this;
  }

  /** Every path below this module, a shared value under each of its paths. */
  *#entries(prefix = '', above: ReadonlySet<object> = new Set()): Generator<Entry> {
    yield* entriesIn(this, prefix, new Set([...above, this]), (child, path, chain) => child.#entries(path, chain));
  }

  /** The parameters with their paths; a shared one once, under its first path. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>();
    for (const [path, value] of this.#entries()) {
      if (!(value instanceof Parameter) || seen.has(value)) continue;
      seen.add(value);
      yield [path, value];
    }
  }

  /** The parameters, each once: what an optimizer takes. */
  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  /** The buffers with their paths; a shared one once. */
  *namedBuffers(): Generator<[string, BufferTensor]> {
    const seen = new Set<BufferTensor>();
    for (const [path, value] of this.#entries()) {
      if (!(value instanceof BufferTensor) || seen.has(value)) continue;
      seen.add(value);
      yield [path, value];
    }
  }

  /** The buffers, each once. */
  buffers(): BufferTensor[] {
    return Array.from(this.namedBuffers(), ([, buffer]) => buffer);
  }

  /** This module under the empty path, then all below it; a shared one once. */
  *namedModules(): Generator<[string, Module]> {
    const seen = new Set<Module>([this]);
    yield ['', this];
    for (const [path, value] of this.#entries()) {
      if (!(value instanceof Module) || seen.has(value)) continue;
      seen.add(value);
      yield [path, value];
    }
  }

  /** The modules in this module's own fields, each once. */
  children(): Module[] {
    const found = new Set<Module>();
    for (const [, value] of entriesIn(this, '', new Set([this]), () => [])) if (value instanceof Module) found.add(value);
    return [...found];
  }

  /** Parameters and buffers by name, without history, sharing their bytes with the model. A tied parameter stands under each of its names, as in PyTorch. */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [path, value] of this.#entries()) if (!(value instanceof Module)) state[path] = value.detach();
    return state;
  }

  /**
   * Copies values into the parameters and buffers. Nothing is copied if anything does not fit. Of a tied parameter's names one is enough.
   *
   * @param options.strict  whether names missing and unexpected are errors; other shapes always are. Default true.
   * @returns the names that the state lacks and those that the model does not know
   * @throws {ShapeError} that lists all names missing, unexpected, or of another shape
   * @throws {OptionError} if `state` is not an object of tensors by name
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): { missing: string[]; unexpected: string[] } {
    const op = `${this.constructor.name}.loadStateDict`;
    checkOptions(op, options, ['strict']);
    checkState(op, state);
    const own = new Map<string, Tensor>();
    for (const [path, value] of this.#entries()) if (!(value instanceof Module)) own.set(path, value);
    const given = new Map(Object.entries(state).filter(([, value]: [string, unknown]) => value !== undefined));
    const served = new Set([...given.keys()].map((name) => own.get(name)));
    const missing = [...own].filter(([, target]) => !served.has(target)).map(([name]) => name);
    const unexpected = [...given.keys()].filter((name) => !own.has(name));
    const pairs = [...own].flatMap(([name, target]) => {
      const source = given.get(name);
      return source === undefined ? [] : [{ name, target, source }];
    });
    const misfits = pairs.filter(({ target, source }) => !fits(source, target)).map(({ name, target, source }) => `${name} as ${describe(source)} for ${describe(target)}`);
    const strict = options.strict ?? true;
    if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) throw unfit(op, missing, unexpected, misfits);
    noGrad(() => pairs.forEach(({ target, source }) => copy_(target, (source.dtype === target.dtype ? source : cast(source, target.dtype)).to(target.device))));
    return { missing, unexpected };
  }

  /**
   * Moves parameters, their gradients and buffers to a device. They stay the same objects, so that an optimizer made before goes on with them; its own state
   * follows at its next step.
   *
   * @param device  as in `devices()`; `cuda` is `cuda:0`
   * @throws {DeviceError} if there is no such device; the message says why
   */
  to(device: string): this {
    const target = resolveDevice(`${this.constructor.name}.to`, device);
    const moving = [...this.parameters(), ...this.buffers()];
    binding.moveTensors(idsOf(moving, `${this.constructor.name}.to`, 'tensors'), target);
    return this;
  }

  /** Freezes (`false`) or unfreezes (`true`) all parameters. */
  requiresGrad_(flag: boolean): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(flag);
    return this;
  }

  /**
   * Calls `hook` after every `forward` of this module, after the hooks registered before.
   *
   * @returns a function that takes the hook away
   * @throws {OptionError} if `forward` is not a method but a field, which hooks cannot see
   */
  registerForwardHook(hook: ForwardHook): () => void {
    this.#checkMethod('registerForwardHook');
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /**
   * Prints a table: each module's name, class, output shape of the last `forward`, and number of parameters; a shared parameter counts once.
   *
   * @throws {OptionError} if the `forward` of a module is not a method but a field, whose output nobody sees
   */
  summary(): void {
    for (const [, module] of this.namedModules()) module.#checkMethod('summary');
    process.stdout.write(`${summaryTable(this)}\n`);
  }

  /** What `save` writes and `rebuild` reads: class, options, ties. Containers add the modules that they were given. */
  config(): ModuleConfig {
    const options: unknown = Reflect.get(this, 'options');
    const tied = this.#tied();
    return { class: this.constructor.name, ...(options === undefined ? {} : { options }), ...(tied.length > 0 ? { tied } : {}) };
  }

  /** Groups of paths that hold one and the same parameter. */
  #tied(): string[][] {
    const paths = new Map<Parameter, string[]>();
    for (const [path, value] of this.#entries()) if (value instanceof Parameter) paths.set(value, [...(paths.get(value) ?? []), path]);
    return [...paths.values()].filter((names) => names.length > 1);
  }

  static {
    markClass(this.prototype, 'Module');
    // No declared member: the type declarations must stand without those of Node.
    const text = function (this: Module, depth: number, options: InspectOptions): string {
      return moduleText(this, depth, options);
    };
    Object.defineProperty(this.prototype, inspect.custom, { value: text, configurable: true, writable: true });
  }
}

/** What `util.inspect` shows. `above` holds the modules on the way here. */
function moduleText(module: Module, depth: number, options: InspectOptions, above: ReadonlySet<object> = new Set()): string {
  const settings: unknown = Reflect.get(module, 'options');
  const shown = typeof settings === 'object' && settings !== null && Object.keys(settings).length > 0 ? inspect(settings, { ...options, breakLength: Infinity }) : '';
  const chain = new Set([...above, module]);
  const parts = [...entriesIn(module, '', chain, () => [])].flatMap(([path, value]) => {
    if (!(value instanceof Module)) return [];
    const inner = depth < 0 ? value.constructor.name : moduleText(value, depth - 1, options, chain);
    return [`\n  ${path}: ${inner.replaceAll('\n', '\n  ')}`];
  });
  return `${module.constructor.name}(${shown}${parts.join('')}${parts.length > 0 ? '\n' : ''})`;
}

/** Entries in the fields of a module, or below an array or plain object. `above` holds the objects on the way here: one of them again is a cycle. */
function* entriesIn(holder: object, prefix: string, above: ReadonlySet<object>, below: (child: Module, path: string, above: ReadonlySet<object>) => Iterable<Entry>): Generator<Entry> {
  for (const [key, value] of Object.entries(holder) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null || above.has(value)) continue;
    const path = `${prefix}${key}`;
    if (value instanceof Parameter || value instanceof BufferTensor) {
      yield [path, value];
    } else if (value instanceof Module) {
      yield [path, value];
      yield* below(value, `${path}.`, above);
    } else if (Array.isArray(value) || isPlainObject(value)) {
      yield* entriesIn(value, `${path}.`, new Set([...above, value]), below);
    }
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Shapes of tensors and sequences, of the parts of an object that are ones, joined; undefined where there is none. */
function shapesOf(output: unknown): string | undefined {
  if (output instanceof Tensor || output instanceof PaddedSequence) return `[${output.shape.join(', ')}]`;
  if (typeof output !== 'object' || output === null) return undefined;
  const main: unknown = Reflect.get(output, 'output');
  if (main !== undefined) return shapesOf(main);
  const parts = Object.values(output).map(shapesOf).filter((shape) => shape !== undefined);
  return parts.length > 0 ? parts.join(', ') : undefined;
}

/** Refuses what holds no tensors by name, whatever a caller without types has passed. */
function checkState(op: string, state: unknown): void {
  if (typeof state === 'object' && state !== null && !Array.isArray(state) && !isPromise(state) && !(state instanceof Map || state instanceof Module || state instanceof Tensor)) return;
  const fix = isPromise(state) ? 'await it: model.loadStateDict(await loadSafetensors(path))'
    : state instanceof Module ? 'pass the state of that module: other.stateDict()'
    : state instanceof Map ? 'make an object of it: Object.fromEntries(map)' : remedy(state, 'pass what stateDict() or await loadSafetensors(path) returns');
  throw new OptionError(op, { given: state instanceof Module ? `a module, ${state.constructor.name}` : describe(state), expected: 'a state dict, an object of tensors by name', fix });
}

/** Same shape, and a kind of number that can be copied. */
function fits(source: Tensor, target: Tensor): boolean {
  if (!(source instanceof Tensor) || source.shape.length !== target.shape.length) return false;
  const floating = (tensor: Tensor): boolean => tensor.dtype === 'f32' || tensor.dtype === 'f64';
  return (source.dtype === target.dtype || (floating(source) && floating(target))) && source.shape.every((extent, axis) => extent === target.shape[axis]);
}

function unfit(op: string, missing: string[], unexpected: string[], misfits: string[]): ShapeError {
  const faults = [
    ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`with unexpected ${unexpected.join(', ')}`] : []),
    ...(misfits.length > 0 ? [`with ${misfits.join(', ')}`] : []),
  ];
  const fix = misfits.length > 0 ? 'build the model with the sizes that the state was saved with' : 'rename the entries, or pass { strict: false } to load those that match';
  return new ShapeError(op, { given: `a state dict ${faults.join('; ')}`, expected: 'the names and shapes of the model', fix });
}
