import { constants as limits } from 'node:buffer';
import { constants, existsSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { NativeError } from '../tensor/errors';
import { checksumKeys, checksumOf, type Checksum } from './checksum';
import { kindOfFile } from './file-kind';
import { FileError, fileError } from '../files/file-error';
import {
  formatError,
  maxHeaderBytes,
  parseHeader,
  quoted,
  type SafetensorsHeader,
  type Source,
  type StoredTensor,
} from './safetensors-header';
import { decode, type DecodedData } from './stored-data';

/** What `readTensors` finds: data on the host, which nobody has to dispose. */
export interface ReadFile {
  /**
   * By name. A caller that makes tensors of them deletes each one from the map when it is done, so that its memory on
   * the host becomes free early.
   */
  tensors: Map<string, HostTensor>;
  metadata: ReadonlyMap<string, string>;
}

/** A tensor's data and shape before it becomes a tensor. */
export interface HostTensor extends DecodedData {
  shape: readonly number[];
}

/**
 * Reads and checks a whole file.
 *
 * @throws as `loadSafetensors`
 */
export async function readTensors(source: Source): Promise<ReadFile> {
  return withFile(source, async (file) => {
    const { header, dataStart, checksum } = await readHeader(source, file);
    const found = new Map<string, HostTensor>();
    for (const stored of [...header.tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
      const bytes = await readData(source, file, dataStart, stored, checksum);
      found.set(stored.name, {
        ...allocate(source, bytes.byteLength, () => decode(source, stored, bytes)),
        shape: stored.shape,
      });
    }
    checksum?.verify();
    const tensors = new Map(
      header.tensors.flatMap(({ name }) => {
        const host = found.get(name);
        return host === undefined ? [] : [[name, host] as const];
      }),
    );
    return { tensors, metadata: notesOf(header) };
  });
}

/**
 * Reads the notes alone.
 *
 * @throws as `loadSafetensorsMetadata`
 */
export async function readMetadata(source: Source): Promise<ReadonlyMap<string, string>> {
  return withFile(source, async (file) => notesOf((await readHeader(source, file)).header));
}

/**
 * Reads the notes alone, and all of the file for its checksum, a piece at a time.
 *
 * @throws as `loadSafetensors`
 */
export async function readVerifiedMetadata(source: Source): Promise<ReadonlyMap<string, string>> {
  return withFile(source, async (file) => {
    const { header, dataStart, checksum } = await readHeader(source, file);
    if (checksum === undefined) return notesOf(header);
    const end = header.tensors.reduce((last, tensor) => Math.max(last, tensor.end), 0);
    for (let at = 0; at < end; at += pieceBytes)
      await readAt(source, file, dataStart + at, Math.min(pieceBytes, end - at), checksum);
    checksum.verify();
    return notesOf(header);
  });
}

/** The metadata that the user wrote; the entries of the checksum belong to the file format. */
const notesOf = ({ metadata }: SafetensorsHeader): Map<string, string> =>
  new Map([...metadata].filter(([key]) => !checksumKeys.includes(key)));

async function withFile<T>({ op, path }: Source, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    // Without O_NONBLOCK, to open a FIFO would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(op, path, 'read', error);
  }
}

async function readHeader(
  source: Source,
  file: FileHandle,
): Promise<{ header: SafetensorsHeader; dataStart: number; checksum: Checksum | undefined }> {
  const status = await file.stat();
  if (!status.isFile()) throw notAFile(source, status.isDirectory());
  const { size } = status;
  if (size < 8) throw formatError(source, `${size} bytes`, 'at least 8, which hold the length of the header');
  const prefix = await readAt(source, file, 0, 8);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const longest = Math.min(size - 8, maxHeaderBytes);
  if (length > BigInt(longest)) {
    const kind = kindOfFile(source.path, prefix);
    if (kind !== undefined) throw formatError(source, kind.given, 'a safetensors file', kind.fix);
    throw formatError(
      source,
      `a header of ${length} bytes`,
      `at most ${longest}, as the file has ${size} bytes and a header never more than ${maxHeaderBytes}`,
      length > BigInt(maxHeaderBytes) ? 'give a file of safetensors, which this does not seem to be' : undefined,
    );
  }
  const bytes = await readAt(source, file, 8, Number(length));
  const dataStart = 8 + Number(length);
  const header = parseHeader(source, decodeText(source, bytes), size - dataStart);
  return { header, dataStart, checksum: checksumOf(source, prefix, bytes, header.metadata) };
}

/** Of the folder of a training, what a task or its model is read from. */
const modelIn = (folder: string): string => {
  const file = join(folder, 'model.safetensors');
  return existsSync(file) ? `, ${file}` : '';
};

/** Reading goes by offsets, which only a regular file has. */
const notAFile = ({ op, path }: Source, isFolder: boolean): FileError =>
  new FileError(
    op,
    {
      given: `${path}, ${isFolder ? 'a folder' : 'a device, FIFO or socket'}`,
      expected: 'a regular file',
      fix: isFolder ? `give the path of a file in it${modelIn(path)}` : 'copy what it gives to a file first',
    },
    isFolder ? 'EISDIR' : 'ESPIPE',
  );

function decodeText(source: Source, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw formatError(source, 'a header that is not UTF-8', 'a JSON object in UTF-8');
  }
}

async function readData(
  source: Source,
  file: FileHandle,
  dataStart: number,
  { name, begin, end }: StoredTensor,
  checksum: Checksum | undefined,
): Promise<ArrayBuffer> {
  const bytes = end - begin;
  if (bytes > limits.MAX_LENGTH) {
    throw formatError(
      source,
      `tensor ${quoted(name)} of ${bytes} bytes`,
      `at most ${limits.MAX_LENGTH}, what one array holds in this version of Node`,
      'split the tensor',
    );
  }
  return (await readAt(source, file, dataStart + begin, bytes, checksum)).buffer;
}

/** One read call fills at most this much, and so much is hashed before the event loop gets a turn. */
const pieceBytes = 1 << 24;

async function readAt(
  source: Source,
  file: FileHandle,
  position: number,
  length: number,
  checksum?: Checksum,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(source, length, () => new Uint8Array(length));
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(pieceBytes, length - at), position + at);
    if (bytesRead === 0) {
      throw formatError(
        source,
        `an end after ${position + at} bytes`,
        `${position + length} bytes: it became shorter while it was read`,
      );
    }
    checksum?.add(bytes.subarray(at, at + bytesRead));
    at += bytesRead;
  }
  return bytes;
}

/** Runs what makes arrays on the host, whose memory can be short. */
function allocate<T>(source: Source, bytes: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const refused = new NativeError(
      source.op,
      {
        given: `no memory for ${bytes} bytes of ${source.path}`,
        expected: 'room for all of the file',
        fix: 'free memory first, or split the file',
      },
      'ERR_STM_OUT_OF_MEMORY',
    );
    refused.cause = error;
    throw refused;
  }
}
