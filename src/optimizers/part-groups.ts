import { parametersOfPart } from '../module/model-part';
import type { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { OptionError } from '../tensor/errors';
import { describe, isPlainObject, nonNegativeNumber } from '../tensor/options';
import { readOptions, type OptionReader } from '../tensor/read-options';
import type { ParameterGroup } from './optimizer-options';

/** Options of partGroups. */
export interface PartGroupsOptions {
  /** Of all that is in no part named below. */
  learningRate: number;
  /** For parts of the model, by their paths, what the learning rate is multiplied by, at least 0. */
  factors: Readonly<Record<string, number>>;
}

/** Reads factors by the names of parts. */
export const partFactors: OptionReader<Readonly<Record<string, number>>> = (op, name, value) => {
  const entries = isPlainObject(value) ? Object.entries(value) : [];
  const odd = entries.find(([, factor]) => !Number.isFinite(factor) || Number(factor) < 0);
  if (entries.length > 0 && odd === undefined) return Object.freeze({ ...(value as Record<string, number>) });
  throw new OptionError(op, {
    given: odd === undefined ? `${name}: ${describe(value)}` : `${odd[0]}: ${describe(odd[1])} in ${name}`,
    expected: 'a factor of at least 0 for each of some parts of the model',
    fix: `pass such as ${name}: { features: 0.1, encoder: 0.3 }`,
  });
};

/**
 * Parameters of a model in groups with learning rates of their own, by its parts: discriminative fine-tuning (Howard
 * and Ruder, 2018), where layers that were trained before, and lie further from the output, learn more slowly.
 *
 *     const groups = partGroups(model, { learningRate: 3e-3, factors: { embedding: 0.1, lstm: 0.3 } });
 *     const optimizer = new AdamW(groups, { weightDecay: 0.01 });
 *     const maxLearningRate = optimizer.groups.map((group) => group.learningRate);
 *     const schedule = new OneCycleLR(optimizer, { maxLearningRate, totalSteps });
 *
 * A part is a module, by its path in the model, `encoder.1`, or a parameter, `head.bias`; of parts within each other
 * the inner one counts. The first group is what no part has, if there is such; a group for each part follows.
 *
 * @throws {OptionError} if a part is not in the model or has no parameters of its own, or an option is out of range
 */
export function partGroups(model: Module, options: PartGroupsOptions): ParameterGroup[] {
  const op = 'partGroups';
  const read = readOptions(op, options, { learningRate: nonNegativeNumber, factors: partFactors });
  return groupsOf(op, 'factors', model, read);
}

/**
 * The same of options that were read.
 *
 * @param option  what the factors are called, for messages
 * @internal
 */
export function groupsOf(
  op: string,
  option: string,
  model: Module,
  { learningRate, factors }: PartGroupsOptions,
): ParameterGroup[] {
  const parts = Object.entries(factors).map(([path, factor]) => ({
    path,
    parameters: parametersOfPart(op, option, model, path),
    learningRate: factor * learningRate,
  }));
  const taken = new Set<Parameter>();
  const groups = new Map<string, ParameterGroup>();
  // An inner part has a longer path.
  for (const { path, parameters, learningRate: rate } of parts.toSorted((a, b) => b.path.length - a.path.length)) {
    const own = parameters.filter((parameter) => !taken.has(parameter));
    if (own.length === 0) throw allTaken(op, option, path);
    own.forEach((parameter) => taken.add(parameter));
    groups.set(path, { parameters: own, learningRate: rate });
  }
  const rest = model.parameters().filter((parameter) => !taken.has(parameter));
  return [
    ...(rest.length === 0 ? [] : [{ parameters: rest, learningRate }]),
    ...parts.flatMap(({ path }) => groups.get(path) ?? []),
  ];
}

const allTaken = (op: string, option: string, path: string): OptionError =>
  new OptionError(op, {
    given: `${describe(path)} in ${option} beside parts that have all its parameters`,
    expected: 'at least one parameter that is in no other part',
    fix: 'leave it out',
  });
