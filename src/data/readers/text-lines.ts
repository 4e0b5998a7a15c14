import { fileSource, type ByteStream } from '../../files/file-source';
import { lineReaders, readLineBatches, type LineOptions } from '../../files/lines';
import { flag } from '../../tensor/options';
import { readOptions, withDefault } from '../../tensor/read-options';
import { emptyFile } from './empty-file';
import { fileRecords, type FileRecords, type RecordBatch } from './file-records';

/** How lines of text are read. */
export interface TextLinesOptions extends LineOptions {
  /** Whether lines without a character are left out. Default false, so that the lines of two files belong together. */
  skipEmpty?: boolean | undefined;
}

/**
 * The lines of a text file without their ends; what gzip packed is unpacked.
 *
 *     const names = await readTextLines('names/Czech.txt');
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws {FormatError} with file and line, if the text is not in the encoding; if the file is empty
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readTextLines(path: string | ByteStream, options: TextLinesOptions = {}): Promise<string[]> {
  return linesOf('readTextLines', path, options).all();
}

/**
 * The lines of a text file, one after another, in constant memory; each walk reads the file anew.
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws what `readTextLines` throws; mistakes of options at the call, those of the file during the walk
 */
export function streamTextLines(path: string | ByteStream, options: TextLinesOptions = {}): FileRecords<string> {
  return linesOf('streamTextLines', path, options);
}

function linesOf(op: string, path: string | ByteStream, given: TextLinesOptions): FileRecords<string> {
  const source = fileSource(op, path, `${op}(path, options)`);
  const { skipEmpty, ...lines } = readOptions<TextLinesOptions, TextLinesSettings>(op, given, {
    ...lineReaders,
    skipEmpty: withDefault(flag, false),
  });
  return fileRecords(source.path, async function* () {
    let some = false;
    for await (const batch of readLineBatches(source, lines)) {
      some = true;
      yield skipEmpty ? filled(batch) : { records: batch.lines, lineOf: (index) => batch.first + index };
    }
    if (!some) throw emptyFile(source, 'lines of text');
  });
}

interface TextLinesSettings {
  encoding: string | undefined;
  maxLineBytes: number;
  skipEmpty: boolean;
}

function filled({ lines, first }: { lines: readonly string[]; first: number }): RecordBatch<string> {
  const kept = lines.flatMap((line, index) => (line === '' ? [] : [index]));
  return { records: kept.map((index) => lines[index] ?? ''), lineOf: (index) => first + (kept[index] ?? 0) };
}
