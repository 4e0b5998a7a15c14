import * as stm from 'stmnet';
import { Tensor } from 'stmnet';
import type { GoldenCase } from './golden-case';

/** A class that others extend; abstract ones, too. */
interface Base<Instance> {
  readonly prototype: Instance;
}

/** Whether a class extends another one. */
const isClassOf = <Instance>(base: Base<Instance>, value: unknown): value is Base<Instance> =>
  typeof value === 'function' &&
  Object.prototype.isPrototypeOf.call(base.prototype as object, value.prototype as object);

/**
 * Makes an object of the exported class that a case names, whatever the case of its letters: `batchNorm1d` is a
 * BatchNorm1d. No list of classes is kept, so that a new one needs no line here.
 *
 * @throws {Error} if no exported class that extends `base` has that name
 */
export function construct<Instance>(
  golden: GoldenCase,
  base: Base<Instance>,
  name: string,
  ...args: readonly unknown[]
): Instance {
  const classes = Object.entries<unknown>(stm).filter(([, value]) => isClassOf(base, value));
  const [, found] = classes.find(([other]) => other.toLowerCase() === name.toLowerCase()) ?? [];
  if (typeof found === 'function') return Reflect.construct(found, args) as Instance;
  throw new Error(
    `${golden.path}: got the name ${name}, expected one of ${classes.map(([other]) => other).join(', ')}`,
  );
}

/**
 * The exported function of the first of these names that there is.
 *
 * @throws {Error} if there is none
 */
export function exportedFunction(golden: GoldenCase, ...names: readonly string[]): (...args: unknown[]) => unknown {
  const found = names.map((name): unknown => Reflect.get(stm, name)).find((value) => typeof value === 'function');
  if (found === undefined)
    throw new Error(`${golden.path}: got a case of ${names[0]}, expected the name of a function of stmnet`);
  return found as (...args: unknown[]) => unknown;
}

/** Expects a tensor, of a function that no type tells of. */
export function expectTensor(golden: GoldenCase, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  throw new Error(`${golden.path}: got a result that is ${typeof value}, expected a tensor`);
}
