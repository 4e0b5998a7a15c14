import { differenceOf, type Difference } from '../module/difference';
import type { Module } from '../module/module';
import { isPackaged } from '../module/packaged';
import { ConstructorError, rebuildUntied, type ModuleClasses } from '../module/rebuild';
import { dryRun } from '../tensor/dry-run';
import { OptionError, type ErrorParts } from '../tensor/errors';
import { renamed } from '../tensor/op-name';
import { describe } from '../tensor/options';
import { scope } from '../tensor/scope';

/**
 * Refuses to save a model that `load` could not build again: what would be lost is an error now, not when the model is
 * needed. The model is built once more, as `load` builds it, without computing anything, and compared.
 *
 * @returns what it is rebuilt from, as JSON
 * @throws {OptionError} if the options of a module hold what JSON cannot carry; if a class of the user's has no name,
 *   shares it with another one, or a constructor that throws; or if what is built has other modules, parameters,
 *   buffers, ties or settings than the model
 */
export function checkRebuildable(model: Module): string {
  const classes = new Map<string, Module['constructor']>();
  for (const module of model.rebuiltModules()) {
    const { constructor } = module;
    if (!isPackaged(constructor)) checkName(constructor.name, constructor, classes);
    checkValue(constructor.name, 'options', optionsOf(module));
  }
  const config = JSON.stringify(model.config());
  const build = (): Module => rebuildUntied(JSON.parse(config), Object.fromEntries(classes) as ModuleClasses);
  const difference = withoutComputing(() => differenceOf(model, build));
  if (difference !== undefined) throw notRebuilt(model, difference);
  return config;
}

const optionsOf = (module: Module): unknown => Reflect.get(module, 'options');

/** Runs what builds the model, and disposes of it. An error of a constructor says how to write it. */
function withoutComputing<R>(fn: () => R): R {
  try {
    return dryRun('save', uncomputed, () => scope(fn));
  } catch (error) {
    if (!(error instanceof ConstructorError)) throw renamed(error, 'save');
    const refusal = new OptionError('save', {
      given: `${error.owner}, whose constructor fails as load() calls it (${error.reason})`,
      expected: `${error.call} to build the model that is saved`,
      fix: `${remedyFor(error.owner, error.call)}; see the error's cause`,
    });
    refusal.cause = error.cause;
    throw refusal;
  }
}

/** For a constructor that keeps tensors beyond the model. */
const uncomputed: ErrorParts = {
  given: 'a tensor of the model that save() built to compare it, which has no values',
  expected: 'one that was made elsewhere',
  fix: 'let no constructor keep() tensors, or set gradients of others',
};

function notRebuilt(model: Module, { path, has, made }: Difference): OptionError {
  const maker = makerOf(model, path);
  const { name } = maker.constructor;
  const packaged = isPackaged(maker.constructor);
  const call = `new ${name}(${optionsOf(maker) === undefined ? '' : 'options'})`;
  return new OptionError('save', {
    given: `${path}: ${has}`,
    expected: `${made}, which ${packaged ? 'the options of the model make' : `${call} makes`}`,
    fix:
      `${packaged ? 'build the model, or that layer, with the options for it' : remedyFor(name, call)}; ` +
      'saveSafetensors(path, model.stateDict()) writes the tensors as they are',
  });
}

/** The innermost module around a path that `load` builds by itself. */
function makerOf(model: Module, path: string): Module {
  const rebuilt = new Set(model.rebuiltModules());
  const around = [...model.namedModules()].filter(
    ([place, module]) => rebuilt.has(module) && (place === '' || `${path}.`.startsWith(`${place}.`)),
  );
  return around.at(-1)?.[1] ?? model;
}

const remedyFor = (name: string, call: string): string =>
  call.endsWith('()')
    ? `keep the constructor's argument in a field options: this.options = options in ${name}; ` +
      'or build all of it without an argument'
    : `write constructor(options) { super(); this.options = options; … } in ${name}, and build all of it from options`;

function checkName(
  name: string,
  constructor: Module['constructor'],
  classes: Map<string, Module['constructor']>,
): void {
  if (name === '') {
    throw new OptionError('save', {
      given: 'a module of a class without a name',
      expected: 'a class with a name, which load() finds it by',
      fix: 'write class Tagger extends Module { … }',
    });
  }
  if ((classes.get(name) ?? constructor) !== constructor) {
    throw new OptionError('save', {
      given: `two classes with the name ${name}`,
      expected: 'names that differ, which load() finds the classes by',
      fix: `give one of them another name than ${name}`,
    });
  }
  classes.set(name, constructor);
}

/**
 * Refuses what JSON would drop or turn into something else. A property that is undefined may go: it reads the same when
 * it is not there.
 *
 * @param above  the objects on the way here: one of them again has no end
 */
function checkValue(owner: string, path: string, value: unknown, above: readonly object[] = []): void {
  if (
    value === undefined ||
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  )
    return;
  if (typeof value !== 'object' || above.includes(value)) refuse(owner, path, value);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    const elements: unknown[] = Array.from(value as unknown[]); // with its holes, which JSON fills
    elements.forEach((element, i) =>
      element === undefined
        ? refuse(owner, `${path}[${i}]`, element)
        : checkValue(owner, `${path}[${i}]`, element, inside),
    );
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    Object.entries(value).forEach(([key, property]) => checkValue(owner, `${path}.${key}`, property, inside));
  } else {
    refuse(owner, path, value);
  }
}

function refuse(owner: string, path: string, value: unknown): never {
  throw new OptionError('save', {
    given: `${owner} with ${path}: ${describe(value)}`,
    expected: 'options that JSON can carry: finite numbers, strings, booleans, arrays, plain objects',
    fix: `keep plain settings in the options of ${owner}, and tensors in its parameters and buffers`,
  });
}
