import { FormatError } from '../tensor/errors';
import { findDuplicateKey } from './duplicate-keys';

/** Element types that a file can hold and `loadSafetensors` reads, with the bytes of one element. */
export const storedSizes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** Name of an element type, as the header writes it. */
export type StoredDType = keyof typeof storedSizes;

/** One tensor's entry: where its bytes lie, counted from the end of the header. */
export interface StoredTensor {
  name: string;
  dtype: StoredDType;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  tensors: StoredTensor[];
  metadata: ReadonlyMap<string, string>;
}

/** Which call reads which file: what every message begins with. */
export interface Source {
  op: string;
  path: string;
}

/** The key that holds a header's own notes; no tensor may be called so. */
export const metadataKey = '__metadata__';

/** Bytes of the longest header that is read or written, the limit of the format's reference implementation. */
export const maxHeaderBytes = 100_000_000;

const maxRank = 6;

/** The error of a file that is not what it should be. */
export function formatError(
  source: Source,
  given: string,
  expected: string,
  fix = 'write the file again, or copy it again from where it is whole',
): FormatError {
  return new FormatError(source.op, { given: `${given} in ${source.path}`, expected, fix });
}

/** A name from a file as a message may show it: quoted, control characters escaped, not longer than a line. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/**
 * Reads the JSON of a header and checks all of it: every entry by itself, and that the tensors cover the data exactly,
 * without overlap or hole.
 *
 * @param text       the header, padding included
 * @param dataBytes  how many bytes follow the header
 * @throws {FormatError} naming the first thing that is wrong
 */
export function parseHeader(source: Source, text: string, dataBytes: number): SafetensorsHeader {
  if (!text.startsWith('{'))
    throw formatError(source, `a header that begins with ${quoted(text.slice(0, 12))}`, 'a JSON object');
  const json = parseJson(source, text);
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw formatError(source, `the key ${quoted(twice)} twice`, 'every key once');
  const tensors: StoredTensor[] = [];
  let metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(json)) {
    if (name === metadataKey) metadata = parseMetadata(source, entry);
    else tensors.push(parseEntry(source, name, entry));
  }
  checkCoverage(source, tensors, dataBytes);
  return { tensors, metadata };
}

function parseJson(source: Source, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw formatError(
      source,
      `a header that is not JSON (${quoted(error instanceof Error ? error.message : String(error))})`,
      'a JSON object',
    );
  }
  if (!isObject(json)) throw formatError(source, 'a header that is JSON but no object', 'an object of tensors');
  return json;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseMetadata(source: Source, entry: unknown): Map<string, string> {
  if (!isObject(entry)) throw formatError(source, `${metadataKey} that is no object`, 'an object of strings');
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string')
      throw formatError(source, `metadata ${quoted(key)} that is no string`, 'strings only');
    metadata.set(key, value);
  }
  return metadata;
}

function parseEntry(source: Source, name: string, entry: unknown): StoredTensor {
  const label = `tensor ${quoted(name)}`;
  if (!isObject(entry)) throw formatError(source, `${label} that is no object`, '{ dtype, shape, data_offsets }');
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw formatError(source, `${label} with the key ${quoted(unknown)}`, 'only dtype, shape and data_offsets');
  if (!isStoredDType(dtype)) {
    throw formatError(
      source,
      `${label} of dtype ${quoted(String(dtype))}`,
      `one of ${Object.keys(storedSizes).join(', ')}`,
      'convert the tensor, to F32 say, before writing the file',
    );
  }
  if (!isExtents(shape))
    throw formatError(
      source,
      `${label} of shape ${quoted(JSON.stringify(shape) ?? 'undefined')}`,
      'an array of whole numbers of at least 0',
    );
  if (shape.length > maxRank)
    throw formatError(
      source,
      `${label} with ${shape.length} axes`,
      `at most ${maxRank} axes`,
      'join axes before writing the file',
    );
  if (!isExtents(offsets) || offsets.length !== 2) {
    throw formatError(
      source,
      `${label} with data_offsets ${quoted(JSON.stringify(offsets) ?? 'undefined')}`,
      'two whole numbers, begin and end',
    );
  }
  const [begin = 0, end = 0] = offsets;
  const bytes = byteCount(shape, storedSizes[dtype]);
  if (end - begin !== bytes) {
    throw formatError(
      source,
      `${label} with data_offsets [${begin}, ${end}]`,
      `${bytes} bytes, what ${dtype}[${shape.join(', ')}] takes`,
    );
  }
  return { name, dtype, shape, begin, end };
}

const isStoredDType = (value: unknown): value is StoredDType =>
  typeof value === 'string' && Object.hasOwn(storedSizes, value);

const isExtents = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);

/**
 * Bytes of a tensor; Infinity as soon as a product of extents can no longer be counted exactly, even if a later extent
 * is 0.
 */
function byteCount(shape: readonly number[], elementBytes: number): number {
  let bytes = elementBytes;
  for (const extent of shape) {
    bytes *= extent;
    if (bytes > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return bytes;
}

/** The tensors, in the order of their data, must follow one on another from the first byte to the last. */
function checkCoverage(source: Source, tensors: readonly StoredTensor[], dataBytes: number): void {
  const inOrder = [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== covered) {
      const fault = begin < covered ? 'overlaps the one before it' : 'leaves a hole before it';
      throw formatError(
        source,
        `tensor ${quoted(name)} at byte ${begin}, which ${fault}`,
        `a tensor that begins at byte ${covered}`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    const fault = covered > dataBytes ? 'is truncated' : 'has bytes that no tensor owns';
    throw formatError(
      source,
      `${dataBytes} bytes of data, so that the file ${fault},`,
      `${covered} bytes, the end of the last tensor`,
    );
  }
}

/**
 * The text of a header for `tensors` and `metadata`, padded with blanks so that the data begin at a multiple of eight
 * bytes.
 *
 * @throws {FormatError} if it is longer than any reader accepts
 */
export function headerText(source: Source, { tensors, metadata }: SafetensorsHeader): Uint8Array {
  const entries: [string, unknown][] = tensors.map(({ name, dtype, shape, begin, end }) => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ]);
  if (metadata.size > 0) entries.unshift([metadataKey, Object.fromEntries(metadata)]);
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  if (padded.length > maxHeaderBytes) {
    throw formatError(
      source,
      `names and metadata of ${padded.length} bytes`,
      `at most ${maxHeaderBytes} bytes`,
      'store less in the metadata',
    );
  }
  return padded;
}
