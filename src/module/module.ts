import { inspect, type InspectOptions } from 'node:util';
import { binding } from '../native/load';
import { resolveDevice } from '../tensor/device';
import { OptionError, StmnetError } from '../tensor/errors';
import { renamed } from '../tensor/op-name';
import { noGrad } from '../tensor/grad-mode';
import type { HostArray } from '../tensor/host-array';
import { clone } from '../tensor/ops/elementwise';
import { checkOptions, flag } from '../tensor/options';
import { assume } from '../tensor/replay-notes';
import { idsOf, type Tensor } from '../tensor/tensor';
import { markClass } from '../tensor/package-copies';
import type { ModuleConfig } from './config';
import { extentsOf, extentsText, inputExtents, symbolicText, type Extents } from './extents';
import { FieldOwner, firstTensor, firstPlaces, ownersIn, placesIn, sharedPaths } from './fields';
import { inEvaluation } from './modes';
import { isPackaged } from './packaged';
import { moduleText } from './module-text';
import { quantizedPaths } from './quantized-paths';
import { BufferTensor, Parameter } from './parameter';
import { assign, matchState, tensorsOf, type StateDict } from './state-dict';
import { Stream, type Stepping, type StreamOptions } from './stream';
import { summaryTable } from './summary';

export type { ModuleConfig } from './config';
export type { StateDict } from './state-dict';

/** What `loadStateDict` found to differ. */
export interface NameMismatch {
  /** Names of the model that the state lacks. */
  missing: string[];
  /** Names of the state that the model does not know. */
  unexpected: string[];
}

/**
 * Called after each `forward` with the module, what went in and what came out; what it returns replaces the output,
 * unless it returns undefined.
 */
export type ForwardHook = (module: Module, inputs: readonly unknown[], output: unknown) => unknown;

/** What a module knows beside its fields. */
interface Memory {
  training: boolean;
  readonly hooks: Set<ForwardHook>;
  /** Of the last `forward`. */
  input: Extents | undefined;
  output: readonly Extents[];
}

/**
 * Base of all layers and models. Parameters, buffers and modules are found in the fields, and in arrays and plain
 * objects in the fields:
 *
 *     class Tagger extends Module {
 *       lstm = new LSTM({ inputSize: 100, hiddenSize: 128 });
 *       head = new Linear({ inFeatures: 128, outFeatures: 17 });
 *       forward(words: PaddedSequence): PaddedSequence {
 *         return this.head.forward(this.lstm.forward(words).output);
 *       }
 *     }
 *
 * What occurs twice is one parameter, buffer or module with two names, also after `load`; cycles do no harm. Only
 * another parameter, or undefined, can take the place of a parameter; the same holds for buffers and modules. A field
 * `options`, if there is one, is what `save` writes down and what the constructor gets when `load` rebuilds the module.
 *
 * A tensor with `requiresGrad`, or a Map or Set of modules or parameters, would be neither trained nor saved: it is an
 * error of `parameters()` and `stateDict()`. Plain tensors may stand in fields.
 *
 * Private `#fields` cannot be seen from outside their class: what stands in one is neither trained nor saved. Keep
 * parameters, buffers and modules in plain fields, which TypeScript may declare `private`.
 */
export abstract class Module extends FieldOwner {
  readonly #memory: Memory = { training: true, hooks: new Set(), input: undefined, output: [] };

  /** @throws {OptionError} from `forward`, if the class has none */
  constructor() {
    super();
    // In front of whatever `forward` the class has, on each object: so that hooks and summary() see every call of
    // model.forward(x) once, whether a class, a field or an assignment says what it does. A class that calls
    // super.forward(x) goes past it. No field of the model, hence not enumerable.
    const memory = this.#memory; // every call uses it, and a private field of a proxy is slow to reach
    const { prototype } = new.target;
    const observing = (own?: unknown): (() => unknown) => {
      const hooked = (...inputs: unknown[]): unknown => {
        const forward: unknown = own ?? Reflect.get(prototype, 'forward', this);
        if (typeof forward !== 'function') throw this.#noForward();
        let result = underOneName(this, forward as () => unknown, inputs);
        if (hooked !== current) return result; // another forward, which has replaced this one, calls it
        for (const hook of memory.hooks) result = hook(this, inputs, result) ?? result;
        memory.input = inputExtents(inputs);
        memory.output = extentsOf(result);
        return result;
      };
      return hooked;
    };
    let current = observing();
    const set = (own: unknown): void => void (current = observing(own));
    Object.defineProperty(this, 'forward', { get: () => current, set, configurable: true, enumerable: false });
  }

  /** Computes the output. Declare it as a method, with the inputs and outputs that the module has. */
  abstract forward(...inputs: never[]): unknown;

