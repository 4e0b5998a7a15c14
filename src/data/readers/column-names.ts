import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';

/** Reads an option that is an array of strings. */
export function texts(op: string, name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of strings',
    fix: `pass ${name}: ['…']`,
  });
}

/** Reads names of columns: at least one, none of them twice. `__proto__` would be no field of a record. */
export function columnNames(op: string, name: string, value: unknown): readonly string[] {
  const columns = texts(op, name, value);
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  const bad = columns.length === 0 ? 'no name' : (twice ?? columns.find((column) => column === '__proto__'));
  if (bad === undefined) return columns;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'names that differ, at least one, and none of them "__proto__"',
    fix: `pass ${name}: ['label', 'text'], or leave it out`,
  });
}
