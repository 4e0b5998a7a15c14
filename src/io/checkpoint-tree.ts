import { FormatError, NativeError, OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { remedy } from '../tensor/package-copies';
import { PaddedSequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { restoredArray, storedArray } from './checkpoint-arrays';
import type { HostTensor } from './read-tensors';
import { makeTensor, type StoredArray } from './safetensors';
import { formatError, quoted, type Source } from './safetensors-header';

/** A tree as a file holds it. */
export interface PackedTree {
  /** The tree as JSON, with the name of each tensor and array in its place. */
  json: string;
  /** What the names stand for. */
  arrays: Record<string, Tensor | StoredArray>;
}

/** How deep a tree may be: more is a cycle, or no checkpoint. */
const maxDepth = 100;

/**
 * What JSON cannot say is an object with one key that begins with `$`:
 *
 *   { $tensor: 'model.weight' }                    a tensor, by its name in the file
 *   { $array: ['Uint32Array', 'loader.order'] }    a typed array, or a long plain one of numbers
 *   { $sequence: [values, lengths] }               a PaddedSequence
 *   { $number: 'NaN' }                             NaN, Infinity, -Infinity, -0
 *   { $bigint: '1' }, { $undefined: 0 }            in an array; in an object what is undefined is left out
 *   { $object: [['$odd', 1]] }                     an object with keys that begin so themselves
 */
type Tag = '$tensor' | '$array' | '$sequence' | '$number' | '$bigint' | '$undefined' | '$object';

/**
 * Takes a tree of plain data apart: numbers, strings, booleans, null, arrays and plain objects, and in them tensors,
 * PaddedSequences and typed arrays, which are copied.
 *
 * @throws {OptionError} if it holds something else, or itself
 */
export function packTree(op: string, tree: Readonly<Record<string, unknown>>): PackedTree {
  const arrays = new Map<string, Tensor | StoredArray>();
  const name = (path: string, value: Tensor | StoredArray): string => {
    let unique = path;
    for (let count = 2; arrays.has(unique); count++) unique = `${path}~${count}`;
    arrays.set(unique, value);
    return unique;
  };
  const json = JSON.stringify(pack({ op, name }, '', tree, 0));
  return { json, arrays: Object.fromEntries(arrays) };
}

interface Packing {
  readonly op: string;
  /** Gives an array its name in the file. */
  readonly name: (path: string, value: Tensor | StoredArray) => string;
}

const tag = (key: Tag, value: unknown): unknown => ({ [key]: value });

function pack(packing: Packing, path: string, value: unknown, depth: number): unknown {
  if (depth > maxDepth) throw notPlain(packing.op, path, 'an object within itself, or too many levels of them');
  const inner = (key: string, part: unknown): unknown =>
    pack(packing, path === '' ? key : `${path}.${key}`, part, depth + 1);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : tag('$number', Object.is(value, -0) ? '-0' : String(value));
  if (typeof value === 'bigint') return tag('$bigint', String(value));
  if (value instanceof Tensor) return tag('$tensor', packing.name(path, value));
  if (value instanceof PaddedSequence) return tag('$sequence', [inner('values', value.values), [...value.lengths]]);
  const stored = storedArray(value);
  if (stored !== undefined) return tag('$array', [stored.kind, packing.name(path, stored.array)]);
  if (Array.isArray(value))
    return Array.from(value as unknown[], (part, index) =>
      part === undefined ? tag('$undefined', 0) : inner(String(index), part),
    );
  if (!isPlainObject(value)) throw notPlain(packing.op, path, describe(value), remedy(value, plainFix));
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const packed = entries.map(([key, part]) => [key, inner(key, part)] as const);
  return entries.some(([key]) => key.startsWith('$')) ? tag('$object', packed) : Object.fromEntries(packed);
}

const plainFix = 'pass plain data, or an object with stateDict() and loadStateDict(), or state() and loadState()';

const notPlain = (op: string, path: string, given: string, fix = plainFix): OptionError =>
  new OptionError(op, {
    given: `${given} as ${path}`,
    expected: 'numbers, strings, booleans, tensors, typed arrays, and arrays and plain objects of these',
    fix,
  });

/** A tree that was read, and the tensors in it. */
export interface UnpackedTree {
  tree: unknown;
  tensors: Tensor[];
}

/**
 * Puts a tree together again. Its tensors lie on the CPU.
 *
 * @throws {FormatError} if the text is no tree, or an array is missing
 */
export function unpackTree(source: Source, json: string, arrays: ReadonlyMap<string, HostTensor>): UnpackedTree {
  const unpacking: Unpacking = { source, arrays, tensors: [] };
  try {
    return { tree: unpack(unpacking, parsed(source, json), 0), tensors: unpacking.tensors };
  } catch (error) {
    for (const made of unpacking.tensors) made.dispose();
    if (error instanceof FormatError || error instanceof NativeError) throw error;
    throw noTree(source, `a tree of which a part cannot be made (${reasonOf(error)})`);
  }
}

const reasonOf = (error: unknown): string => quoted(error instanceof Error ? error.message : String(error));

interface Unpacking {
  readonly source: Source;
  readonly arrays: ReadonlyMap<string, HostTensor>;
  readonly tensors: Tensor[];
}

function parsed(source: Source, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw noTree(source, `a text that is not JSON (${reasonOf(error)})`);
  }
}

const noTree = (source: Source, given: string): Error => formatError(source, given, 'the tree of a checkpoint');

function unpack(unpacking: Unpacking, value: unknown, depth: number): unknown {
  if (depth > maxDepth + 2) throw noTree(unpacking.source, 'too many levels of objects'); // tags have levels, too
  const inner = (part: unknown): unknown => unpack(unpacking, part, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== 'object' || value === null) return value;
  const entries: [string, unknown][] = Object.entries(value);
  const [key, content] = entries[0] ?? ['', undefined];
  if (key.startsWith('$')) return untag(unpacking, key as Tag, content, inner);
  return Object.fromEntries(entries.map(([name, part]) => [name, inner(part)]));
}

function untag(
  { source, arrays, tensors }: Unpacking,
  key: Tag,
  content: unknown,
  inner: (part: unknown) => unknown,
): unknown {
  const host = (name: unknown): HostTensor => {
    const found = arrays.get(String(name));
    if (found === undefined) throw noTree(source, `no tensor ${quoted(String(name))}`);
    return found;
  };
  const pair = (): readonly [unknown, unknown] => {
    if (!Array.isArray(content) || content.length !== 2) throw noTree(source, `a ${key} that is none`);
    return [content[0], content[1]];
  };
  switch (key) {
    case '$tensor': {
      const made = makeTensor(source, String(content), host(content), 'cpu');
      tensors.push(made);
      return made;
    }
    case '$array': {
      const [kind, name] = pair();
      const restored = restoredArray(String(kind), host(name).data);
      if (restored === undefined) throw noTree(source, `an array of the kind ${quoted(String(kind))}`);
      return restored;
    }
    case '$sequence': {
      const [values, lengths] = pair();
      return new PaddedSequence(inner(values) as Tensor, lengths as number[]);
    }
    case '$number':
      return Number(content);
    case '$bigint':
      return BigInt(String(content));
    case '$undefined':
      return undefined;
    case '$object':
      return Object.fromEntries((content as [string, unknown][]).map(([name, part]) => [name, inner(part)]));
    default:
      throw noTree(source, `the key ${quoted(key)}`);
  }
}