  #noForward(): OptionError {
    const { name } = this.constructor;
    return new OptionError(`${name}.forward`, {
      given: 'a module without forward',
      expected: 'a method forward, which computes the output',
      fix: `write forward(x) { … } in class ${name}`,
    });
  }

  /** True from the start and after `train()`, false after `eval()`. Dropout, noise and batch normalisation differ. */
  get training(): boolean {
    const memory = this.#memory;
    const { training } = memory;
    assume(this, () => memory.training === training);
    return training;
  }

  /** Shape of what the last `forward` returned, as text; undefined before the first. */
  get outputShape(): string | undefined {
    return extentsText(this.#memory.output);
  }

  /** `outputShape` with N for the batch and T for time, as `summary` shows it. @internal */
  get symbolicShape(): string | undefined {
    const options: unknown = Reflect.get(this, 'options');
    const batchFirst: unknown =
      typeof options === 'object' && options !== null ? Reflect.get(options, 'batchFirst') : undefined;
    return symbolicText(this.#memory.output, this.#memory.input, batchFirst);
  }

  /**
   * Switches this module and all below it to training, or, by `train(false)`, to evaluation.
   *
   * @throws {OptionError} if `mode` is neither true nor false
   */
  train(mode = true): this {
    return this.#switchTo(flag(`${this.constructor.name}.train`, 'mode', mode));
  }

  /** Switches this module and all below it to evaluation. */
  eval(): this {
    return this.#switchTo(false);
  }

  /** Switches this module alone. @returns false, and does not, where its class has a train() or eval() @internal */
  switchAlone(training: boolean): boolean {
    if (this.train !== Module.prototype.train || this.eval !== Module.prototype.eval) return false;
    this.#memory.training = training;
    return true;
  }

  #switchTo(training: boolean): this {
    for (const [, module] of this.namedModules()) module.#memory.training = training;
    return this;
  }

  /** Parameters and buffers under each of their paths. @internal */
  namedTensors(): Map<string, Parameter | BufferTensor> {
    const found = new Map<string, Parameter | BufferTensor>();
    for (const { path, part } of placesIn(this, 'deep')) if (!(part instanceof FieldOwner)) found.set(path, part);
    return found;
  }

  /** The parameters with their paths; a shared one once, under its first path. */
  *namedParameters(): Generator<[string, Parameter]> {
    for (const [path, value] of firstPlaces(this.namedTensors())) {
      if (!(value instanceof Parameter)) continue;
      value.foundAt(path);
      yield [path, value];
    }
  }

  /** The parameters, each once: what an optimizer takes. */
  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  /** The buffers with their paths; a shared one once. */
  *namedBuffers(): Generator<[string, BufferTensor]> {
    for (const [path, value] of firstPlaces(this.namedTensors())) {
      if (value instanceof BufferTensor) yield [path, value];
    }
  }

  /** The buffers, each once. */
  buffers(): BufferTensor[] {
    return Array.from(this.namedBuffers(), ([, buffer]) => buffer);
  }

  /** This module under the empty path, then all below it; a shared one once. */
  *namedModules(): Generator<[string, Module]> {
    yield ['', this];
    const below = placesIn(this, 'once').flatMap(({ path, part }): [string, Module][] =>
      part instanceof Module ? [[path, part]] : [],
    );
    yield* firstPlaces(below);
  }

  /** This module and all below it, each once: `namedModules` without names, in less time. @internal */
  modulesInside(): Module[] {
    return ownersIn(this).filter((owner) => owner instanceof Module);
  }

  /** The modules in this module's own fields, each once. */
  children(): Module[] {
    const parts = placesIn(this, 'shallow').map(({ part }) => part);
    return [...new Set(parts.filter((part) => part instanceof Module))];
  }

  /**
   * Parameters and buffers by name, without history. A tied parameter stands under each of its names, as in PyTorch.
   *
   * The tensors share their bytes with the model, so that nothing is copied to save or compare them: they change when
   * training goes on. To keep the best weights of a training run, take a copy.
   *
   * @param options.copy  whether the tensors are copies of the values of now. Default false.
   * @throws {OptionError} if two fields have one path, or an option is unknown
   */
  stateDict(options: { copy?: boolean } = {}): StateDict {
    const op = `${this.constructor.name}.stateDict`;
    checkOptions(op, options, ['copy']);
    const take = flag(op, 'copy', options.copy ?? false)
      ? (value: Tensor) => noGrad(() => clone(value))
      : (value: Tensor) => value.detach();
    return Object.fromEntries(Array.from(this.namedTensors(), ([path, value]) => [path, take(value)]));
  }

  /**
   * Copies values into the parameters and buffers. Nothing is copied if anything does not fit. Of a tied parameter's
   * names one is enough.
   *
   * @param options.strict  whether names missing and unexpected are errors; other shapes always are. Default true.
   * @returns the names that the state lacks and those that the model does not know
   * @throws {ShapeError} that lists all names missing, unexpected, or of another shape
   * @throws {OptionError} if `state` is not an object of tensors by name
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): NameMismatch {
    const op = `${this.constructor.name}.loadStateDict`;
    checkOptions(op, options, ['strict']);
    const { pairs, missing, unexpected } = matchState(
      op,
      this.namedTensors(),
      tensorsOf(op, state),
      flag(op, 'strict', options.strict ?? true),
    );
    for (const { target, source } of pairs) assign(target, source);
    return { missing, unexpected };
  }

  /**
   * Moves parameters, their gradients and buffers to a device. They stay the same objects, so that an optimizer made
   * before goes on with them; its own state follows at its next step.
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

  /** Freezes or unfreezes all parameters. @param flag  true if they are trained */
  requiresGrad_(flag: boolean): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(flag);
    return this;
  }

  /**
   * Calls `hook` after every `forward` of this module, after the hooks registered before.
   *
   * @returns a function that takes the hook away
   */
  registerForwardHook(hook: ForwardHook): () => void {
    this.#memory.hooks.add(hook);
    return () => void this.#memory.hooks.delete(hook);
  }

  /**
   * Prints a table: each module's name, class, output shape of the last `forward`, and number of parameters, those of 8
   * bits too; a shared one counts once. @throws {OptionError} if it is given something, such as an input
   */
  summary(...given: readonly never[]): void {
    // A reader that has gone, as of `| head`, is no error of the script: console.log minds that, a stream does not.
    // oxlint-disable-next-line no-console
    console.log(summaryTable(this, given));
  }

  /** How the module takes the steps of a sequence. @internal */
  get stepping(): Stepping {
    return 'each';
  }

  /**
   * Reads sequences step by step, as they come. For recurrent layers, a Sequential, and modules whose
   * `forward(input, state)` starts from `state`, undefined at first, and returns { output, state }.
   *
   * @throws {OptionError} if a layer needs the whole sequence, as a bidirectional one does, or an option is unknown
   */
  createStream<Output = HostArray>(options: StreamOptions = {}): Stream<Output> {
    const run = (...inputs: unknown[]): unknown => inEvaluation(this, () => this.forward(...(inputs as never[])));
    return new Stream(this, options, run, () => firstTensor(this)?.device);
  }

  /** Whether it is a layer that `quantizeDynamic` made. @internal */
  get isQuantized(): boolean {
    return false;
  }

  /** A quantised layer with the sizes of this one and weights of zeros; undefined if there is none. @internal */
  emptyQuantized(): Module | undefined {
    return undefined;
  }

  /** The modules that were given to the constructor, in its order: what a container is rebuilt of. @internal */
  protected givenModules(): readonly Module[] {
    return [];
  }

  /** This module, and of a container those given to it: what `load` builds one by one. @internal */
  *rebuiltModules(): Generator<Module> {
    yield this;
    if (isPackaged(this.constructor)) for (const module of this.givenModules()) yield* module.rebuiltModules();
  }

  /**
   * What `save` writes and `rebuild` reads: class, options, the modules given to a container, and which paths hold the
   * same.
   */
  config(): ModuleConfig {
    const options: unknown = Reflect.get(this, 'options');
    const known = isPackaged(this.constructor);
    const given = known ? this.givenModules() : [];
    const children = given.map((module) => module.config());
    const quantized = quantizedPaths(this, given);
    const tied = sharedPaths(this);
    return {
      class: this.constructor.name,
      ...(known ? {} : { own: true }),
      ...(options === undefined ? {} : { options }),
      ...(children.length > 0 ? { children } : {}),
      ...(quantized.length > 0 ? { quantized } : {}),
      ...(tied.length > 0 ? { tied } : {}),
    };
  }

  /** As in `Linear({ inFeatures: 3, outFeatures: 1, bias: true, dtype: 'f32' })`, the modules inside below it. */
  override toString(): string {
    return moduleText(this, 2, {});
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

/**
 * Runs `forward`. An error of an op inside one of the package's layers names the layer, which is what the user has
 * called; in modules of the user's own, and in containers, errors keep the name of the op.
 */
function underOneName(module: Module, forward: () => unknown, inputs: readonly unknown[]): unknown {
  try {
    return Reflect.apply(forward, module, inputs);
  } catch (error) {
    const ofAnOp = error instanceof StmnetError && !error.op.includes('.');
    throw ofAnOp && isPackaged(module.constructor) && module.children().length === 0
      ? renamed(error, `${module.constructor.name}.forward`)
      : error;
  }
}
