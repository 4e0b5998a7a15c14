import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { FormatError } from '../tensor/errors';
import { fileError } from './file-error';
import type { FileSource } from './file-source';

/** So much is read at once. */
const pieceBytes = 1 << 18;

/** How files begin that hold text which nobody here unpacks. */
const packed: readonly (readonly [kind: string, begin: string])[] = [
  ['a zip archive', '504b0304'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['Zstandard', '28b52ffd'],
];
const longestBegin = 6;

/**
 * The bytes of a file in pieces, in constant memory; what gzip packed, which its first bytes tell, is unpacked. A FIFO
 * or a stream may be read, too. The first piece has at least six bytes, or all there are.
 *
 * @throws {FormatError} if the packed data are damaged, or were packed by something else than gzip
 * @throws {FileError} if the file cannot be read; its code is the system's
 */
export async function* fileBytes(source: FileSource): AsyncGenerator<Uint8Array> {
  const stream = source.stream ?? createReadStream(source.path, { highWaterMark: pieceBytes });
  const bytes = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    const pieces = withBegin(bytes);
    const first = await pieces.next();
    if (first.done === true) return;
    refusePacked(source, first.value);
    const all = prefixed(first.value, pieces);
    if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* unpacked(all);
    else yield* all;
  } catch (error) {
    throw damaged(source, error) ?? fileError(source.op, source.path, 'read', error);
  } finally {
    await bytes.return?.(); // closes a file, and what else comes in pieces
  }
}

/** The pieces of a stream, the first of which has the bytes that tell what the file is. */
async function* withBegin(pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  let begin: Buffer = Buffer.alloc(0);
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) break;
    begin = begin.length === 0 ? next.value : Buffer.concat([begin, next.value]);
    if (begin.length < longestBegin) continue;
    yield begin;
    break;
  }
  if (begin.length < longestBegin) {
    if (begin.length > 0) yield begin;
    return;
  }
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
}

async function* prefixed(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* unpacked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  const done = pipeline(pieces, gunzip);
  done.catch(() => undefined); // told by the walk below
  for await (const piece of gunzip) yield piece as Buffer;
  await done;
}

function refusePacked({ op, path }: FileSource, begin: Buffer): void {
  const found = packed.find(([, bytes]) => begin.subarray(0, bytes.length / 2).toString('hex') === bytes);
  if (found === undefined) return;
  throw new FormatError(op, {
    given: `${path}, which is ${found[0]}`,
    expected: 'text, as it is or packed by gzip',
    fix: /\.(?:xlsx|docx|ods|odt)$/i.test(path)
      ? 'save it as CSV, or as a plain text, in the program that wrote it'
      : 'unpack it first',
  });
}

/** The error of gzip's data; undefined for another one. */
function damaged({ op, path }: FileSource, error: unknown): FormatError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!code.startsWith('Z_') || !(error instanceof Error)) return undefined;
  const refused = new FormatError(op, {
    given: `${path}, whose gzip data are damaged (${error.message})`,
    expected: 'a whole file of gzip',
    fix: 'copy it again from where it is whole',
  });
  refused.cause = error;
  return refused;
}
