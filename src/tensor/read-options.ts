import type { OptionsElsewhere } from './option-names';
import { checkOptions, oneOf } from './options';

/**
 * Checks the value of one option and fills in its default.
 *
 * @param op     the callee, for the message
 * @param name   of the option, for the message
 * @param value  undefined or null where it was left out
 * @throws {OptionError} if the value cannot be used
 */
export type OptionReader<T> = (op: string, name: string, value: unknown) => T;

/** A reader for each option; a missing one does not compile. The order is that of checks and messages. */
export type Readers<O> = { readonly [K in keyof O]-?: OptionReader<Required<O>[K]> };

/** Is not inferred from, as with NoInfer of TypeScript 5.4; users may have an older one. */
type Settled<T> = [T][T extends unknown ? 0 : never];

/**
 * The options with their defaults, frozen. What was left out and has no default is not there.
 *
 *     readOptions('Linear', options, { inFeatures: positiveInteger, bias: withDefault(flag, true) })
 *
 * @param op         the callee, for messages
 * @param given      what the user gave
 * @param readers    of all options; one may give a narrower type than the option has
 * @param elsewhere  options of another call, which are often given to this one
 * @throws {OptionError} if `given` is not a plain object, has a key without a reader, or a value is out of range
 */
export function readOptions<O extends object, Read extends Required<O> = Required<O>>(
  op: string,
  given: O,
  readers: Settled<Readers<Read>>,
  elsewhere?: OptionsElsewhere,
): Readonly<Read>;
export function readOptions(
  op: string,
  given: object,
  readers: Record<string, OptionReader<unknown>>,
  elsewhere?: OptionsElsewhere,
): object {
  checkOptions(op, given, Object.keys(readers), elsewhere);
  const options: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(readers)) {
    const value = read(op, name, Reflect.get(given, name));
    if (value !== undefined) options[name] = value;
  }
  return Object.freeze(options);
}

/** Reads an option that may be left out. */
export const withDefault =
  <T>(read: OptionReader<T>, otherwise: T): OptionReader<T> =>
  (op, name, value) =>
    read(op, name, value ?? otherwise);

/** Reads an option that has no default where it is left out. */
export const optional =
  <T>(read: OptionReader<T>): OptionReader<T | undefined> =>
  (op, name, value) =>
    value === undefined ? undefined : read(op, name, value);

/** Reads one of a few names, the first of which is the default. */
export const choice =
  <T extends string>(allowed: readonly T[]): OptionReader<T> =>
  (op, name, value) =>
    oneOf(op, name, value ?? allowed[0], allowed);

/** Reads the element type of parameters, f32 by default. */
export const floating = choice(['f32', 'f64']);

/** Takes an option as it is, where whoever uses it checks it. */
export const asGiven = <T>(_op: string, _name: string, value: unknown): T => value as T;
