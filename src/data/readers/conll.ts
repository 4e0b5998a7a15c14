import { fileSource, type FileSource, type ByteStream } from '../../files/file-source';
import { lineError, lineReaders, readLineBatches, type LineOptions } from '../../files/lines';
import { OptionError } from '../../tensor/errors';
import { describe, flag } from '../../tensor/options';
import { choice, optional, readOptions, withDefault } from '../../tensor/read-options';
import { columnNames } from './column-names';
import { emptyFile } from './empty-file';
import { names } from './excerpt';
import { fileRecords, type FileRecords, type RecordBatch } from './file-records';
import { conllUColumns, TokenIds, type TokenChoice } from './token-ids';
import { counted } from '../../tensor/counted';

/** How sentences in columns are read. */
export interface ConllOptions<Column extends string = string> extends LineOptions {
  /**
   * Names of all columns in their order. Default: those of CoNLL-U (`id`, `form`, `lemma`, `upos`, `xpos`, `feats`,
   * `head`, `deprel`, `deps`, `misc`) for `.conllu`, else `'0'`, `'1'`, ….
   */
  columns?: readonly Column[] | undefined;
  /** `'\t'`, or `' '` for any number of blanks and tabs. Default: a tab if the first token has one, else `' '`. */
  delimiter?: '\t' | ' ' | undefined;
  /**
   * What lines before the first token of a sentence begin with that say something about it, and are left out. Default
   * `'#'` for `.conllu`, else false: `#` is a token, too.
   */
  comment?: string | false | undefined;
  /**
   * What to read of a word that is several, such as *du*, with an `id` of 3-4 before *de* and *le*: the words
   * (`'words'`), it alone in their place (`'ranges'`), or all three (`'both'`). Default `'words'`.
   */
  multiword?: 'words' | 'ranges' | 'both' | undefined;
  /** Whether words are read that nobody wrote, with an `id` such as 8.1. Default false. */
  emptyNodes?: boolean | undefined;
}

/**
 * The sentences of a file in the form of the CoNLL tasks: a token a line, its columns divided by tabs or blanks, and an
 * empty line, or one of blanks and tabs alone, after each sentence; what gzip packed is unpacked. Other blanks of
 * Unicode are characters like others.
 *
 *     const sentences = await readConll('train.tsv', { columns: ['words', 'tags'] });
 *     sentences[0]; // { words: ['The', 'dog'], tags: ['DET', 'NOUN'] }
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @returns a record a sentence, with as many texts in each column as the sentence has tokens
 * @throws {FormatError} with file and line, if a token has more or fewer columns than others, an `id` is none, or the
 *   text is not in the encoding; if the file has no sentence
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readConll<Column extends string = string>(
  path: string | ByteStream,
  options: ConllOptions<Column> = {},
): Promise<Record<Column, string[]>[]> {
  return sentencesOf<Column>('readConll', path, options).all();
}

/**
 * The sentences of a file in columns, one after another, in constant memory. Takes what `readConll` takes; each walk
 * reads the file anew.
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws what `readConll` throws; mistakes of options at the call, those of the file during the walk
 */
export function streamConll<Column extends string = string>(
  path: string | ByteStream,
  options: ConllOptions<Column> = {},
): FileRecords<Record<Column, string[]>> {
  return sentencesOf<Column>('streamConll', path, options);
}

interface ConllSettings extends TokenChoice {
  encoding: string | undefined;
  maxLineBytes: number;
  columns: readonly string[] | undefined;
  delimiter: '\t' | ' ' | undefined;
  comment: string | false | undefined;
}

type Sentence = Record<string, string[]>;

function sentencesOf<Column extends string>(
  op: string,
  path: string | ByteStream,
  given: ConllOptions,
): FileRecords<Record<Column, string[]>>;
function sentencesOf(op: string, path: string | ByteStream, given: ConllOptions): FileRecords<Sentence> {
  const source = fileSource(op, path, `${op}(path, options)`);
  const read = readOptions<ConllOptions, ConllSettings>(op, given, {
    ...lineReaders,
    columns: optional(columnNames),
    delimiter: optional(choice(['\t', ' '])),
    comment: optional(commentSign),
    multiword: choice(['words', 'ranges', 'both']),
    emptyNodes: withDefault(flag, false),
  });
  const isConllU = /\.conllu(\.gz)?$/i.test(source.path);
  const columns = read.columns ?? (isConllU ? conllUColumns : undefined);
  checkIdOptions(op, given, columns);
  const comment = read.comment ?? (isConllU ? '#' : false);
  return fileRecords(source.path, () => recordsOf(source, { ...read, columns, comment }));
}

