import { differingOptions, type PlainOptions } from '../tasks/differing-options';
import { flagOf } from '../tasks/catalogue/descriptor';

/**
 * In what two sets of options differ, as one would type them: `--epochs 9 --no-header, not --epochs 27`.
 *
 * @returns undefined where they do not
 */
export function optionDifferences(before: PlainOptions, now: PlainOptions): string | undefined {
  const { names, now: given } = differingOptions(before, now);
  if (names.length === 0) return undefined;
  const said = (options: PlainOptions): string => names.map((name) => typed(name, options[name])).join(' ');
  return `${said(before)}, not ${said(given)}`;
}

/** Options as one would type them, those that have a value: `--cell gru --hidden-size 64 --no-header`. */
export const typedOptions = (options: PlainOptions): string =>
  Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => typed(name, value))
    .join(' ');

function typed(name: string, value: unknown): string {
  const flag = flagOf(name);
  if (value === undefined || value === null) return `(no ${flag})`;
  if (value === true) return flag;
  if (value === false) return flag.replace('--', '--no-');
  if (Array.isArray(value)) return `${flag} ${value.join(',')}`;
  if (typeof value === 'object') return `${flag} ${pairs(value)}`;
  return `${flag} ${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`;
}

/** As weights of classes are typed: `ham=1,spam=6`. */
const pairs = (value: object): string =>
  Object.entries(value)
    .map(([key, one]) => `${key}=${String(one)}`)
    .join(',');

/** A word of a command as a shell reads it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
