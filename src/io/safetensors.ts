import { constants } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { tensor } from '../tensor/factories';
import { checkOptions } from '../tensor/options';
import type { Tensor } from '../tensor/tensor';
import { writeAtomically } from './atomic-write';
import { checkMetadata, checkPath, checkTensors } from './check-arguments';
import { fileError } from './file-error';
import {
  formatError, headerText, maxHeaderBytes, metadataKey, parseHeader, quoted, type SafetensorsHeader, type Source, type StoredTensor,
} from './safetensors-header';
import { decode, storedBytes, storedDType, type DecodedData } from './stored-data';

/** Notes that travel in a file beside its tensors, names and values both strings. */
export type Metadata = Readonly<Record<string, string>>;

/** Options of `saveSafetensors`. */
export interface SaveSafetensorsOptions {
  /** Notes for the header. Default none. */
  metadata?: Metadata;
}

/** Options of `loadSafetensors`. */
export interface LoadSafetensorsOptions {
  /** Where the tensors are made. Default: the default device. */
  device?: string;
}

/**
 * Writes tensors to one safetensors file that any reader of the format opens, PyTorch's `load_file` among them.
 *
 * All values are those of the moment of the call, whatever changes a tensor afterwards. The file appears whole or not at all: it is written beside
 * `path`, synced and renamed, so a full disk or a killed process leaves an older file as it was.
 *
 * @param path     the file, replaced if it exists
 * @param tensors  by name, as `model.stateDict()` gives them; f32, f64, i32 and bool become F32, F64, I32 and BOOL
 * @throws {OptionError} if `path` is no string, or `tensors` or the metadata hold something else
 * @throws {FormatError} if a name is `__metadata__`, or names and metadata take more than 100 MB
 * @throws {FileError} if `path` cannot be written; its code is the system's: ENOENT, EACCES, ENOSPC, …
 * @see https://huggingface.co/docs/safetensors, the format
 */
export async function saveSafetensors(path: string, tensors: Readonly<Record<string, Tensor>>, options: SaveSafetensorsOptions = {}): Promise<void> {
  checkPath('saveSafetensors', path, 'saveSafetensors(path, tensors)');
  checkTensors('saveSafetensors', tensors);
  checkOptions('saveSafetensors', options, ['metadata']);
  checkMetadata('saveSafetensors', options.metadata ?? {});
  await writeTensors({ op: 'saveSafetensors', path }, tensors, options.metadata ?? {});
}

/**
 * Reads the tensors of a safetensors file, in the order of its header.
 *
 * F32, F64, I32 and BOOL keep their type; F16 and BF16 become f32; I64, I16, I8, U64, U32, U16 and U8 become i32 and must fit it. The file is
 * taken for hostile: all of it is checked before the first tensor is made.
 *
 * @param path  the file
 * @throws {FormatError} if it is truncated, contradicts itself or holds a type that tensors cannot take
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadSafetensors(path: string, options: LoadSafetensorsOptions = {}): Promise<Record<string, Tensor>> {
  checkPath('loadSafetensors', path, 'loadSafetensors(path, options)');
  checkOptions('loadSafetensors', options, ['device']);
  const { tensors } = await readTensors({ op: 'loadSafetensors', path });
  return makeTensors(tensors, options.device);
}

/**
 * Reads the notes in the header of a safetensors file, without its tensors.
 *
 * @param path  the file
 * @throws {FormatError} if the header is damaged or does not fit the file
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadSafetensorsMetadata(path: string): Promise<Metadata> {
  checkPath('loadSafetensorsMetadata', path, 'loadSafetensorsMetadata(path)');
  const source = { op: 'loadSafetensorsMetadata', path };
  return withFile(source, async (file) => Object.fromEntries((await readHeader(source, file)).header.metadata));
}

/** What `readTensors` finds: data on the host, which nobody has to dispose. */
export interface ReadFile {
  tensors: ReadonlyMap<string, HostTensor>;
  metadata: ReadonlyMap<string, string>;
}

/** A tensor's data and shape before it becomes a tensor. */
export interface HostTensor extends DecodedData {
  shape: readonly number[];
}

/**
 * `saveSafetensors` for callers with a name of their own in messages.
 *
 * @throws as `saveSafetensors`
 */