function commentSign(op: string, name: string, value: unknown): string | false {
  if (value === false || (typeof value === 'string' && value !== '')) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'what comments begin with, or false',
    fix: `pass ${name}: '#', or leave it out`,
  });
}

/** Options about ids would be without effect where there are none. */
function checkIdOptions(op: string, given: ConllOptions, columns: readonly string[] | undefined): void {
  if (columns?.includes('id') === true) return;
  const name = (['multiword', 'emptyNodes'] as const).find((option) => given[option] !== undefined);
  if (name === undefined) return;
  throw new OptionError(op, {
    given: `${name}: ${describe(given[name])} without a column 'id'`,
    expected: "a column 'id', which tells what a token is",
    fix: `name it in columns, or leave ${name} out`,
  });
}

async function* recordsOf(source: FileSource, options: ConllSettings): AsyncGenerator<RecordBatch<Sentence>> {
  const { comment, encoding, maxLineBytes } = options;
  const isComment = (text: string): boolean => typeof comment === 'string' && text.startsWith(comment);
  const sentence = new SentenceBuilder(source, options);
  let some = false;
  for await (const { lines, first } of readLineBatches(source, { encoding, maxLineBytes })) {
    const done = new Sentences();
    try {
      for (const [index, text] of lines.entries()) {
        if (isBlank(text)) done.add(sentence.finish());
        else if (!sentence.isEmpty || !isComment(text)) sentence.add(text, first + index);
      }
    } finally {
      some ||= done.records.length > 0;
      if (done.records.length > 0) yield done; // also those before a mistake
    }
  }
  const last = new Sentences();
  last.add(sentence.finish());
  if (last.records.length > 0) yield last;
  else if (!some) throw emptyFile(source, 'sentences');
}

/** Other blanks of Unicode, such as U+3000 and U+00A0, are tokens or belong to them. */
const isBlank = (text: string): boolean => /^[ \t]*$/.test(text);

/** Sentences that are whole, and where they began. */
class Sentences implements RecordBatch<Sentence> {
  readonly records: Sentence[] = [];
  readonly #lines: number[] = [];
  readonly lineOf = (index: number): number => this.#lines[index] ?? 0;

  add(sentence: { record: Sentence; line: number } | undefined): void {
    if (sentence === undefined) return;
    this.records.push(sentence.record);
    this.#lines.push(sentence.line);
  }
}

/** Makes a sentence of lines. */
class SentenceBuilder {
  #delimiter: '\t' | ' ' | undefined;
  #columns: readonly string[] | undefined;
  #ids: TokenIds | undefined;
  #tokens: string[][] = [];
  #line = 0;

  constructor(
    readonly source: FileSource,
    readonly options: ConllSettings,
  ) {
    this.#delimiter = options.delimiter;
    this.#columns = options.columns;
  }

  /** Whether no line of it was added. */
  get isEmpty(): boolean {
    return this.#line === 0;
  }

  /** Adds the token of a line. */
  add(text: string, line: number): void {
    this.#delimiter ??= text.includes('\t') ? '\t' : ' ';
    const fields = this.#delimiter === '\t' ? text.split('\t') : (text.match(/[^ \t]+/g) ?? []);
    if (this.#columns === undefined) this.#columns = fields.map((_, index) => String(index));
    if (fields.length !== this.#columns.length) throw this.#ragged(text, fields.length, line);
    if (this.isEmpty) this.#line = line;
    const id = this.#columns.indexOf('id');
    if (id >= 0) {
      this.#ids ??= new TokenIds(this.source, this.options);
      if (!this.#ids.isWanted(fields[id] ?? '', line)) return;
    }
    this.#tokens.push(fields);
  }

  /** The sentence, if there is one, and where it begins; what is added next begins another. */
  finish(): { record: Sentence; line: number } | undefined {
    const [tokens, line] = [this.#tokens, this.#line];
    [this.#tokens, this.#line, this.#ids] = [[], 0, undefined];
    if (tokens.length === 0) return undefined;
    const record: Sentence = {};
    this.#columns?.forEach((name, at) => (record[name] = tokens.map((fields) => fields[at] ?? '')));
    return { record, line };
  }

  #ragged(text: string, count: number, line: number): Error {
    const { comment } = this.options;
    const columns = this.#columns ?? [];
    const tabs = this.#delimiter === '\t' ? 'a tab' : 'blanks';
    return lineError(this.source, line, {
      given: counted(count, 'column'),
      expected: `${columns.length}: ${names(columns)}`,
      fix:
        text.startsWith('#') && comment === false
          ? "pass comment: '#' if the line is a comment"
          : `mend the line, or name all columns; here ${tabs} divide${this.#delimiter === '\t' ? 's' : ''} them`,
    });
  }
}
