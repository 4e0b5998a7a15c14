import { fileSource, type FileSource, type ByteStream } from '../../files/file-source';
import { lineError, lineReaders, readLineBatches, type LineOptions } from '../../files/lines';
import { nearMiss } from '../../tensor/option-names';
import { describe, isPlainObject } from '../../tensor/options';
import { optional, readOptions } from '../../tensor/read-options';
import { columnNames } from './column-names';
import { emptyFile } from './empty-file';
import { inQuotes, names } from './excerpt';
import { fileRecords, recordsOfEach, type FileRecords } from './file-records';

/** A value of JSON. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** How JSON Lines are read. */
export interface JsonLinesOptions<Field extends string = string> extends LineOptions {
  /** Fields that each object must have; others are left out. Default: any values, as they are. */
  fields?: readonly Field[] | undefined;
}

/**
 * The values of a JSON Lines file, in which each line is one; lines of blanks are skipped, and what gzip packed is
 * unpacked.
 *
 *     type Review = { text: string; label: string };
 *     const rows = await readJsonLines<Review>('reviews.jsonl', { fields: ['text', 'label'] });
 *
 * That the values have the type `T` is up to the file: what is checked is that they are objects with these fields.
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws {FormatError} with file and line, if a line is no JSON, or its object lacks a field; if the file is empty
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readJsonLines<T = Record<string, JsonValue>>(
  path: string | ByteStream,
  options: JsonLinesOptions<keyof T & string> = {},
): Promise<T[]> {
  return valuesOf<T>('readJsonLines', path, options).all();
}

/**
 * The values of a JSON Lines file, one after another, in constant memory. Takes what `readJsonLines` takes; each walk
 * reads the file anew.
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws what `readJsonLines` throws; mistakes of options at the call, those of the file during the walk
 */
export function streamJsonLines<T = Record<string, JsonValue>>(
  path: string | ByteStream,
  options: JsonLinesOptions<keyof T & string> = {},
): FileRecords<T> {
  return valuesOf<T>('streamJsonLines', path, options);
}

interface JsonLinesSettings {
  encoding: string | undefined;
  maxLineBytes: number;
  fields: readonly string[] | undefined;
}

function valuesOf<T>(op: string, path: string | ByteStream, given: JsonLinesOptions): FileRecords<T> {
  const source = fileSource(op, path, `${op}(path, options)`);
  const { fields, ...options } = readOptions<JsonLinesOptions, JsonLinesSettings>(op, given, {
    ...lineReaders,
    fields: optional(columnNames),
  });
  return fileRecords(source.path, async function* () {
    let some = false;
    for await (const { lines, first } of readLineBatches(source, options)) {
      const filled = lines.flatMap((text, index) => (text.trim() === '' ? [] : [{ text, line: first + index }]));
      if (filled.length === 0) continue;
      some = true;
      yield* recordsOfEach(
        filled,
        (index) => filled[index]?.line ?? first,
        ({ text, line }) => {
          const value = valueIn(source, text, line);
          return (fields === undefined ? value : fieldsOf(source, value, line, fields)) as T;
        },
      );
    }
    if (!some) throw emptyFile(source, 'one value of JSON a line');
  });
}

function valueIn(source: FileSource, text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [reason = '', place] = message.split(/(?: in JSON)? at position (\d+)/); // some messages have no place
    const parts = {
      given: `${inQuotes(text)}, which is no JSON (${reason.length > 120 ? `${reason.slice(0, 120)}…` : reason}),`,
      expected: 'one value of JSON, whole in its line',
      fix: fixOf(text, line),
    };
    throw lineError(source, line, parts, place === undefined ? undefined : Number(place) + 1);
  }
}

function fixOf(text: string, line: number): string {
  if (/\b(NaN|Infinity)\b/.test(text)) return 'write null for numbers that JSON does not have, NaN and Infinity';
  if (line === 1 && /^\s*[[{]\s*$/.test(text))
    return 'read a file of one JSON value by JSON.parse(await readFile(path)), or write each record in one line';
  return 'mend the line';
}

function fieldsOf(
  source: FileSource,
  value: unknown,
  line: number,
  fields: readonly string[],
): Record<string, unknown> {
  if (!isPlainObject(value))
    throw lineError(source, line, {
      given: describe(value).slice(0, 120),
      expected: `an object with the fields ${names(fields)}`,
      fix: 'write objects, or leave fields out',
    });
  const missing = fields.find((field) => !Object.hasOwn(value, field));
  if (missing === undefined) return Object.fromEntries(fields.map((field) => [field, value[field]]));
  const near = nearMiss(missing, Object.keys(value));
  throw lineError(source, line, {
    given: `an object without ${inQuotes(missing)}`,
    expected: `the fields ${names(fields)}; it has ${names(Object.keys(value))}`,
    fix: near === undefined ? 'add the field, or do not ask for it' : `write ${inQuotes(near)}, if that is meant`,
  });
}
