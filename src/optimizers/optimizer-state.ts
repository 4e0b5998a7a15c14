import { OptionError, ShapeError } from '../tensor/errors';
import { clone } from '../tensor/ops/elementwise';
import { checkOptions, describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';

/**
 * What `Optimizer.stateDict` gives and `loadStateDict` takes: the tensors can be saved as safetensors, the rest as
 * JSON.
 */
export interface OptimizerStateDict {
  /** Class of the optimizer, `Adam`. A state from elsewhere may lack it. */
  optimizer?: string;
  /** Steps taken. */
  steps: number;
  /**
   * Options of each group, and under `parameters` the path, dtype and shape of each parameter, as far as they are
   * known.
   */
  groups: Record<string, unknown>[];
  /**
   * State by `INDEX.name`, the index counting the parameters of all groups; names as in PyTorch. A parameter that had
   * no gradient yet has none.
   */
  state: Record<string, Tensor>;
}

/** What a state says of each parameter, so that it is not taken for that of another one. */
export interface ParameterNote {
  /** Its path in the model that listed it, as in `lstm.weight_ih_l0`; undefined if no model did. */
  path?: string;
  dtype: string;
  shape: readonly number[];
}

/** Numbers that an optimizer keeps for a parameter, f64. */
export interface StateScalars {
  /** Their name in the state dict, as in PyTorch. */
  name: string;
  /** What they start with, one after another. */
  initial: readonly number[];
}

/** What an optimizer keeps for each parameter. */
export interface StateLayout {
  /** Names of the tensors of the parameter's shape and dtype, in the state dict as in PyTorch. */
  moments: readonly string[];
  /** What each of their elements starts with. Default 0. */
  initial?: number;
  /** The numbers beside them; the first counts steps. */
  scalars?: StateScalars;
}

/**
 * State of one group: `slots.get(name)[k]` belongs to parameter known[k]. Slots that the options of now do not need
 * stay, as in PyTorch.
 */
export interface GroupState {
  known: number[];
  slots: Map<string, Tensor[]>;
}

export const sameParameters = 'build the optimizer with the same parameters in the same order';

/** Options of a group, without its parameters. */
export const optionsOf = (group: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(group).filter(([name]) => name !== 'parameters'));

/** Names of the state tensors of a parameter, in their order. */
export const slotNames = ({ moments, scalars }: StateLayout): string[] => [
  ...moments,
  ...(scalars === undefined ? [] : [scalars.name]),
];

/** What a state says of a parameter. */
export function noteOf(parameter: Tensor): ParameterNote {
  const path: unknown = Reflect.get(parameter, 'path');
  return { ...(typeof path === 'string' ? { path } : {}), dtype: parameter.dtype, shape: [...parameter.shape] };
}

/** Refuses what is no state, or that of an optimizer of another class or with another number of groups. */
export function checkDict(op: string, name: string, dict: OptimizerStateDict, count: number): void {
  checkOptions(op, dict, ['optimizer', 'steps', 'groups', 'state']);
  const { optimizer, groups, state }: { optimizer?: unknown; groups: unknown; state: unknown } = dict;
  if (optimizer !== undefined && optimizer !== name) {
    throw new OptionError(op, {
      given: `the state of ${describe(optimizer)}`,
      expected: `that of ${name}`,
      fix: `pass the state of ${name}, or build the optimizer that was saved`,
    });
  }
  if (!Array.isArray(groups) || !groups.every(isObject)) throw noState(op, `groups: ${describe(groups)}`);
  if (!isObject(state)) throw noState(op, `state: ${describe(state)}`);
  const odd = Object.entries(state).find(([, value]) => !(value instanceof Tensor));
  if (odd !== undefined) throw noState(op, `${describe(odd[1])} as state ${describe(odd[0])}`);
  if (groups.length !== count) {
    throw new OptionError(op, {
      given: `${groups.length} groups`,
      expected: `${count}`,
      fix: 'build the optimizer with the same parameter groups',
    });
  }
}

/**
 * Refuses the state of other parameters, as far as it tells: of another number, order, name, shape or dtype.
 *
 * @param own  the parameters of each group
 */
export function checkNotes(
  op: string,
  groups: readonly Record<string, unknown>[],
  own: readonly (readonly ParameterNote[])[],
): void {
  groups.forEach(({ parameters }, index) => {
    if (parameters !== undefined) checkGroup(op, index, parameters, own[index] ?? []);
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const noState = (op: string, given: string): OptionError =>
  new OptionError(op, { given, expected: 'the state of an optimizer', fix: 'pass what stateDict() returned' });

function checkGroup(op: string, group: number, notes: unknown, own: readonly ParameterNote[]): void {
  if (!Array.isArray(notes) || !notes.every(isObject)) {
    throw noState(op, `parameters: ${describe(notes)} in group ${group}`);
  }
  if (notes.length !== own.length) {
    throw new OptionError(op, {
      given: `the state of ${notes.length} parameters in group ${group}`,
      expected: `${own.length}`,
      fix: sameParameters,
    });
  }
  own.forEach((parameter, place) => {
    const { path, dtype, shape } = notes[place] ?? {};
    const name = typeof path === 'string' ? path : 'a parameter';
    const given = `${name} ${String(dtype)}${describe(shape)} as parameter ${place} of group ${group}`;
    const expected = `${parameter.path ?? 'a parameter'} ${parameter.dtype}${describe(parameter.shape)}`;
    if (dtype !== parameter.dtype || String(shape) !== String(parameter.shape)) {
      throw new ShapeError(op, { given, expected, fix: sameParameters });
    }
    if (!samePath(path, parameter.path)) throw new OptionError(op, { given, expected, fix: sameParameters });
  });
}

/**
 * Whether two paths can be of one parameter: a part of a model lists it without the way to the part, `weight` for
 * `head.weight`.
 */
function samePath(path: unknown, own: string | undefined): boolean {
  if (typeof path !== 'string' || own === undefined || path === own) return true;
  return path.endsWith(`.${own}`) || own.endsWith(`.${path}`);
}

/**
 * Takes the state of one group out of `left`.
 *
 * @param first  number of its first parameter among those of all groups
 * @throws {OptionError} if a parameter has some of its state and lacks some; {ShapeError} if a tensor is of another
 *   shape or dtype
 */
export function takeGroup(
  op: string,
  parameters: readonly Tensor[],
  layout: StateLayout,
  first: number,
  left: Map<string, Tensor>,
): GroupState {
  const names = slotNames(layout);
  const found: GroupState = { known: [], slots: new Map(names.map((name) => [name, []])) };
  parameters.forEach((parameter, place) => {
    const present = names.filter((name) => left.has(`${first + place}.${name}`));
    if (present.length === 0) return;
    found.known.push(place);
    for (const name of names) {
      const key = `${first + place}.${name}`;
      const value = left.get(key);
      if (value === undefined) {
        throw new OptionError(op, {
          given: `${describe(present)} for parameter ${first + place}`,
          expected: describe(names),
          fix: 'load a state that this kind of optimizer saved',
        });
      }
      const [dtype, shape] =
        name === layout.scalars?.name
          ? (['f64', [layout.scalars.initial.length]] as const)
          : ([parameter.dtype, parameter.shape] as const);
      if (value.dtype !== dtype || value.shape.join() !== shape.join()) {
        throw new ShapeError(op, {
          given: `${key}: ${describe(value)}`,
          expected: `${dtype}[${shape.join(', ')}]`,
          fix: sameParameters,
        });
      }
      found.slots.get(name)?.push(value);
      left.delete(key);
    }
  });
  return found;
}

/** A group's state of its own, on the device of its parameters. */
export function copied({ known, slots }: GroupState, device = 'cpu'): GroupState {
  const copy = (value: Tensor): Tensor => (value.device === device ? clone(value) : value.to(device));
  return { known: [...known], slots: new Map(Array.from(slots, ([name, values]) => [name, values.map(copy)])) };
}
