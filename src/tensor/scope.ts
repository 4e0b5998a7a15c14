import { OptionError } from './errors';
import { describe } from './options';
import { refuseInStep } from './replay-notes';

/** What a scope needs to know of a tensor. @internal */
export interface Scoped {
  leaveScope(): void;
  adopt(): void;
  dispose(): void;
}

/** What was made in a scope: a list, since each tensor comes once and an op call is to cost little. */
interface Created {
  tensors: Scoped[];
}

type Scope = Created | 'none';

const open: Scope[] = []; // per environment: each worker loads a copy of this module

/** Puts a new tensor into the innermost open scope. @returns false if there is none. @internal */
export function addToScope(tensor: Scoped): boolean {
  const innermost = open.at(-1);
  if (innermost === undefined || innermost === 'none') return false;
  innermost.tensors.push(tensor);
  return true;
}

/**
 * Runs `fn` and disposes of every tensor created meanwhile, except those in its result: a tensor, or arrays, objects,
 * Maps and Sets that hold tensors. Makes memory peaks smaller; correctness never depends on it.
 *
 * @throws {OptionError} if `fn` returns a promise: tensors created after its first `await` would escape
 */
export function scope<R>(fn: () => R): R {
  checkFunction('scope', fn);
  const held = new HeldScope();
  try {
    const result = held.run(fn);
    refusePromise('scope', result);
    held.close(result);
    return result;
  } finally {
    held.close(undefined);
  }
}

/**
 * A scope that is entered more than once, for what goes on after an await: tensors that `run` makes are disposed of by
 * `close`, which has to be called.
 *
 * @internal
 */
export class HeldScope {
  readonly #created: Created = { tensors: [] };

  /** Runs `fn`; of an asynchronous one what it makes before its first await is in the scope. */
  run<R>(fn: () => R): R {
    open.push(this.#created);
    try {
      return fn();
    } finally {
      open.pop();
    }
  }

  /**
   * Disposes of all that was made, except the tensors in `result`: they go to the scope that is open now.
   *
   * @returns those tensors
   */
  close(result: unknown): ReadonlySet<Scoped> {
    const found = scopedIn(result);
    const kept = new Set<Scoped>();
    for (const tensor of this.#created.tensors) {
      if (found.has(tensor)) kept.add(tensor);
      else tensor.leaveScope();
    }
    this.#created.tensors = [];
    for (const tensor of kept) tensor.adopt();
    return kept;
  }
}

/**
 * Takes tensors out of the scope, or the training step, that made them: they live on, as those that are made outside of
 * every scope. For state that goes from step to step. Gradients go on into the step before unless it is detached:
 *
 *     this.state = keep(detach({ h, c }));
 *
 * @param tree  a tensor, or arrays, objects, Maps and Sets that hold tensors
 * @returns     the same
 * @throws {OptionError} inside a step of `compile`, which hands state on as an argument and a result
 */
export function keep<Tree>(tree: Tree): Tree {
  refuseInStep('keep()', 'make the state an argument and a result of the step, or change it in place');
  const found = scopedIn(tree);
  for (const scope of open) {
    if (scope === 'none') continue;
    // What is kept was mostly made last.
    for (let at = scope.tensors.length - 1, left = found.size; at >= 0 && left > 0; --at) {
      const tensor = scope.tensors[at];
      if (tensor === undefined || !found.has(tensor)) continue;
      scope.tensors.splice(at, 1);
      outsideScopes(() => tensor.adopt());
      --left;
    }
  }
  return tree;
}

/** Runs `fn` as if no scope were open: what it creates outlives them. For state that is made on first use. @internal */
export function outsideScopes<R>(fn: () => R): R {
  open.push('none');
  try {
    return fn();
  } finally {
    open.pop();
  }
}

/** @throws {OptionError} if `fn` is no function @internal */
export function checkFunction(op: string, fn: unknown): void {
  if (typeof fn !== 'function')
    throw new OptionError(op, { given: describe(fn), expected: 'a function', fix: `write ${op}(() => …)` });
}

/** Functions that run to their end before they return cannot take asynchronous ones. @internal */
export function refusePromise(op: string, result: unknown): void {
  if (result instanceof Promise) {
    result.catch(() => undefined); // its own failure would be reported as unhandled beside this error
    throw new OptionError(op, {
      given: 'an async function',
      expected: 'a synchronous one',
      fix: `await outside ${op}()`,
    });
  }
}

/**
 * The tensors that scopes find in a value: in arrays, objects of any class, Maps and Sets, not in private fields.
 *
 * @internal
 */
export function scopedIn(value: unknown): Set<Scoped> {
  const found = new Set<Scoped>();
  collect(value, found, new Set());
  return found;
}

function collect(value: unknown, found: Set<Scoped>, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  if (isScoped(value)) {
    found.add(value);
    return;
  }
  if (value instanceof Map || value instanceof Set) for (const part of value.values()) collect(part, found, seen);
  for (const part of Object.values(value)) collect(part, found, seen);
}

const isScoped = (value: object): value is Scoped => 'adopt' in value && typeof value.adopt === 'function';
