import { isAbsolute } from 'node:path';
import { OptionError, ShapeError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { checkOptions } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import { checkPath } from '../files/check-path';
import { checkMetadata, checkTensors } from './check-arguments';
import { blankChecksum, sign } from './checksum';
import { fileError, systemCode } from '../files/file-error';
import { readMetadata, readTensors, type HostTensor } from './read-tensors';
import { writeSafely } from '../files/safe-write';
import {
  formatError,
  headerText,
  metadataKey,
  quoted,
  storedSizes,
  type SafetensorsHeader,
  type Source,
  type StoredDType,
} from './safetensors-header';
import { storedDType } from './stored-data';
import { inTurn } from './turns';

/** Notes that travel in a file beside its tensors, names and values both strings. */
export type Metadata = Readonly<Record<string, string>>;

/** Numbers on the host that go into a file as they are. */
export interface StoredArray {
  readonly data: ArrayBufferView;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
}

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
 * All values are those of the moment of the call, whatever changes a tensor afterwards. The file appears whole or not
 * at all: it is written beside `path`, synced and renamed, so a full disk or a killed process leaves an older file as
 * it was. Its metadata hold a SHA-256 of all of it, by which `load` and `loadSafetensors` know a damaged file.
 *
 * @param path     the file, replaced if it exists; links are followed, and a device or FIFO is written to and stays
 *   what it is
 * @param tensors  by name, as `model.stateDict()` gives them; f32, f64, i32, bool and i8 become F32, F64, I32, BOOL and
 *   I8
 * @throws {OptionError} if `path` is no string, or `tensors` or the metadata hold something else
 * @throws {FormatError} if a name is `__metadata__`, or names and metadata take more than 100 MB
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if the host has no room for a copy of the values
 * @throws {FileError} if `path` cannot be written; its code is the system's: ENOENT, EACCES, ENOSPC, …
 * @see https://huggingface.co/docs/safetensors, the format
 */
export async function saveSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveSafetensorsOptions = {},
): Promise<void> {
  checkPath('saveSafetensors', path, 'saveSafetensors(path, tensors)');
  checkTensors('saveSafetensors', tensors);
  checkOptions('saveSafetensors', options, ['metadata']);
  checkMetadata('saveSafetensors', options.metadata ?? {});
  await writeTensors({ op: 'saveSafetensors', path }, tensors, options.metadata ?? {});
}

/**
 * Reads the tensors of a safetensors file, in the order of its header.
 *
 * F32, F64, I32, BOOL and I8 keep their type; F16 and BF16 become f32; I64, I16, U64, U32, U16 and U8 become i32 and
 * must fit it. The file is taken for hostile: all of it is checked before the first tensor is made, and against its
 * SHA-256 if stmnet wrote it.
 *
 * @param path  a regular file
 * @throws {FormatError} if it is truncated or damaged, contradicts itself or holds a type that tensors cannot take
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if it does not fit into memory
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadSafetensors(
  path: string,
  options: LoadSafetensorsOptions = {},
): Promise<Record<string, Tensor>> {
  checkPath('loadSafetensors', path, 'loadSafetensors(path, options)');
  checkOptions('loadSafetensors', options, ['device']);
  const source = { op: 'loadSafetensors', path };
  const { tensors } = await readTensors(source);
  return makeTensors(source, tensors, options.device);
}

/**
 * Reads the notes in the header of a safetensors file, without its tensors, and so without asking whether the file is
 * damaged.
 *
 * @param path  the file
 * @throws {FormatError} if the header is damaged or does not fit the file
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadSafetensorsMetadata(path: string): Promise<Metadata> {
  checkPath('loadSafetensorsMetadata', path, 'loadSafetensorsMetadata(path)');
  return Object.fromEntries(await readMetadata({ op: 'loadSafetensorsMetadata', path }));
}

/** Removes what can be spared where a disk is full. @returns whether there was something */
export type MakeRoom = () => Promise<boolean>;

/**
 * `saveSafetensors` for callers with a name of their own in messages, and also of arrays on the host, which nobody may
 * change until it is done.
 *
 * @param makeRoom  called once if the disk is full, before a second try
 * @throws as `saveSafetensors`
 */
export async function writeTensors(
  source: Source,
  tensors: Readonly<Record<string, Tensor | StoredArray>>,
  metadata: Metadata,
  makeRoom?: MakeRoom,
): Promise<void> {
  const entries = Object.entries(tensors)
    .map(([name, value]) => ({ name, value, dtype: value instanceof Tensor ? storedDType[value.dtype] : value.dtype }))
    .sort((a, b) => storedSizes[b.dtype] - storedSizes[a.dtype]); // wide types first: all stay aligned
  const header: SafetensorsHeader = { tensors: [], metadata: new Map([...blankChecksum, ...Object.entries(metadata)]) };
  let begin = 0;
  for (const { name, value, dtype } of entries) {
    if (name === metadataKey)
      throw formatError(
        source,
        `a tensor with the name ${metadataKey}`,
        'any other name: the format keeps this one for itself',
        'rename it',
      );
    const end = begin + (value instanceof Tensor ? storedSizes[dtype] * value.size : value.data.byteLength);
    header.tensors.push({ name, dtype, shape: value.shape, begin, end });
    begin = end;
  }
  const text = headerText(source, header);
  // all reads are ordered now: one moment's values
  const values = Promise.all(entries.map(async ({ value }) => (value instanceof Tensor ? value.data() : value.data)));
  values.catch(() => undefined); // told where it is awaited, which a save before this one can delay
  try {
    await inTurn(wholePath(source.path), async (path) => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      const chunks = [
        size,
        text,
        ...(await values).map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      ];
      await sign(text, chunks);
      await writeSafely(path, chunks).catch(async (error: unknown) => {
        const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
        if (!full || (await makeRoom?.()) !== true) throw error;
        await writeSafely(path, chunks);
      });
    });
  } catch (error) {
    throw fileError(source.op, source.path, 'write', error);
  }
}

/** The path as it is now, whatever folder the program goes to while the file is written. */
const wholePath = (path: string): string => (isAbsolute(path) ? path : `${process.cwd()}/${path}`);

/** Tensors of the data read, all of them or, if one cannot be made, none. */
function makeTensors(
  source: Source,
  read: Map<string, HostTensor>,
  device: string | undefined,
): Record<string, Tensor> {
  const made: [string, Tensor][] = [];
  try {
    for (const [name, host] of read) {
      made.push([name, makeTensor(source, name, host, device)]);
      read.delete(name);
    }
  } catch (error) {
    for (const [, half] of made) half.dispose();
    throw error;
  }
  return Object.fromEntries(made);
}

/**
 * One tensor of the data read.
 *
 * @throws {FormatError} if it has a shape that no tensor can have
 */
export function makeTensor(
  source: Source,
  name: string,
  { data, dtype, shape }: HostTensor,
  device: string | undefined,
): Tensor {
  try {
    return tensor({ data, shape }, { dtype, ...(device === undefined ? {} : { device }) });
  } catch (error) {
    if (!(error instanceof OptionError || error instanceof ShapeError)) throw error;
    const refused = formatError(
      source,
      `tensor ${quoted(name)} of shape ${quoted(JSON.stringify(shape))}`,
      'a shape that a tensor can have',
      'save it with smaller extents',
    );
    refused.cause = error;
    throw refused;
  }
}
