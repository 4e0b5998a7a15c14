import { OptionError } from './errors';
import { describe } from './options';
import { refuseInStep } from './replay-notes';

/** What a scope needs to know of a tensor. */
interface Scoped {
  leaveScope(): void;
  adopt(): void;
}

type Scope = Set<Scoped> | 'none';

const open: Scope[] = []; // per environment: each worker loads a copy of this module

/** Puts a new tensor into the innermost open scope. @returns false if there is none. @internal */
export function addToScope(tensor: Scoped): boolean {
  const innermost = open.at(-1);
  if (innermost === undefined || innermost === 'none') return false;
  innermost.add(tensor);
  return true;
}

/**
 * Runs `fn` and disposes of every tensor created meanwhile, except those in its result: a tensor, or arrays and objects
 * that hold tensors. Makes memory peaks smaller; correctness never depends on it.
 *
 * @throws {OptionError} if `fn` returns a promise: tensors created after its first `await` would escape
 */
export function scope<R>(fn: () => R): R {
  checkFunction('scope', fn);
  const created = new Set<Scoped>();
  open.push(created);
  const kept: Scoped[] = [];
  try {
    const result = fn();
    refusePromise('scope', result);
    collect(result, created, kept, new Set());
    return result;
  } finally {
    open.pop();
    for (const tensor of created) tensor.leaveScope();
    for (const tensor of kept) tensor.adopt();
  }
}

/**
 * Takes tensors out of the scope, or the training step, that made them: they live on, as those that are made outside of
 * every scope. For state that goes from step to step. Gradients go on into the step before unless it is detached:
 *
 *     this.state = keep(detach({ h, c }));
 *
 * @param tree  a tensor, or arrays and objects that hold tensors
 * @returns     the same
 * @throws {OptionError} inside a step of `compile`, which hands state on as an argument and a result
 */
export function keep<Tree>(tree: Tree): Tree {
  refuseInStep('keep()', 'make the state an argument and a result of the step, or change it in place');
  for (const scope of open) {
    if (scope === 'none') continue;
    const kept: Scoped[] = [];
    collect(tree, scope, kept, new Set());
    outsideScopes(() => kept.forEach((tensor) => tensor.adopt()));
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

function collect(value: unknown, created: Set<Scoped>, kept: Scoped[], seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  if (isScoped(value)) {
    if (created.delete(value)) kept.push(value);
    return;
  }
  for (const part of Object.values(value)) collect(part, created, kept, seen);
}

const isScoped = (value: object): value is Scoped => 'adopt' in value && typeof value.adopt === 'function';
