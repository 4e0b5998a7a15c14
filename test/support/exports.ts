import * as stm from 'stmnet';

type Class<Instance, Args extends readonly unknown[]> = new (...args: Args) => Instance;

/**
 * The exported classes that extend `base`, by name; itself is not among them. Tests walk over them in place of lists,
 * so that a class that is added is tested.
 *
 * @typeParam Args  what they are made of, nothing by default
 */
export function exportedClasses<Instance, Args extends readonly unknown[] = []>(base: {
  readonly prototype: object;
}): [name: string, Class: Class<Instance, Args>][] {
  return Object.entries<unknown>(stm).filter(
    (entry): entry is [string, Class<Instance, Args>] =>
      typeof entry[1] === 'function' &&
      Object.prototype.isPrototypeOf.call(base.prototype, entry[1].prototype as object),
  );
}
