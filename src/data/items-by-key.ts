import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { isPromise } from '../tensor/package-copies';
import type { Dataset } from './dataset';

/** What items are sorted by: a class, or a customer. */
export type ItemKey = string | number | boolean;

/** Finds the key of an item. */
export type KeyOf<Item> = (item: Item, index: number) => ItemKey;

/**
 * Reads an option that is a function of an item.
 *
 * @throws {OptionError} if `value` is none
 */
export function keyFunction<Item>(op: string, name: string, value: unknown): KeyOf<Item> {
  if (typeof value === 'function') return value as KeyOf<Item>;
  const field = typeof value === 'string' ? value : 'label';
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a function that gives the key of an item',
    fix: `pass ${name}: (item) => item.${field}`,
  });
}

/**
 * The indices of the items by their key, keys in order of first appearance.
 *
 * @param name  of the option that `keyOf` is, for the message
 * @throws {OptionError} if a key is neither text nor a number nor a truth value
 */
export function itemsByKey<Item>(
  op: string,
  dataset: Dataset<Item>,
  name: string,
  keyOf: KeyOf<Item>,
): Map<ItemKey, number[]> {
  const groups = new Map<ItemKey, number[]>();
  for (let index = 0; index < dataset.length; index++) {
    const item = dataset.at(index);
    const key: unknown = keyOf(item, index);
    const usable = typeof key === 'string' || typeof key === 'boolean' || (typeof key === 'number' && key === key);
    if (!usable)
      throw new OptionError(op, {
        given: `${describe(key)} from ${name} for item ${index}${isPromise(item) ? ', a Promise' : ''}`,
        expected: 'text, a number, or true or false',
        fix: isPromise(item)
          ? `know the keys before the items are there, as in ${name}: (_, index) => labels[index]`
          : `correct the item, or let ${name} return what tells it from others, as in String(item.day)`,
      });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return groups;
}

/**
 * The classes of a stratified split, in code-point order of their names.
 *
 * @throws {OptionError} if one has a single example, which cannot be on two sides
 */
export function classesOf<Item>(op: string, dataset: Dataset<Item>, stratifyBy: KeyOf<Item>): number[][] {
  const classes = itemsByKey(op, dataset, 'stratifyBy', stratifyBy);
  for (const [key, indices] of classes) if (indices.length === 1) throw single(op, key, `item ${indices[0]}`);
  // The order of UTF-8 is that of code points; that of JavaScript's strings is not.
  const named = [...classes].map(([key, indices]) => ({ name: Buffer.from(String(key)), indices }));
  return named.sort((a, b) => Buffer.compare(a.name, b.name)).map(({ indices }) => indices);
}

/** The error of a class that is in one place only. */
export const single = (op: string, key: ItemKey, place: string): OptionError =>
  new OptionError(op, {
    given: `the class ${describe(key)} in ${place} alone`,
    expected: 'at least two examples of each class, for stratifyBy puts a class on both sides',
    fix: 'leave the item out, join the class with another, or split without stratifyBy',
  });
