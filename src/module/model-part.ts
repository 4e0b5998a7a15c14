import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import type { Module } from './module';
import type { Parameter } from './parameter';

/**
 * The parameters of a part of a model.
 *
 * @param option  where its name comes from, for the message
 * @param path    of a module in the model, of a field that holds several, or of a parameter: `encoder`, `encoder.1`
 * @throws {OptionError} if there is none with parameters
 */
export function parametersOfPart(op: string, option: string, model: Module, path: unknown): readonly Parameter[] {
  for (const [name, module] of model.namedModules()) {
    if (name === path && path !== '' && module.parameters().length > 0) return module.parameters();
  }
  const named = [...model.namedParameters()];
  const inside = named.filter(([name]) => name === path || name.startsWith(`${String(path)}.`));
  if (inside.length > 0) return inside.map(([, parameter]) => parameter);
  const names = named.map(([name]) => name);
  const known = [...new Set(names.map((name) => name.split('.', 1)[0] ?? ''))];
  const paths = [...new Set(names.flatMap((name) => [...outerPaths(name), name]))];
  const near = typeof path === 'string' ? nearMiss(path, paths) : undefined;
  const such = [...new Set([known.at(0), names.at(-1)])].join(' or ');
  throw new OptionError(op, {
    given: `${describe(path)} in ${option}`,
    expected: `a part of the model that has parameters: ${known.join(', ')}, or one within these`,
    fix:
      near === undefined
        ? `write such as ${such}; model.namedParameters() has the names of all parameters`
        : `write ${near}, if that is what you mean by ${String(path)}`,
  });
}

/** Of a.b.c: a and a.b. */
const outerPaths = (name: string): string[] =>
  name.split('.').flatMap((_, at, all) => (at === 0 ? [] : [all.slice(0, at).join('.')]));
