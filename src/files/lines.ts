import { constants, isAscii, isUtf8 } from 'node:buffer';
import { FormatError, OptionError, type ErrorParts } from '../tensor/errors';
import { describe, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import { fileBytes } from './file-bytes';
import type { FileSource } from './file-source';

/**
 * How characters are written as bytes: a name that `TextDecoder` knows, such as `shift_jis`, or `latin1`, which is ISO
 * 8859-1 here.
 */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' | 'windows-1252' | (string & {});

/** How the lines of a file are read. They end with LF or CR LF; a file that has CR and no LF is refused. */
export interface LineOptions {
  /** Default: what the file's byte order mark says, and `utf-8` where there is none. */
  encoding?: TextEncoding | undefined;
  /** Bytes of the longest line, so that a file without lines is refused and not held in memory. Default 16 MiB. */
  maxLineBytes?: number | undefined;
}

interface Settings {
  encoding: string | undefined;
  maxLineBytes: number;
}

/** Reads these options, for callers that have more of them: a part of what `readOptions` takes. */
export const lineReaders: Readers<Settings> = {
  encoding: optional(encodingName),
  maxLineBytes: withDefault(lineBytes, 1 << 24),
};

/** A line and its place. */
export interface Line {
  /** Without its end. */
  readonly text: string;
  /** Its number, counted from 1. */
  readonly line: number;
}

/** Lines that follow one another. */
export interface LineBatch {
  /** The lines without their ends. */
  readonly lines: readonly string[];
  /** Number of the first one, counted from 1. */
  readonly first: number;
}

/** Whole lines as one text. */
export interface TextBlock {
  /** The lines with their ends as they are in the file, but for the mark that may begin it. */
  readonly text: string;
  /** Number of the first line, counted from 1. */
  readonly first: number;
}

/**
 * The lines of a text file, one after another. They end with LF or CR LF; an end of the last line is no line more. CR
 * is a character like others within lines, unless there is no LF in the whole file.
 *
 * @param source  which call reads which file; a path alone is read by `readLines`
 * @throws {FormatError} if a line is longer than `maxLineBytes`, or holds bytes that the encoding does not allow, or
 *   NUL in UTF-8, if the file has CR and no LF, or if packed data are damaged
 * @throws {OptionError} if there is no such encoding
 * @throws {FileError} if the file cannot be read; its code is the system's
 */
export async function* readLines(source: FileSource | string, options: LineOptions = {}): AsyncGenerator<Line> {
  for await (const { lines, first } of readLineBatches(source, options)) {
    let line = first;
    for (const text of lines) yield { text, line: line++ };
  }
}

/**
 * The lines of a text file, many at a time: the fast form of `readLines`. A line of it keeps its whole batch, about 256
 * KiB of text, in memory.
 *
 * @throws as `readLines`
 */
export async function* readLineBatches(
  source: FileSource | string,
  options: LineOptions = {},
): AsyncGenerator<LineBatch> {
  for await (const block of readTextBlocks(source, options)) {
    refuseCarriageReturns(source, block);
    const { text, first } = block;
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (text.includes('\r')) {
      lines.forEach((line, index) => {
        if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
      });
    }
    yield { lines, first };
  }
}

/**
 * The text of a file in blocks of whole lines, for parsers that look for the ends of records themselves.
 *
 * @throws as `readLines`, but for CR
 */
export async function* readTextBlocks(
  source: FileSource | string,
  options: LineOptions = {},
): AsyncGenerator<TextBlock> {
  const from = typeof source === 'string' ? { op: 'readLines', path: source } : source;
  const { maxLineBytes, encoding } = readOptions<LineOptions, Settings>(from.op, options, lineReaders);
  let coding: Coding | undefined;
  let [first, tail] = [1, [] as Buffer[]];
  let tailBytes = 0;
  for await (const piece of fileBytes(from)) {
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (coding === undefined) {
      coding = codingOf(from, encoding, bytes);
      bytes = bytes.subarray(coding.mark);
    }
    if (coding.width === 2 && tailBytes % 2 === 1) {
      bytes = Buffer.concat([...tail, bytes]); // a character that two pieces share
      [tail, tailBytes] = [[], 0];
    }
    const end = coding.lastEnd(bytes);
    if (end > 0) {
      const block = tailBytes === 0 ? bytes.subarray(0, end) : Buffer.concat([...tail, bytes.subarray(0, end)]);
      checkLines(from, coding, block, first, maxLineBytes);
      yield { text: decode(from, coding, block, first), first };
      first += coding.count(block);
      [tail, tailBytes] = [[], 0];
    }
    if (end < bytes.length) tail.push(bytes.subarray(end));
    tailBytes += bytes.length - end;
    if (tailBytes > maxLineBytes) throw tooLong(from, first, maxLineBytes);
  }
  if (coding !== undefined && tailBytes > 0) yield { text: decode(from, coding, Buffer.concat(tail), first), first };
}

/**
 * Refuses a file whose lines end with CR alone, as those of old Macintosh programs do: all of it would be one line. It
 * is looked for where there is no LF in the file; elsewhere CR is taken for a part of a line.
 *
 * @param block  of the file; only the first can be one without LF that is all of it
 * @param quote  between two of which CR may stand
 * @throws {FormatError} for such a file
 */
export function refuseCarriageReturns(source: FileSource | string, { text, first }: TextBlock, quote?: '"'): void {
  if (first > 1 || !text.includes('\r') || (quote === undefined && text.includes('\n'))) return;
  const unquoted = quote === undefined ? text : text.replaceAll(/"[^"]*(?:"|$)/g, '');
  if (unquoted.includes('\n') || !unquoted.includes('\r')) return;
  throw lineError(typeof source === 'string' ? { op: 'readLines', path: source } : source, 1, {
    given: text.includes('\n') ? 'CR and an LF only within quotes' : 'CR and nowhere an LF',
    expected: 'lines that end with LF or CR LF',
    fix: "convert the ends of lines to LF, as by tr '\\r' '\\n'",
  });
}

/**
 * The error of what stands in a line of a file, or at a column of it: `data.tsv, line 12`.
 *
 * @param line    counted from 1
 * @param parts   what was given there, without the place
 * @param column  counted from 1, or the name of one
 */
export function lineError(
  { op, path }: FileSource,
  line: number,
  { given, expected, fix }: ErrorParts,
  column?: number | string,
): FormatError {
  const place = column === undefined ? '' : `, column ${typeof column === 'string' ? JSON.stringify(column) : column}`;
  return new FormatError(op, { given: `${given} in ${path}, line ${line}${place}`, expected, fix });
}

function lineBytes(op: string, name: string, value: unknown): number {
  const bytes = positiveInteger(op, name, value);
  if (bytes <= constants.MAX_STRING_LENGTH) return bytes;
  throw new OptionError(op, {
    given: `${name}: ${bytes}`,
    expected: `at most ${constants.MAX_STRING_LENGTH}, what one string holds`,
    fix: 'divide the file into shorter lines',
  });
}

function encodingName(op: string, name: string, value: unknown): string {
  const known = typeof value === 'string' ? standardName(value) : undefined;
  if (known !== undefined) return known;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an encoding that TextDecoder knows',
    fix: "pass 'utf-8', 'utf-16le', 'latin1' or 'windows-1252', or convert the file, as by iconv",
  });
}

