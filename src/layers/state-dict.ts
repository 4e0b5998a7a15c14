import { isPromise, remedy } from '../tensor/copies';
import { OptionError, ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import { FieldOwner } from './fields';

/** Tensors by name. Names are the paths of the fields: `lstm.weight_ih_l0`, `layers.0.bias`. */
export type StateDict = Record<string, Tensor>;

/** What goes where, and what is left over on either side. */
export interface StateMatch {
  pairs: { target: Tensor; source: Tensor }[];
  missing: string[];
  unexpected: string[];
}

/**
 * Pairs the tensors of a state with those of a model.
 *
 * @param own     the model's, a shared one under each of its names, of which one is enough
 * @param strict  whether names missing and unexpected are errors; other shapes always are
 * @throws {ShapeError} that lists all names missing, unexpected, or of another shape
 * @throws {OptionError} if `state` is not an object of tensors by name
 */
export function matchState(op: string, own: ReadonlyMap<string, Tensor>, state: StateDict, strict: boolean): StateMatch {
  checkState(op, state);
  const given = new Map(Object.entries(state).filter(([, value]: [string, unknown]) => value !== undefined));
  const served = new Set([...given.keys()].map((name) => own.get(name)));
  const missing = [...own].filter(([, target]) => !served.has(target)).map(([name]) => name);
  const unexpected = [...given.keys()].filter((name) => !own.has(name));
  const pairs = [...own].flatMap(([name, target]) => {
    const source = given.get(name);
    return source === undefined ? [] : [{ name, target, source }];
  });
  const odd = pairs.filter(({ target, source }) => !fits(source, target));
  const misfits = odd.map(({ name, target, source }) => `${name} as ${describe(source)} for ${describe(target)}`);
  if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) throw unfit(op, missing, unexpected, misfits);
  return { pairs, missing, unexpected };
}

/** Refuses what holds no tensors by name, whatever a caller without types has passed. */
function checkState(op: string, state: unknown): void {
  const isObject = typeof state === 'object' && state !== null && !Array.isArray(state);
  if (isObject && !isPromise(state) && !(state instanceof Map || state instanceof FieldOwner || state instanceof Tensor)) return;
  const fix = isPromise(state) ? 'await it: model.loadStateDict(await loadSafetensors(path))'
    : state instanceof FieldOwner ? 'pass the state of that module: other.stateDict()'
    : state instanceof Map ? 'make an object of it: Object.fromEntries(map)' : remedy(state, 'pass what stateDict() or await loadSafetensors(path) returns');
  const given = state instanceof FieldOwner ? `a module, ${state.constructor.name}` : describe(state);
  throw new OptionError(op, { given, expected: 'a state dict, an object of tensors by name', fix });
}

/** Same shape, and a kind of number that can be copied. */
function fits(source: Tensor, target: Tensor): boolean {
  if (!(source instanceof Tensor) || source.shape.length !== target.shape.length) return false;
  const floating = (tensor: Tensor): boolean => tensor.dtype === 'f32' || tensor.dtype === 'f64';
  const sameKind = source.dtype === target.dtype || (floating(source) && floating(target));
  return sameKind && source.shape.every((extent, axis) => extent === target.shape[axis]);
}

function unfit(op: string, missing: string[], unexpected: string[], misfits: string[]): ShapeError {
  const faults = [
    ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`with unexpected ${unexpected.join(', ')}`] : []),
    ...(misfits.length > 0 ? [`with ${misfits.join(', ')}`] : []),
  ];
  const fix = misfits.length > 0 ? 'build the model with the sizes that the state was saved with' : 'rename the entries, or pass { strict: false } to load those that match';
  return new ShapeError(op, { given: `a state dict ${faults.join('; ')}`, expected: 'the names and shapes of the model', fix });
}
