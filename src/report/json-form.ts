import { describe, isPlainObject } from '../tensor/options';
import { withOdd } from '../training/history-json';

/** Says where data of a file are of another form, as in `[0].figures is 3, expected an object`. */
export class FormFault extends Error {
  /**
   * @param path      of the value, as in `[0].figures`
   * @param found     what was there
   * @param expected  what should have been
   */
  constructor(
    readonly path: string,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`${path} is ${found}, expected ${expected}`);
  }
}

/** Takes a value out of JSON. @throws {FormFault} if it is of another form; `path` says where it is */
export type Reader<T> = (value: unknown, path: string) => T;

/** What a reader gives. */
export type Read<R> = R extends Reader<infer T> ? T : never;

const fault = (path: string, value: unknown, expected: string): FormFault =>
  new FormFault(path, describe(value), expected);

/** Reads a number; NaN and infinity are texts in JSON, as `withoutOdd` writes them. */
export const numberIn: Reader<number> = (value, path) => {
  const read = withOdd(value);
  if (typeof read === 'number') return read;
  throw fault(path, value, 'a number');
};

/** Reads a text, whatever it says. */
export const textIn: Reader<string> = (value, path) => {
  if (typeof value === 'string') return value;
  throw fault(path, value, 'a text');
};

/** Reads one of a few names. */
export const oneOfIn =
  <const T extends string>(names: readonly T[]): Reader<T> =>
  (value, path) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    throw fault(path, value, `one of ${names.join(', ')}`);
  };

/** Reads an array. */
export const listIn =
  <T>(item: Reader<T>): Reader<T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) throw fault(path, value, 'an array');
    return value.map((one: unknown, index) => item(one, `${path}[${index}]`));
  };

/** Reads an object whose members are all of one form. */
export const membersIn =
  <T>(member: Reader<T>): Reader<Record<string, T>> =>
  (value, path) => {
    if (!isPlainObject(value)) throw fault(path, value, 'an object');
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, member(one, `${path}.${name}`)]));
  };

type Members = Readonly<Record<string, Reader<unknown>>>;
type ReadAll<M extends Members> = { [Name in keyof M]: Read<M[Name]> };

/** Reads an object with certain members, and others that may be missing; further ones are passed over. */
export const objectIn =
  <R extends Members, O extends Members>(required: R, optional: O): Reader<ReadAll<R> & Partial<ReadAll<O>>> =>
  (value, path) => {
    if (!isPlainObject(value)) throw fault(path, value, 'an object');
    const there = Object.entries(optional).filter(([name]) => value[name] !== undefined);
    const read = [...Object.entries(required), ...there].map(([name, reader]) => [
      name,
      reader(value[name], path === '' ? name : `${path}.${name}`),
    ]);
    return Object.fromEntries(read) as ReadAll<R> & Partial<ReadAll<O>>;
  };
