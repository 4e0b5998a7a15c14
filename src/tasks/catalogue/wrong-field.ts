import { describe, isPlainObject } from '../../tensor/options';

const isText = (value: unknown): boolean => typeof value === 'string';

/**
 * What is wrong with a record of JSON Lines: the first field that is absent or of another kind, with what it holds.
 *
 * @param names    of the fields that it has to have
 * @param isRight  whether a value can be that of a field. Default: a text
 */
export function wrongField(
  record: unknown,
  names: readonly string[],
  isRight: (value: unknown, name: string) => boolean = isText,
): string {
  if (!isPlainObject(record)) return describe(record);
  const odd = names.find((name) => !isRight(record[name], name));
  if (odd === undefined) return describe(record);
  return record[odd] === undefined ? `no ${odd}` : `${odd}: ${describe(record[odd])}`;
}
