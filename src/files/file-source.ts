import { checkPath } from './check-path';

/** Bytes that come piece by piece, such as `process.stdin`. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** Which call reads which file: what every message begins with. */
export interface FileSource {
  /** The call, as in `readTable`. */
  readonly op: string;
  /** The file, or what a stream is called in messages. */
  readonly path: string;
  /** What to read in place of a file. */
  readonly stream?: ByteStream;
}

/**
 * What a user gave to be read: the path of a file, or a stream of its bytes such as `process.stdin`.
 *
 * @param call  how the function is called, for the message: `readTable(path)`
 * @throws {OptionError} if it is neither
 */
export function fileSource(op: string, given: string | ByteStream, call: string): FileSource {
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given)
    return { op, path: nameOf(given), stream: given };
  checkPath(op, given, call);
  return { op, path: given };
}

const nameOf = (stream: ByteStream): string => ('fd' in stream && stream.fd === 0 ? 'standard input' : 'the stream');
