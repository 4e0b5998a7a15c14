import { takesArguments, takesOptions } from '../module/constructor-arguments';
import { isReshaped } from '../module/fields';
import type { Module } from '../module/module';
import { isPackaged } from '../module/packaged';
import { rebuild, type ModuleClasses } from '../module/rebuild';
import { OptionError } from '../tensor/errors';
import { renamed } from '../tensor/op-name';
import { describe } from '../tensor/options';
import { getRandomState, setRandomState } from '../tensor/generator';

/**
 * Refuses to save a model that `load` could not build again: what would be lost is an error now, not when the model is
 * needed.
 *
 * @throws {OptionError} if the options of a module hold what JSON cannot carry, or a class of the user's has no name,
 *   shares it with another one, or takes arguments that no field `options` keeps, or takes several; or if a parameter
 *   or buffer was taken away or got another shape, which no options tell
 */
export function checkRebuildable(model: Module): void {
  const classes = new Map<string, Module['constructor']>();
  for (const module of model.rebuiltModules()) {
    const { constructor } = module;
    const { name } = constructor;
    const options: unknown = Reflect.get(module, 'options');
    if (!isPackaged(constructor)) {
      checkName(name, constructor, classes);
      if (options === undefined) checkArguments(name, constructor);
      else checkOneObject(name, constructor, options);
    }
    checkValue(name, 'options', options);
  }
  if ([...model.namedModules()].some(([, module]) => isReshaped(module)))
    checkShapes(model, Object.fromEntries(classes));
}

/**
 * Compares with a model that is built as `load` builds it; only where something was replaced, since that costs a second
 * model.
 */
function checkShapes(model: Module, classes: Record<string, Module['constructor']>): void {
  const own = model.namedTensors();
  const made = rebuiltLike(model, classes).namedTensors();
  for (const path of new Set([...own.keys(), ...made.keys()])) {
    const [kept, fresh] = [own.get(path), made.get(path)];
    if (kept !== undefined && fresh !== undefined && kept.shape.join() === fresh.shape.join()) continue;
    throw new OptionError('save', {
      given: `${path}: ${kept === undefined ? 'undefined' : describe(kept)}`,
      expected: `${fresh === undefined ? 'undefined' : describe(fresh)}, which the options of the model make`,
      fix:
        'build the model, or that layer, with the options for it; ' +
        'saveSafetensors(path, model.stateDict()) writes the tensors as they are',
    });
  }
}

function rebuiltLike(model: Module, classes: Record<string, Module['constructor']>): Module {
  const random = getRandomState();
  try {
    return rebuild(model.config(), classes as ModuleClasses);
  } catch (error) {
    throw renamed(error, 'save');
  } finally {
    setRandomState(random);
  }
}

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

function checkArguments(name: string, constructor: unknown): void {
  if (!takesArguments(constructor)) return;
  throw new OptionError('save', {
    given: `${name}, whose constructor takes an argument that no field keeps`,
    expected: 'a field options, which load() gives to the constructor again',
    fix:
      `keep the constructor's argument in a field options: this.options = options in ${name}; ` +
      'or build all of it without an argument',
  });
}

function checkOneObject(name: string, constructor: unknown, options: unknown): void {
  if (takesOptions(constructor, options)) return;
  throw new OptionError('save', {
    given: `${name} with options: ${describe(options)}, whose constructor takes them one by one`,
    expected: `a constructor that takes its options as one object, since load() calls new ${name}(options)`,
    fix: `write constructor(options) { super(); this.options = options; … } in ${name}`,
  });
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
