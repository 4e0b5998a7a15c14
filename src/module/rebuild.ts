import { OptionError, type ErrorParts } from '../tensor/errors';
import { describe } from '../tensor/options';
import { withAllowance } from './allowance';
import { placesIn, type Place } from './fields';
import { Module, type ModuleConfig } from './module';
import { packagedClass } from './packaged';

/** Classes of the user's by name, as `{ Tagger }`. */
export type ModuleClasses = Readonly<Record<string, new (...args: never[]) => Module>>;

/** Why a module cannot be rebuilt, in parts, so that `load` can add which file it was reading. */
export class RebuildError extends OptionError {
  /** @param own  whether the fault is that of a class of the user's, not of the configuration */
  constructor(
    readonly parts: ErrorParts,
    readonly own = false,
  ) {
    super('load', parts);
  }
}

/** The constructor of a class of the user's throws; the error's `cause` is what it throws. */
export class ConstructorError extends RebuildError {
  /**
   * @param owner   the name of the class
   * @param call    how it was called, as in `new Tagger(options)`
   * @param reason  what the cause says, on one line
   */
  constructor(
    readonly owner: string,
    readonly call: string,
    readonly reason: string,
  ) {
    const parts = {
      given: `${owner}, whose constructor fails (${reason}),`,
      expected: `${call} to build the model that was saved`,
      fix:
        `keep the constructor's argument in a field options of ${owner} before saving, ` +
        "and let the constructor take it; see the error's cause",
    };
    super(parts, true);
  }
}

/**
 * Builds the module that a configuration describes, with fresh weights.
 *
 * @param config   what `module.config()` returned; it may come from a file and is checked
 * @param classes  classes of the user's own that it holds, by name. Each is built with the `options` that its object
 * had, or without arguments.
 * @throws {RebuildError} if a class is unknown, or the configuration is not one, or the constructor of a class of the
 * user's throws
 */
export const rebuild = (config: ModuleConfig, classes: ModuleClasses = {}): Module => build(config, classes, tie);

/**
 * The same without ties, except those that constructors make: nothing is changed in modules that are not new, as one
 * that several models share.
 */
export const rebuildUntied = (config: ModuleConfig, classes: ModuleClasses): Module =>
  build(config, classes, () => undefined);

/** Lets the paths of each group hold the same. */
type Tie = (module: Module, groups: readonly (readonly string[])[]) => void;

function build(config: ModuleConfig, classes: ModuleClasses, tied: Tie): Module {
  const checked = checkConfig(config);
  const module = checked.own ? buildOwn(checked, classes) : buildPackaged(checked, classes, tied);
  if (checked.quantized.length > 0) quantizeAt(module, checked.quantized);
  if (checked.tied.length > 0) tied(module, checked.tied);
  return module;
}

/**
 * Builds a layer or container of the package. It may allocate no more than the file holds values for, and an option
 * that it does not know is an error.
 */
function buildPackaged(config: CheckedConfig, classes: ModuleClasses, tied: Tie): Module {
  const { name, options, children } = config;
  const known = packagedClass(name);
  if (known === undefined) return buildOwn(config, classes);
  if (!known.container && children.length > 0) throw damaged(`modules in a ${name}`);
  const parts = children.map((child) => build(child, classes, tied));
  const module: unknown = Reflect.construct(known.constructor, options === undefined ? parts : [...parts, options]);
  if (!(module instanceof Module)) throw damaged(`the class ${name}`);
  if (options !== undefined && Reflect.get(module, 'options') === undefined) throw damaged(`options of a ${name}`);
  return module;
}

