import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import type { Dataset } from '../data/dataset';
import type { Examples } from './task';
import { othersTurn } from './turns';

/** Makes of an example what the task needs of it, or refuses it by its place. */
export type ExampleCheck<Checked> = (example: unknown, place: number) => Checked;

/**
 * All examples as an array, each checked. A dataset may give promises.
 *
 * @param form  how an example looks, for the message: `{ text: 'free entry!', label: 'spam' }`
 * @throws {OptionError} if there is none, or `check` refuses one
 */
export async function collectExamples<Example, Checked>(
  op: string,
  examples: Examples<Example>,
  form: string,
  check: ExampleCheck<Checked>,
): Promise<Checked[]> {
  const given: unknown = examples;
  if (!isList(given)) throw noExamples(op, describe(given), form);
  const all: Checked[] = [];
  for (let place = 0; place < given.length; place++) {
    all.push(check(Array.isArray(given) ? given[place] : await given.at(place), place));
    await othersTurn(place);
  }
  if (all.length === 0) throw noExamples(op, 'no example', form);
  return all;
}

/** The fields of an example that has all of these. @throws {OptionError} if it is no object, or one is absent */
export function fieldsOf(
  op: string,
  example: unknown,
  place: number,
  names: readonly string[],
  form: string,
): Readonly<Record<string, unknown>> {
  const absent = isPlainObject(example) ? names.find((name) => example[name] === undefined) : undefined;
  if (isPlainObject(example) && absent === undefined) return example;
  throw wrongExample(op, place, absent === undefined ? describe(example) : `no ${absent}`, form);
}

/** What is wrong with the example of that place. @param form  how one looks */
export const wrongExample = (op: string, place: number, given: string, form: string): OptionError =>
  new OptionError(op, { given: `${given} in example ${place}`, expected: form, fix: 'look at where it comes from' });

const noExamples = (op: string, given: string, form: string): OptionError =>
  new OptionError(op, {
    given: `${given} as examples`,
    expected: 'an array or a dataset of at least one',
    fix: `pass such as [${form}]`,
  });

const isList = (given: unknown): given is readonly unknown[] | Dataset<unknown> =>
  Array.isArray(given) ||
  (typeof given === 'object' && given !== null && 'at' in given && 'length' in given && typeof given.at === 'function');

/** Items to learn from, or to validate on. @throws {OptionError} if there is none */
export function teaching<Item>(op: string, items: Item[]): Item[] {
  if (items.length > 0) return items;
  throw new OptionError(op, {
    given: 'examples that say nothing: all are empty, or have tags or labels that training never saw',
    expected: 'one with tags or labels of training at least',
    fix: 'look at how they were read: which column is which',
  });
}
