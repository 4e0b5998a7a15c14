import { constants, isUtf8 } from 'node:buffer';
import { FormatError, OptionError, type ErrorParts } from '../tensor/errors';
import { describe, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import { encodingNamed } from './encoding-name';
import { fileBytes } from './file-bytes';
import type { FileSource } from './file-source';
import { foreignKind } from './foreign-kinds';
import { codingOf, type Coding } from './text-coding';

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
      refuseForeign(from, bytes);
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
      yield* blocksOf(from, coding, { bytes: block, first }, maxLineBytes);
      first += coding.count(block);
      [tail, tailBytes] = [[], 0];
    }
    if (end < bytes.length) tail.push(bytes.subarray(end));
    tailBytes += bytes.length - end;
    if (tailBytes > maxLineBytes) throw tooLong(from, first, maxLineBytes);
  }
  if (coding !== undefined && tailBytes > 0) yield* blocksOf(from, coding, { bytes: Buffer.concat(tail), first });
}

/** Whole lines as bytes, and the number of the first. */
interface ByteBlock {
  readonly bytes: Buffer;
  readonly first: number;
}

/** The text of whole lines. Those before a line that is none are given before it is told. */
function* blocksOf(source: FileSource, coding: Coding, block: ByteBlock, most = Infinity): Generator<TextBlock> {
  const { bytes, first } = block;
  const long = longLineIn(coding, block, most);
  const short = bytes.subarray(0, long?.start);
  const whole = coding.decode(short);
  const odd = whole === undefined ? oddLineIn(coding, { bytes: short, first }) : undefined;
  const text = whole ?? coding.decode(short.subarray(0, odd?.start));
  if (text !== undefined && text !== '') yield { text, first };
  if (odd !== undefined) throw undecoded(source, coding, bytes.subarray(odd.start), odd.line);
  if (long !== undefined) throw tooLong(source, long.line, most);
}

/** What is no text is told as what it is, not by the first byte that no text has. */
function refuseForeign({ op, path }: FileSource, begin: Uint8Array): void {
  const found = foreignKind(begin);
  if (found === undefined) return;
  throw new FormatError(op, { given: `${path}, which is ${found.kind}`, expected: 'text', fix: found.fix });
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
  const known = typeof value === 'string' ? encodingNamed(value) : undefined;
  if (known !== undefined) return known;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an encoding that TextDecoder knows',
    fix: "pass 'utf-8', 'utf-16le', 'latin1' or 'windows-1252', or convert the file, as by iconv",
  });
}

/** A line of a block. */
interface LinePlace {
  /** Its number. */
  readonly line: number;
  /** Where its bytes begin. */
  readonly start: number;
}

/** The first line whose bytes are no text; the last one if that is none of those that end. */
function oddLineIn(coding: Coding, { bytes, first }: ByteBlock): LinePlace {
  let [line, start] = [first, 0];
  for (let end = coding.nextEnd(bytes, 0); end > 0; end = coding.nextEnd(bytes, start)) {
    if (coding.decode(bytes.subarray(start, end)) === undefined) break;
    [line, start] = [line + 1, end];
  }
  return { line, start };
}

function undecoded(source: FileSource, coding: Coding, rest: Buffer, line: number): FormatError {
  const { name } = coding;
  const hasNul = name === 'utf-8' && rest.subarray(0, coding.nextEnd(rest, 0) || rest.length).includes(0);
  if (name === 'utf-8' && isBinary(sampleOf(rest)))
    return lineError(source, line, {
      given: 'binary data',
      expected: `text in ${name}`,
      fix: 'give a file of text; if it is one, pass encoding with the one it has',
    });
  return lineError(source, line, {
    given: hasNul ? 'the character NUL' : `bytes that are no ${name}`,
    expected: `text in ${name}`,
    fix: hasNul
      ? "pass encoding: 'utf-16le' or 'utf-16be' if the file is written so; else it is no text"
      : `pass the encoding it has, such as encoding: '${name === 'utf-8' ? 'windows-1252' : 'utf-8'}'`,
  });
}

/** Bytes that are looked at to tell what they are. */
const SAMPLE = 4096;

/** The first of these bytes, without a character of UTF-8 that goes on behind them. */
function sampleOf(bytes: Buffer): Buffer {
  let end = SAMPLE;
  while (end > SAMPLE - 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--; // not the first byte of one
  return bytes.subarray(0, end);
}

/** Whether bytes are no UTF-8, and have controls that text has in no encoding; UTF-16 has NUL in every second byte. */
function isBinary(bytes: Buffer): boolean {
  const isControl = (byte: number): boolean => byte === 127 || (byte < 32 && !(byte >= 7 && byte <= 13) && byte !== 27);
  const nulls = [0, 1].map((side) => bytes.filter((byte, at) => byte === 0 && at % 2 === side).length);
  const isWide = nulls.includes(0) && 4 * Math.max(...nulls) >= bytes.length;
  const others = bytes.some((byte) => byte !== 0 && isControl(byte));
  return !isWide && (others || (bytes.includes(0) && !isUtf8(bytes)));
}

/** The first line of more than `most` bytes; it can only be in a block that is as long. */
function longLineIn(coding: Coding, { bytes, first }: ByteBlock, most: number): LinePlace | undefined {
  if (bytes.length <= most) return undefined;
  for (let start = 0, line = first; start < bytes.length; line++) {
    const end = coding.nextEnd(bytes, start);
    if (end - start > most) return { line, start };
    start = end;
  }
  return undefined;
}

const tooLong = (source: FileSource, line: number, most: number): FormatError =>
  lineError(source, line, {
    given: `more than ${most} bytes`,
    expected: `lines of at most ${most} bytes`,
    fix:
      'pass a larger maxLineBytes if lines are meant to be as long; else look whether the file is text whose lines ' +
      'end with LF',
  });
