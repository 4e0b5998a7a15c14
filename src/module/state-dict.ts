import { isPromise, remedy } from '../tensor/package-copies';
import { OptionError, ShapeError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { cast, copy_ } from '../tensor/ops/elementwise';
import { describe } from '../tensor/options';
import { scope } from '../tensor/scope';
import { Tensor, type DType } from '../tensor/tensor';
import { FieldOwner } from './fields';

/** Tensors by name. Names are the paths of the fields: `lstm.weight_ih_l0`, `layers.0.bias`. */
export type StateDict = Record<string, Tensor>;

/** What a state says of one of its tensors. */
interface Form {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What goes where, and what is left over on either side. */
export interface StateMatch<S> {
  pairs: { name: string; target: Tensor; source: S }[];
  missing: string[];
  unexpected: string[];
}

/**
 * Pairs the tensors of a state with those of a model.
 *
 * @param own     the model's, a shared one under each of its names, of which one is enough
 * @param given   the state's: tensors, or what stands for tensors that are not made yet
 * @param strict  whether names missing and unexpected are errors; other shapes always are
 * @throws {ShapeError} that lists all names missing, unexpected, or of another shape
 */
export function matchState<S extends Form>(
  op: string,
  own: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, S>,
  strict: boolean,
): StateMatch<S> {
  const served = new Set([...given.keys()].map((name) => own.get(name)));
  const missing = [...own].filter(([, target]) => !served.has(target)).map(([name]) => name);
  const unexpected = [...given.keys()].filter((name) => !own.has(name));
  const pairs = [...own].flatMap(([name, target]) => {
    const source = given.get(name);
    return source === undefined ? [] : [{ name, target, source }];
  });
  const odd = pairs.filter(({ target, source }) => !fits(source, target));
  const misfits = odd.map(({ name, target, source }) => {
    const given = source instanceof Tensor ? describe(source) : `${source.dtype}${describe(source.shape)}`;
    return `${name} as ${given} for ${describe(target)}`;
  });
  if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) {
    throw unfit(op, missing, unexpected, misfits);
  }
  return { pairs, missing, unexpected };
}

/**
 * The tensors of a state by name.
 *
 * @throws {OptionError} if `state` is not an object of tensors by name
 */
export function tensorsOf(op: string, state: StateDict): Map<string, Tensor> {
  checkState(op, state);
  const entries = Object.entries(state).filter(([, value]: [string, unknown]) => value !== undefined);
  for (const [name, value] of entries as [string, unknown][]) {
    if (value instanceof Tensor) continue;
    throw new OptionError(op, {
      given: `${describe(value)} as ${name}`,
      expected: 'a Tensor',
      fix: remedy(value, 'pass what stateDict() or await loadSafetensors(path) returns'),
    });
  }
  return new Map(entries);
}

/** Writes values into a parameter or buffer, in its dtype and on its device, without history. */
export function assign(target: Tensor, values: Tensor): void {
  const fitting = (): Tensor => (values.dtype === target.dtype ? values : cast(values, target.dtype)).to(target.device);
  noGrad(() => scope(() => copy_(target, fitting())));
}

/** Refuses what holds no tensors by name, whatever a caller without types has passed. */
function checkState(op: string, state: unknown): void {
  const isObject = typeof state === 'object' && state !== null && !Array.isArray(state);
  if (
    isObject &&
    !isPromise(state) &&
    !(state instanceof Map || state instanceof FieldOwner || state instanceof Tensor)
  )
    return;
  const given = state instanceof FieldOwner ? `a module, ${state.constructor.name}` : describe(state);
  throw new OptionError(op, {
    given,
    expected: 'a state dict, an object of tensors by name',
    fix: howToPassState(state),
  });
}

/** How to make a state dict of what was passed in its place. */
function howToPassState(state: unknown): string {
  if (isPromise(state)) return 'await it: model.loadStateDict(await loadSafetensors(path))';
  if (state instanceof FieldOwner) return 'pass the state of that module: other.stateDict()';
  if (state instanceof Map) return 'make an object of it: Object.fromEntries(map)';
  return remedy(state, 'pass what stateDict() or await loadSafetensors(path) returns');
}

/** Same shape, and a kind of number that can be copied. */
function fits(source: Form, target: Form): boolean {
  const floating = ({ dtype }: Form): boolean => dtype === 'f32' || dtype === 'f64';
  const sameKind = source.dtype === target.dtype || (floating(source) && floating(target));
  return (
    sameKind &&
    source.shape.length === target.shape.length &&
    source.shape.every((extent, axis) => extent === target.shape[axis])
  );
}

function unfit(op: string, missing: string[], unexpected: string[], misfits: string[]): ShapeError {
  const faults = [
    ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`with unexpected ${unexpected.join(', ')}`] : []),
    ...(misfits.length > 0 ? [`with ${misfits.join(', ')}`] : []),
  ];
  const fix =
    misfits.length > 0
      ? 'build the model with the sizes that the state was saved with'
      : 'rename the entries, or pass { strict: false } to load those that match';
  return new ShapeError(op, {
    given: `a state dict ${faults.join('; ')}`,
    expected: 'the names and shapes of the model',
    fix,
  });
}
