import { OptionError } from '../tensor/errors';
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
  const known = [...new Set(named.map(([name]) => name.split('.', 1)[0] ?? ''))];
  throw new OptionError(op, {
    given: `${describe(path)} in ${option}`,
    expected: `a part of the model that has parameters: ${known.join(', ')}, or one within these`,
    fix: 'write such as encoder, encoder.1 or head.bias; model.namedParameters() has the names of all parameters',
  });
}
