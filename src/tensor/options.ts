import { isPromise, markOf } from './package-copies';
import { OptionError } from './errors';
import { insteadOf, nearMiss, type OptionsElsewhere } from './option-names';

/**
 * What a message says about a value: a tensor as `f32[32, 50, 96] on cpu`, a string in quotes, an array element by
 * element (long ones shortened), anything else as JavaScript prints it.
 *
 * @param value  anything
 */
export const describe = (value: unknown): string => describeWithin(value, 0);

/** @param depth  of how many arrays the value is a part */
function describeWithin(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`;
  if (Array.isArray(value)) return describeList(value, depth);
  if (ArrayBuffer.isView(value)) return describeView(value);
  if (typeof value === 'object' && value !== null) return describeObject(value);
  return String(value);
}

/** Arrays deeper than a tensor can be are left out: one that holds itself has no end. */
const MOST_DEPTH = 6;

function describeList(values: readonly unknown[], depth: number): string {
  if (depth === MOST_DEPTH) return '[…]';
  const shown = values.slice(0, 8).map((value) => describeWithin(value, depth + 1));
  return `[${[...shown, ...(values.length > shown.length ? [`… ${values.length} in all`] : [])].join(', ')}]`;
}

function describeView(view: ArrayBufferView): string {
  const length = 'length' in view ? Number(view.length) : view.byteLength;
  return `${view.constructor.name}(${length})`;
}

function describeObject(value: object): string {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    const { constructor }: { constructor?: unknown } = prototype ?? {};
    const kind = typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'Object';
    const mark = markOf(value);
    if (mark?.own === false) {
      const article = /^[AEIOU]/.test(mark.name) ? 'an' : 'a';
      const known = `${article} ${mark.name} of another copy of the package`;
      return kind === mark.name ? known : `${known}, ${kind}`;
    }
    if (mark?.name === 'Module') return kind; // its text may be long
    if (isPromise(value)) return 'a Promise';
    return ownText(value) ?? (kind === 'Object' ? `{ ${Object.keys(value).join(', ')} }` : kind);
  } catch {
    // A getter or a proxy of the user's that throws; what matters is the error that is being written.
    return 'an object that does not let itself be read';
  }
}

/** What an object says of itself, if it does not leave that to Object. */
function ownText(value: object): string | undefined {
  const toText: unknown = Reflect.get(value, 'toString');
  if (typeof toText !== 'function' || toText === Object.prototype.toString) return undefined;
  return String(Reflect.apply(toText, value, []));
}

/**
 * Refuses options that the callee does not know, naming the one that was probably meant.
 *
 * @param op         the callee, as in `LSTM` or `softmax`
 * @param options    what the user gave
 * @param known      the names that are understood
 * @param elsewhere  options of another call, where one of them then belongs
 * @throws {OptionError} if `options` is not a plain object, or has a key that is not in `known`
 */
export function checkOptions(
  op: string,
  options: object,
  known: readonly string[],
  elsewhere?: OptionsElsewhere,
): void {
  checkPlain(op, options, known);
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new OptionError(op, {
      given: `an option ${key}`,
      expected: known.length === 0 ? 'no options' : `only ${listed(known)}`,
      fix: insteadOf(key, known, Reflect.get(options, key), elsewhere),
    });
  }
}

/**
 * Refuses options that are not a plain object. A number, a tensor or a Map has no key that could be unknown: it would
 * be ignored.
 *
 * @param known    the names that are understood, or some of them
 * @param example  what to pass
 * @throws {OptionError} if `options` is anything else
 */
export function checkPlain(
  op: string,
  options: unknown,
  known: readonly string[],
  example = `{ ${known[0] ?? ''}: … }`,
): asserts options is object {
  if (isPlainObject(options)) return;
  const fix = known.length === 0 ? 'leave it out' : `pass an object of options: ${example}`;
  const expected = known.length === 0 ? 'no options' : `an object of options (${listed(known)})`;
  throw new OptionError(op, { given: describe(options), expected, fix });
}

/**
 * Refuses options of a class that has none, which would be ignored.
 *
 * @param given  the arguments of its constructor, which declares none
 */
export function checkNoOptions(op: string, given: ArrayLike<unknown>): void {
  const options = given[0];
  if (options === undefined) return;
  checkPlain(op, options, []);
  checkOptions(op, options, []);
}

/**
 * Whether `value` is an object literal or has no prototype; also one of another realm, as test runners and vm contexts
 * are.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether `value` is an array or a typed array; what stands in an array is not looked at. */
export const isNumberList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

const listed = (names: readonly string[]): string => names.join(', ');

/** Makes the error of an option that has the wrong value. */
function wrong(op: string, name: string, value: unknown, expected: string, fix: string): OptionError {
  return new OptionError(op, { given: `${name}: ${describe(value)}`, expected, fix });
}

/**
 * A whole number of at least 1, as sizes are.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function positiveInteger(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(op, name, value, `a whole number of at least 1 for ${name}`, `pass ${name}: 1 or more`);
}

/**
 * A whole number of at least 0, as indices are.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function nonNegativeInteger(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(op, name, value, `a whole number of at least 0 for ${name}`, `pass ${name}: 0 or more`);
}

/**
 * A probability in [0, 1): one that drops everything is a mistake.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function probability(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw wrong(
    op,
    name,
    value,
    `a probability in [0, 1) for ${name}`,
    `pass 0 to switch it off, or a fraction such as ${name}: 0.5`,
  );
}

/**
 * A number that is neither infinite nor NaN.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function finiteNumber(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(op, name, value, `a finite number for ${name}`, `pass a plain number, as in ${name}: 1`);
}

/**
 * A finite number of at least 0.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function nonNegativeNumber(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw wrong(op, name, value, `a finite number of at least 0 for ${name}`, `pass ${name}: 0 or more`);
}

/**
 * A finite number above 0.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function positiveNumber(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw wrong(op, name, value, `a finite number above 0 for ${name}`, `pass such as ${name}: 0.1, or leave it out`);
}

/**
 * A part of a whole, above 0 and at most 1.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function positivePart(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw wrong(op, name, value, `a number in (0, 1] for ${name}`, `pass such as ${name}: 0.5`);
}

/**
 * `true` or `false`; `undefined`, 0 and 'false' are neither.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function flag(op: string, name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrong(op, name, value, `true or false for ${name}`, `pass ${name}: true or leave it out`);
}

/**
 * One of a few names.
 *
 * @param allowed  the names, the default first
 * @throws {OptionError} if `value` is none of them; the near miss is suggested
 */
export function oneOf<T extends string>(op: string, name: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const meant = typeof value === 'string' ? nearMiss(value, allowed) : undefined;
  const choices = allowed.map((candidate) => `'${candidate}'`).join(', ');
  throw wrong(
    op,
    name,
    value,
    `one of ${choices}`,
    meant === undefined ? `pass ${name}: '${allowed[0] ?? ''}'` : `write '${meant}', if that is what you mean`,
  );
}