function standardName(name: string): string | undefined {
  if (/^(latin-?1|iso-8859-1)$/i.test(name)) return 'latin1';
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return undefined;
  }
}

/** An encoding as far as lines need it. */
interface Coding {
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

function codingOf({ op, path }: FileSource, encoding: string | undefined, begin: Buffer): Coding {
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

function decode(source: FileSource, coding: Coding, block: Buffer, first: number): string {
  const text = coding.decode(block);
  if (text !== undefined) return text;
  let [line, start] = [first, 0];
  for (let end = coding.nextEnd(block, 0); end > 0; end = coding.nextEnd(block, start)) {
    if (coding.decode(block.subarray(start, end)) === undefined) break;
    [line, start] = [line + 1, end];
  }
  throw undecoded(source, coding, block.subarray(start), line);
}

function undecoded(source: FileSource, coding: Coding, rest: Buffer, line: number): FormatError {
  const { name } = coding;
  const hasNul = name === 'utf-8' && rest.subarray(0, coding.nextEnd(rest, 0) || rest.length).includes(0);
  return lineError(source, line, {
    given: hasNul ? 'the character NUL' : `bytes that are no ${name}`,
    expected: `text in ${name}`,
    fix: hasNul
      ? "pass encoding: 'utf-16le' or 'utf-16be' if the file is written so; else it is no text"
      : `pass the encoding it has, such as encoding: '${name === 'utf-8' ? 'windows-1252' : 'utf-8'}'`,
  });
}

/** What is behind the last end of a line was looked at before; a line can only be too long in a long block. */
function checkLines(source: FileSource, coding: Coding, block: Buffer, first: number, most: number): void {
  if (block.length <= most) return;
  for (let start = 0, line = first; start < block.length; line++) {
    const end = coding.nextEnd(block, start);
    if (end - start > most) throw tooLong(source, line, most);
    start = end;
  }
}

const tooLong = (source: FileSource, line: number, most: number): FormatError =>
  lineError(source, line, {
    given: `more than ${most} bytes`,
    expected: `lines of at most ${most} bytes`,
    fix:
      'pass a larger maxLineBytes if lines are meant to be as long; else look whether the file is text whose lines ' +
      'end with LF',
  });