export async function writeTensors(source: Source, tensors: Readonly<Record<string, Tensor>>, metadata: Metadata): Promise<void> {
  const entries = Object.entries(tensors).sort(([, a], [, b]) => storedBytes(b.dtype, 1) - storedBytes(a.dtype, 1));  // wide types first: all stay aligned
  const header: SafetensorsHeader = { tensors: [], metadata: new Map(Object.entries(metadata)) };
  let begin = 0;
  for (const [name, { dtype, shape, size }] of entries) {
    if (name === metadataKey) throw formatError(source, `a tensor with the name ${metadataKey}`, 'any other name: the format keeps this one for itself', 'rename it');
    const end = begin + storedBytes(dtype, size);
    header.tensors.push({ name, dtype: storedDType[dtype], shape, begin, end });
    begin = end;
  }
  const text = headerText(source, header);
  const data = await Promise.all(entries.map(([, values]) => values.data()));  // all reads are ordered now: one moment's values
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const chunks = [size, text, ...data.map((values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength))];
  try {
    await writeAtomically(source.path, chunks);
  } catch (error) {
    throw fileError(source.op, source.path, 'write', error);
  }
}

/**
 * Reads and checks a whole file.
 *
 * @throws as `loadSafetensors`
 */
export async function readTensors(source: Source): Promise<ReadFile> {
  return withFile(source, async (file) => {
    const { header, dataStart } = await readHeader(source, file);
    const tensors = new Map<string, HostTensor>();
    for (const stored of header.tensors) tensors.set(stored.name, { ...decode(source, stored, await readData(source, file, dataStart, stored)), shape: stored.shape });
    return { tensors, metadata: header.metadata };
  });
}

/** Tensors of the data read, all of them or, if one cannot be made, none. */
export function makeTensors(read: ReadonlyMap<string, HostTensor>, device: string | undefined): Record<string, Tensor> {
  const made: [string, Tensor][] = [];
  try {
    for (const [name, { data, dtype, shape }] of read) made.push([name, tensor({ data, shape }, { dtype, ...(device === undefined ? {} : { device }) })]);
  } catch (error) {
    for (const [, half] of made) half.dispose();
    throw error;
  }
  return Object.fromEntries(made);
}

async function withFile<T>({ op, path }: Source, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    const file = await open(path, 'r');
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(op, path, 'read', error);
  }
}

async function readHeader(source: Source, file: FileHandle): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const { size } = await file.stat();
  if (size < 8) throw formatError(source, `${size} bytes`, 'at least 8, which hold the length of the header');
  const prefix = new DataView(await readAt(source, file, 0, 8));
  const length = prefix.getBigUint64(0, true);
  if (length > BigInt(Math.min(size - 8, maxHeaderBytes))) {
    throw formatError(source, `a header of ${length} bytes`, `at most ${Math.min(size - 8, maxHeaderBytes)}, as the file has ${size} bytes and a header never more than ${maxHeaderBytes}`);
  }
  const bytes = await readAt(source, file, 8, Number(length));
  const dataStart = 8 + Number(length);
  return { header: parseHeader(source, decodeText(source, bytes), size - dataStart), dataStart };
}

function decodeText(source: Source, bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw formatError(source, 'a header that is not UTF-8', 'a JSON object in UTF-8');
  }
}

function readData(source: Source, file: FileHandle, dataStart: number, { name, begin, end }: StoredTensor): Promise<ArrayBuffer> {
  const bytes = end - begin;
  if (bytes > constants.MAX_LENGTH) {
    throw formatError(source, `tensor ${quoted(name)} of ${bytes} bytes`, `at most ${constants.MAX_LENGTH}, what one array holds in this version of Node`, 'split the tensor');
  }
  return readAt(source, file, dataStart + begin, bytes);
}

/** One read call fills at most this much. */
const pieceBytes = 1 << 28;

async function readAt(source: Source, file: FileHandle, position: number, length: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(pieceBytes, length - at), position + at);
    if (bytesRead === 0) throw formatError(source, `an end after ${position + at} bytes`, `${position + length} bytes: it became shorter while it was read`);
    at += bytesRead;
  }
  return bytes.buffer;
}
