import { isAscii, isUtf8 } from 'node:buffer';
import { FormatError } from '../tensor/errors';
import type { FileSource } from './file-source';

/** An encoding as far as lines need it. */
export interface Coding {
  readonly name: string;
  /** Bytes of the byte order mark that the file begins with. */
  readonly mark: number;
  /** Bytes of the shortest character. */
  readonly width: 1 | 2;
  /** The place behind the last end of a line; 0 if there is none. */
  lastEnd(bytes: Buffer): number;
  /** The place behind the first end of a line from `start` on; 0 if there is none. */
  nextEnd(bytes: Buffer, start: number): number;
  /** How many ends of lines there are. */
  count(bytes: Buffer): number;
  /** The text; undefined if the bytes are none. */
  decode(bytes: Buffer): string | undefined;
}

const marks: readonly (readonly [encoding: string, bytes: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * How a file is to be decoded.
 *
 * @param encoding  as `TextDecoder` calls it, or `latin1`; undefined for what the mark says, or UTF-8
 * @param begin     the first bytes of the file
 * @throws {FormatError} if the file begins with the mark of another encoding
 */
export function codingOf({ op, path }: FileSource, encoding: string | undefined, begin: Buffer): Coding {
  const marked = marks.find(([, bytes]) => bytes.every((byte, i) => begin[i] === byte));
  const name = encoding ?? marked?.[0] ?? 'utf-8';
  if (marked !== undefined && marked[0] !== name && (name === 'utf-8' || name.startsWith('utf-16'))) {
    throw new FormatError(op, {
      given: `${path}, which begins with the mark of ${marked[0]}`,
      expected: `text in ${name}, as encoding says`,
      fix: `leave encoding out, or pass encoding: '${marked[0]}'`,
    });
  }
  const mark = marked?.[0] === name ? marked[1].length : 0;
  return name.startsWith('utf-16') ? wideCoding(name, mark) : byteCoding(name, mark);
}

/** No encoding but UTF-16 has the byte of LF in another character. */
function byteCoding(name: string, mark: number): Coding {
  return {
    name,
    mark,
    width: 1,
    lastEnd: (bytes) => bytes.lastIndexOf(10) + 1,
    nextEnd: (bytes, start) => bytes.indexOf(10, start) + 1,
    count(bytes) {
      let count = 0;
      for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) count++;
      return count;
    },
    decode: name === 'utf-8' ? decodeUtf8 : decoderOf(name),
  };
}

function wideCoding(name: string, mark: number): Coding {
  const end = Buffer.from(name === 'utf-16le' ? [10, 0] : [0, 10]);
  const nextEnd = (bytes: Buffer, start: number): number => {
    let at = bytes.indexOf(end, start);
    while (at % 2 === 1) at = bytes.indexOf(end, at + 1);
    return at < 0 ? 0 : at + 2;
  };
  return {
    name,
    mark,
    width: 2,
    lastEnd(bytes) {
      let at = bytes.lastIndexOf(end);
      while (at > 0 && at % 2 === 1) at = bytes.lastIndexOf(end, at - 1);
      return at < 0 || at % 2 === 1 ? 0 : at + 2;
    },
    nextEnd,
    count(bytes) {
      let count = 0;
      for (let at = nextEnd(bytes, 0); at > 0; at = nextEnd(bytes, at)) count++;
      return count;
    },
    decode: decoderOf(name),
  };
}

/** NUL is none: it tells of UTF-16, or of no text at all. */
function decodeUtf8(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** What windows-1252 has at 80 to 9F. Several versions of Node.js decode it as ISO 8859-1 by a fault of theirs. */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

function decoderOf(name: string): Coding['decode'] {
  if (name === 'latin1') return (bytes) => bytes.toString('latin1');
  if (name === 'windows-1252')
    return (bytes) => bytes.toString('latin1').replace(/[\x80-\x9f]/g, (c) => windows1252[c.charCodeAt(0) - 128] ?? c);
  const decoder = new TextDecoder(name, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  };
}
