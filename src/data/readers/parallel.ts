import { checkPath } from '../../files/check-path';
import type { FileSource } from '../../files/file-source';
import { lineError, lineReaders, readLineBatches, type LineOptions } from '../../files/lines';
import { FormatError, OptionError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import { optional, readOptions } from '../../tensor/read-options';
import { columnNames } from './column-names';
import { delimiterText } from './delimiter';
import { emptyFile } from './empty-file';
import { fileRecords, type FileRecords, type RecordBatch } from './file-records';
import { tableRows } from './table-rows';
import { counted } from '../../tensor/counted';

/** How texts that belong together are read. */
export interface ParallelOptions<Name extends string = string> extends LineOptions {
  /** Of one file: names of its first fields; more fields are left out. Default `['source', 'target']`. */
  columns?: readonly Name[] | undefined;
  /** Of one file: what divides its fields. Default a tab; quotes are characters like others. */
  delimiter?: string | undefined;
}

/**
 * Texts that belong together line by line: a text and its translation, words and their tags. They come from files of
 * as many lines, or from one file with a tab between the texts; what gzip packed is unpacked.
 *
 *     await readParallel({ source: 'train.en', target: 'train.fr' }); // { source, target }[]
 *     await readParallel({ words: 'seq.in', tags: 'seq.out', label: 'label' }); // { words, tags, label }[]
 *     await readParallel('eng-fra.tsv'); // { source, target }[]
 *
 * Empty lines of several files stay, because they belong together too; those of one file are skipped.
 *
 * @param files    one file, or a name for each of several
 * @param options  how they are read
 * @throws {FormatError} if one file ends before another, a line lacks a text, or the text is not in the encoding; if
 *   the files are empty
 * @throws {FileError} if a file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readParallel<Name extends string = 'source' | 'target'>(
  files: string | Readonly<Record<Name, string>>,
  options: ParallelOptions<Name> = {},
): Promise<Record<Name, string>[]> {
  return textsOf<Name>('readParallel', files, options).all();
}

/**
 * Texts that belong together, one line after another, in constant memory. Takes what `readParallel` takes; each walk
 * reads the files anew.
 *
 * @param files    one file, or a name for each of several
 * @param options  how they are read
 * @throws what `readParallel` throws; mistakes of options at the call, those of the files during the walk
 */
export function streamParallel<Name extends string = 'source' | 'target'>(
  files: string | Readonly<Record<Name, string>>,
  options: ParallelOptions<Name> = {},
): FileRecords<Record<Name, string>> {
  return textsOf<Name>('streamParallel', files, options);
}

interface ParallelSettings {
  encoding: string | undefined;
  maxLineBytes: number;
  columns: readonly string[] | undefined;
  delimiter: string | undefined;
}

type Texts = Record<string, string>;

function textsOf<Name extends string>(
  op: string,
  files: string | Readonly<Record<string, string>>,
  given: ParallelOptions,
): FileRecords<Record<Name, string>>;
function textsOf(op: string, files: unknown, given: ParallelOptions): FileRecords<Texts> {
  const { columns, delimiter, ...lines } = readOptions<ParallelOptions, ParallelSettings>(op, given, {
    ...lineReaders,
    columns: optional(columnNames),
    delimiter: optional(delimiterText),
  });
  if (!isPlainObject(files)) {
    checkPath(op, files, `${op}(path) or ${op}({ source: path, target: path })`);
    const rows = { ...lines, delimiter: delimiter ?? '\t', quote: false, skipLines: 0 } as const;
    return fileRecords(files, () => fromOne({ op, path: files }, columns ?? ['source', 'target'], rows));
  }
  const named = namedFiles(op, files);
  for (const [name, value] of Object.entries({ columns, delimiter }))
    if (value !== undefined)
      throw new OptionError(op, {
        given: `${name}: ${describe(value)} with several files`,
        expected: `${name} with one file alone`,
        fix: 'leave it out: the texts have the names of their files',
      });
  return fileRecords(named[0]?.path ?? '', () => fromSeveral(named, lines));
}

/** A file and what its lines are called. */
interface NamedFile extends FileSource {
  readonly name: string;
}

function namedFiles(op: string, files: Readonly<Record<string, unknown>>): NamedFile[] {
  const names = Object.keys(files);
  if (names.length === 0)
    throw new OptionError(op, {
      given: 'no file',
      expected: 'the name of a file for each text',
      fix: `call ${op}({ source: path, target: path })`,
    });
  return columnNames(op, 'files', names).map((name) => {
    const path = files[name];
    checkPath(op, path, `${op}({ source: path, target: path })`);
    return { op, path, name };
  });
}

async function* fromOne(
  source: FileSource,
  columns: readonly string[],
  options: Parameters<typeof tableRows>[1],
): AsyncGenerator<RecordBatch<Texts>> {
  const sign = options.delimiter === '\t' ? 'a tab' : describe(options.delimiter);
  let some = false;
  for await (const { records: rows, lineOf } of tableRows(source, options)) {
    some ||= rows.length > 0;
    const records = rows.map((row, index) => {
      if (row.length < columns.length)
        throw lineError(source, lineOf(index), {
          given: counted(row.length, 'text'),
          expected: `${columns.length}, with ${sign} between`,
          fix: 'mend the line, or pass the delimiter it has',
        });
      const texts: Texts = {};
      columns.forEach((name, place) => (texts[name] = row[place] ?? ''));
      return texts;
    });
    if (records.length > 0) yield { records, lineOf };
  }
  if (!some) throw emptyFile(source, 'texts that belong together');
}

async function* fromSeveral(files: readonly NamedFile[], options: LineOptions): AsyncGenerator<RecordBatch<Texts>> {
  const walks = files.map((file) => new LineWalk(file, options));
  try {
    for (let line = 1; ;) {
      const left = await Promise.all(walks.map((walk) => walk.fill()));
      const count = Math.min(...left);
      if (count === 0) {
        checkEnds(files, left, line);
        return;
      }
      const taken = walks.map((walk) => ({ name: walk.file.name, lines: walk.take(count) }));
      const records = Array.from({ length: count }, (_, index) => {
        const texts: Texts = {};
        for (const { name, lines } of taken) texts[name] = lines[index] ?? '';
        return texts;
      });
      const first = line;
      yield { records, lineOf: (index) => first + index };
      line += count;
    }
  } finally {
    await Promise.all(walks.map((walk) => walk.close()));
  }
}

/** The lines of one of several files, as many at a time as all of them have at hand. */
class LineWalk {
  readonly #batches: AsyncGenerator<{ readonly lines: readonly string[] }>;
  #lines: readonly string[] = [];

  constructor(
    readonly file: NamedFile,
    options: LineOptions,
  ) {
    this.#batches = readLineBatches(file, options);
  }

  /** How many lines are at hand, 0 at the end of the file. */
  async fill(): Promise<number> {
    while (this.#lines.length === 0) {
      const next = await this.#batches.next();
      if (next.done === true) return 0;
      this.#lines = next.value.lines;
    }
    return this.#lines.length;
  }

  take(count: number): readonly string[] {
    const taken = this.#lines.slice(0, count);
    this.#lines = this.#lines.slice(count);
    return taken;
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}

/** Refuses files of which one ends before another, and empty ones. */
function checkEnds(files: readonly NamedFile[], left: readonly number[], line: number): void {
  const ended = files[left.indexOf(0)];
  const goesOn = files[left.findIndex((count) => count > 0)];
  if (ended === undefined) return;
  if (goesOn === undefined) {
    if (line === 1) throw emptyFile(ended, 'texts that belong together');
    return;
  }
  throw new FormatError(ended.op, {
    given: `${ended.path} with ${line - 1} lines, and ${goesOn.path} with more`,
    expected: 'files of as many lines, which belong together one by one',
    fix: 'look for lines that are missing or divided, also empty ones at the end',
  });
}
