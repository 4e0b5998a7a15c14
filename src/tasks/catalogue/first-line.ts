import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileError } from '../../files/file-error';
import { readTextBlocks } from '../../files/lines';
import { FormatError } from '../../tensor/errors';

/**
 * The first line of a stream, which still has it for whoever reads the stream: as far as its first piece goes, so that
 * nobody waits for more than there is.
 *
 * @returns without its end; empty if there is none, or it is no text as it stands
 * @throws {FileError} if the stream cannot be read
 */
export async function firstLineOf(op: string, stream: Readable, encoding: unknown): Promise<string> {
  const path = 'standard input';
  const piece = await firstPieceOf(stream).catch((error: unknown) => {
    throw fileError(op, path, 'read', error);
  });
  const source = { op, path, stream: one(piece) };
  try {
    for await (const { text } of readTextBlocks(source, typeof encoding === 'string' ? { encoding } : {}))
      return text.split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return '';
}

async function firstPieceOf(stream: Readable): Promise<Buffer> {
  if (stream.readableLength === 0 && !stream.readableEnded) {
    const done = new AbortController();
    const come = ['readable', 'end'].map((event) => once(stream, event, { signal: done.signal }));
    await Promise.race(come).finally(() => done.abort());
  }
  const piece = stream.read() as Buffer | null;
  if (piece === null) return Buffer.alloc(0);
  stream.unshift(piece);
  return piece;
}

async function* one(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}