function buildOwn({ name, options }: CheckedConfig, classes: ModuleClasses): Module {
  const own = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (own === undefined) {
    const namesake = packagedClass(name) === undefined ? '' : ', which is not that of stmnet';
    throw new RebuildError({
      given: `a model that holds a ${name}${namesake}`,
      expected: 'a class of stmnet or one that is passed',
      fix: `load(path, { classes: { ${name} } })`,
    });
  }
  const module = withAllowance(undefined, () => constructOwn(own, name, options === undefined ? [] : [options]));
  if (module instanceof Module) return module;
  throw new RebuildError(
    {
      given: `class ${name}, which is no Module`,
      expected: 'a class that extends Module',
      fix: `let ${name} extend Module`,
    },
    true,
  );
}

/** Builds an object of a class of the user's, whose constructor may throw whatever it likes. */
function constructOwn(own: ModuleClasses[string], name: string, settings: readonly unknown[]): unknown {
  try {
    return Reflect.construct(own, settings);
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const [firstLine = ''] = text.split('\n', 1);
    const call = `new ${name}(${settings.length > 0 ? 'options' : ''})`;
    const failure = new ConstructorError(name, call, firstLine.replace(/\.$/, ''));
    failure.cause = error;
    throw failure;
  }
}

interface CheckedConfig {
  name: string;
  own: boolean;
  options: unknown;
  children: ModuleConfig[];
  quantized: string[];
  tied: string[][];
}

function checkConfig(config: ModuleConfig): CheckedConfig {
  const given: unknown = config;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw damaged(describe(given));
  const {
    class: name,
    own,
    options,
    children = [],
    quantized = [],
    tied = [],
    ...rest
  }: Record<string, unknown> = { ...given };
  const [odd] = Object.keys(rest);
  if (odd !== undefined) throw damaged(`the key ${describe(odd)}`);
  if (typeof name !== 'string') throw damaged(`class: ${describe(name)}`);
  if (own !== undefined && own !== true) throw damaged(`own: ${describe(own)}`);
  if (!Array.isArray(children)) throw damaged(`children: ${describe(children)}`);
  if (!isPaths(quantized)) throw damaged(`quantized: ${describe(quantized)}`);
  if (!Array.isArray(tied) || !tied.every(isPaths)) throw damaged(`tied: ${describe(tied)}`);
  return { name, own: own === true, options, children, quantized, tied };
}

const isPaths = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((path) => typeof path === 'string');

const damaged = (given: string): RebuildError =>
  new RebuildError({
    given: `a configuration with ${given}`,
    expected: '{ class, options?, children?, quantized?, tied?, own? }',
    fix: 'save the model again: save(model, path)',
  });

/**
 * Puts quantised layers, with weights that are yet to be read, in the place of layers of f32. They have the sizes of
 * those, so that nothing is claimed for them.
 */
function quantizeAt(module: Module, paths: readonly string[]): void {
  const places = placesIn(module, 'deep');
  const made = new Map<Module, Module>();
  for (const path of paths) {
    const place = places.find((other) => other.path === path);
    if (!(place?.part instanceof Module)) throw damaged(`quantized path ${describe(path)}`);
    const { part } = place;
    if ('isQuantized' in part && part.isQuantized === true) continue; // its class makes it so
    const quantized = made.get(part) ?? withAllowance(undefined, () => part.emptyQuantized());
    if (quantized === undefined) throw damaged(`quantized path ${describe(path)}`);
    made.set(part, quantized);
    Reflect.set(place.holder, place.key, quantized);
  }
}

/** Lets the later paths of each group hold what the first one holds. */
function tie(module: Module, groups: readonly (readonly string[])[]): void {
  const places = new Map(placesIn(module, 'deep').map((place) => [place.path, place]));
  const placeOf = (path: string): Place => {
    const place = places.get(path);
    if (place === undefined) throw damaged(`tied path ${describe(path)}`);
    return place;
  };
  for (const [first = '', ...others] of groups) {
    const { part } = placeOf(first);
    for (const path of others) {
      const { holder, key, part: own } = placeOf(path);
      if (own === part) continue;
      if (own.constructor !== part.constructor || !Reflect.set(holder, key, part)) {
        throw damaged(`tied path ${describe(path)}`);
      }
    }
  }
}
