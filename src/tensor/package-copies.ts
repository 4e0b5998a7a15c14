// Two copies of the package can be in one process: two versions, a linked checkout, or a test runner that loads modules
// anew. Each has tensors and classes of its own, which know nothing of the other's. A mark on the prototypes, under a
// symbol that all copies share, tells them apart.
const MARK = Symbol.for('stmnet.class');

interface Mark {
  /** Of the class of stmnet: Tensor, PaddedSequence, Module, Optimizer. */
  readonly name: string;
  readonly copy: object;
}

const thisCopy = {};

/** A property, or nothing where a proxy or a getter of the user's does not let itself be read. */
function peek(object: object, key: string | symbol): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined;
  }
}

/** Marks the objects of a class and of its subclasses. @internal */
export function markClass(prototype: object, name: string): void {
  Object.defineProperty(prototype, MARK, { value: { name, copy: thisCopy } satisfies Mark });
}

/** The class of stmnet that an object belongs to, and whether it is that of this copy. @internal */
export function markOf(value: unknown): { name: string; own: boolean } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const mark: unknown = peek(value, MARK);
  if (typeof mark !== 'object' || mark === null || !('name' in mark) || typeof mark.name !== 'string') return undefined;
  return { name: mark.name, own: 'copy' in mark && mark.copy === thisCopy };
}

/** Whether a value can be awaited: what an `await` too few leaves behind. @internal */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof peek(value, 'then') === 'function';
}

/**
 * How to mend that `value` stands in a place where a tensor, or another object of stmnet, belongs.
 *
 * @param otherwise  if nothing is known of such a value
 * @internal
 */
export function remedy(value: unknown, otherwise: string): string {
  const mark = markOf(value);
  if (mark?.own === false) {
    const oneCopy = 'use one copy of the package, `npm ls stmnet` lists them';
    if (mark.name !== 'Tensor') return oneCopy;
    return `${oneCopy}, or carry the numbers over: tensor({ data: await x.data(), shape: x.shape })`;
  }
  if (isPromise(value)) return 'await the promise first';
  return otherwise;
}
