import { remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import type { OptimizerOptions, ParameterGroup } from './optimizer-options';

/** Refuses the name that others give to the learning rate: an assignment to it would change nothing. */
export function refuseShortRate(holder: object, name: string): void {
  const set = (value: unknown): never => {
    throw new OptionError(name, {
      given: `lr = ${describe(value)}`,
      expected: 'a name that an optimizer has',
      fix: 'write learningRate in place of lr',
    });
  };
  Object.defineProperty(holder, 'lr', { set, configurable: true }); // no declared member, so that types refuse it too
}

/** A group whose options may change, and which takes no others. */
export function closed<G extends object>(name: string, group: G): G {
  refuseShortRate(group, name);
  return Object.preventExtensions(group);
}

/** Takes parameters and groups apart. */
export function groupsOf<O extends OptimizerOptions>(
  op: string,
  given: Iterable<Tensor> | readonly ParameterGroup<O>[],
): { members: Tensor[]; own: object }[] {
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given)) {
    throw new OptionError(op, {
      given: describe(given),
      expected: 'parameters, or groups { parameters, … }',
      fix: remedy(given, `pass model.parameters(), as in new ${op}(model.parameters(), { … })`),
    });
  }
  const items: (Tensor | ParameterGroup<O>)[] = [...given];
  const loose = items.filter((item): item is Tensor => item instanceof Tensor);
  if (loose.length === items.length) return [{ members: loose, own: {} }];
  return items.map((item) => {
    if (item instanceof Tensor || typeof item !== 'object' || item === null || !('parameters' in item)) {
      throw new OptionError(op, {
        given: describe(item),
        expected: 'only tensors, or only groups { parameters, … }',
        fix: remedy(item, 'pass model.parameters(), or put { parameters: … } around each list'),
      });
    }
    const { parameters, ...own } = item;
    const members: unknown = parameters;
    if (typeof members !== 'object' || members === null || !(Symbol.iterator in members)) {
      const fix =
        typeof members === 'function'
          ? `pass model.parameters(), as in new ${op}(model.parameters(), { … })`
          : 'write { parameters: layer.parameters(), … }';
      throw new OptionError(op, {
        given: `${describe(typeof members === 'function' ? item : members)} as a group's parameters`,
        expected: 'a list of parameters',
        fix: remedy(item, fix),
      });
    }
    return { members: [...parameters], own };
  });
}

export function checkParameters(op: string, parameters: readonly Tensor[]): void {
  if (parameters.length === 0)
    throw new OptionError(op, {
      given: 'no parameters',
      expected: 'at least one',
      fix: 'pass model.parameters(), after the layers were made',
    });
  const seen = new Set<Tensor>();
  for (const parameter of parameters) {
    if (!(parameter instanceof Tensor)) {
      throw new OptionError(op, {
        given: describe(parameter),
        expected: 'tensors',
        fix: remedy(parameter, 'pass model.parameters(), not namedParameters()'),
      });
    }
    if (!parameter.isLeaf)
      throw new OptionError(op, {
        given: `${describe(parameter)}, which an op made`,
        expected: 'leaves',
        fix: 'pass the parameters themselves, or detach() the tensor',
      });
    if (seen.has(parameter))
      throw new OptionError(op, {
        given: `${describe(parameter)} twice`,
        expected: 'each parameter once',
        fix: 'leave it out of one of the groups',
      });
    seen.add(parameter);
  }
}
