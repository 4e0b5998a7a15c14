import { isDeepStrictEqual } from 'node:util';

/** Options by their names in the API, as JSON has them; undefined for one that was not given. */
export type PlainOptions = Readonly<Record<string, unknown>>;

/**
 * The options in which two sets differ: what a training began with, as its folder keeps it, and what it is told now.
 *
 * @param free  names of those that may
 * @returns their names, and what they are now as JSON has it
 */
export function differingOptions(
  before: PlainOptions,
  now: PlainOptions,
  free: readonly string[] = [],
): { readonly names: readonly string[]; readonly now: PlainOptions } {
  const given = JSON.parse(JSON.stringify(now)) as PlainOptions;
  const names = [...new Set([...Object.keys(before), ...Object.keys(given)])];
  const odd = names.filter((name) => !free.includes(name) && !isDeepStrictEqual(before[name], given[name]));
  return { names: odd, now: given };
}
