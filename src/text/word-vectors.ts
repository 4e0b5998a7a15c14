import { checkPath } from '../files/check-path';
import type { FileSource } from '../files/file-source';
import { lineError, lineReaders, readLineBatches, type LineOptions } from '../files/lines';
import { FormatError, OptionError } from '../tensor/errors';
import { zeroElements, type HostArray } from '../tensor/host-array';
import { describe, nonNegativeInteger } from '../tensor/options';
import { choice, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { SeededRandom } from '../tensor/seeded-random';
import { Vocabulary } from './vocabulary';

/** Options of `loadWordVectors`. */
export interface WordVectorsOptions extends LineOptions {
  /** The tokens whose vectors are wanted. */
  vocabulary: Vocabulary;
  /**
   * Rows of tokens without a vector: `zeros`, or `normal`, drawn with the mean and deviation that each column has in
   * the rows that were found. Default zeros.
   */
  others?: 'zeros' | 'normal';
  /** Of the rows that are drawn. Default 0. */
  seed?: number;
}

/** What `loadWordVectors` finds. */
export interface WordVectors {
  /** f32 [V, D], a row for each token of the vocabulary: what `Embedding.fromPretrained` takes. */
  matrix: HostArray<Float32Array>;
  /** The tokens that have a vector, in the order of the vocabulary. */
  found: string[];
  /** Those that have none, special tokens among them. */
  missing: string[];
}

type Settings = Required<WordVectorsOptions> & { encoding: string | undefined; maxLineBytes: number };

/** The vectors of a file so far. */
interface Reading {
  readonly source: FileSource;
  readonly vocabulary: Vocabulary;
  readonly seen: Uint8Array;
  /** Numbers of a vector; 0 while that is not known. */
  width: number;
  rows: Float32Array;
}

/**
 * Reads vectors of words for the tokens of a vocabulary: text as GloVe, word2vec and fastText write it, a word and its
 * numbers a line, with a first line of counts or without, packed by gzip or not. The file is read a piece at a time, so
 * that it may be larger than memory. Of a word that is there twice, the first vector counts.
 *
 *     const { matrix, missing } = await loadWordVectors('glove.6B.100d.txt', { vocabulary: text.vocabulary });
 *     const embedding = Embedding.fromPretrained(matrix, { freeze: false, paddingIdx: text.paddingIdx });
 *
 * @param path  the file
 * @throws {FormatError} naming file and line, if the vector of a wanted word has more or fewer numbers than others, or
 *   something that is no finite number, or if there is no vector of any wanted word
 * @throws {FileError} if the file cannot be read; its code is the system's
 */
export async function loadWordVectors(path: string, options: WordVectorsOptions): Promise<WordVectors> {
  const read = readOptions<WordVectorsOptions, Settings>('loadWordVectors', options, {
    ...lineReaders,
    vocabulary: vocabularyOf,
    others: choice(['zeros', 'normal']),
    seed: withDefault(nonNegativeInteger, 0),
  });
  const { vocabulary, others, seed, encoding, maxLineBytes } = read;
  checkPath('loadWordVectors', path, 'loadWordVectors(path, { vocabulary })');
  const source = { op: 'loadWordVectors', path };
  const seen = new Uint8Array(vocabulary.size);
  const reading: Reading = { source, vocabulary, seen, width: 0, rows: new Float32Array(0) };
  for await (const { lines, first } of readLineBatches(source, { encoding, maxLineBytes })) {
    for (let i = 0; i < lines.length; i++) readVector(reading, lines[i] ?? '', first + i);
  }
  const { rows, width } = reading;
  const tokensWhere = (state: number): string[] => vocabulary.tokens.filter((_, index) => seen[index] === state);
  const found = tokensWhere(1);
  if (found.length === 0) throw nothingFound(source, vocabulary, width);
  if (others === 'normal') drawRest(reading, new SeededRandom(seed));
  return { matrix: { data: rows, shape: [vocabulary.size, width] }, found, missing: tokensWhere(0) };
}

function readVector(reading: Reading, line: string, number: number): void {
  if (number === 1 && isHeader(reading, line)) return;
  const space = line.indexOf(' ');
  if (space < 0 && line.trim() === '') return;
  const { vocabulary, seen, source } = reading;
  if (reading.width === 0) begin(reading, line, number);
  const word = space < 0 ? line : line.slice(0, space);
  // Few lines are of wanted words: the others are passed over as soon as the word is known.
  if (!vocabulary.has(word)) return;
  const fields = line.trimEnd().split(' ');
  if (fields.length > reading.width + 1 && !vocabulary.has(wordOf(fields, reading.width))) return; // it has blanks
  if (fields.length !== reading.width + 1) {
    throw lineError(source, number, {
      given: `${fields.length - 1} numbers of ${describe(word)}`,
      expected: `${reading.width}, as the other words have`,
      fix: 'mend the line, or take it out',
    });
  }
  const index = vocabulary.indexOf(word);
  if (seen[index] === 1) return;
  seen[index] = 1;
  for (let column = 0; column < reading.width; column++) {
    const value = Number(fields[column + 1]);
    if (!Number.isFinite(value) || fields[column + 1] === '') throw noNumber(source, number, word, fields[column + 1]);
    reading.rows[index * reading.width + column] = value;
  }
}

/** What stands before the last `width` fields. */
const wordOf = (fields: readonly string[], width: number): string => fields.slice(0, fields.length - width).join(' ');

/** Whether the first line is that of word2vec: how many words, and of how many numbers. */
function isHeader(reading: Reading, line: string): boolean {
  const [, width] = /^\d+ (\d+)\s*$/.exec(line) ?? [];
  if (width === undefined || Number(width) === 0) return false;
  prepare(reading, Number(width), 1);
  return true;
}

/** The first vector says how many numbers all have: those at its end. */
function begin(reading: Reading, line: string, number: number): void {
  const fields = line.trimEnd().split(' ');
  let width = 0;
  while (width + 1 < fields.length && isNumber(fields[fields.length - 1 - width])) width++;
  if (width > 0) return prepare(reading, width, number);
  throw lineError(reading.source, number, {
    given: describe(line.slice(0, 60)),
    expected: 'a word and its numbers, with single blanks between them',
    fix: 'pass text as GloVe and word2vec write it; of a .bin, gensim makes it: save_word2vec_format(path)',
  });
}

const isNumber = (field: string | undefined): boolean => field !== undefined && field !== '' && !Number.isNaN(+field);

function prepare(reading: Reading, width: number, line: number): void {
  const size = reading.vocabulary.size * width;
  if (size > 2 ** 31) {
    throw lineError(reading.source, line, {
      given: `vectors of ${width} numbers`,
      expected: `fewer, for ${reading.vocabulary.size} tokens`,
      fix: 'look whether this is a file of word vectors',
    });
  }
  reading.width = width;
  const rows = zeroElements('f32', size);
  if (rows instanceof Float32Array) reading.rows = rows;
}

const noNumber = (source: FileSource, line: number, word: string, field: string | undefined): FormatError =>
  lineError(source, line, {
    given: `${describe(field)} in the vector of ${describe(word)}`,
    expected: 'a finite number',
    fix: 'mend the line, or take it out',
  });

function nothingFound({ op, path }: FileSource, vocabulary: Vocabulary, width: number): FormatError {
  const some = vocabulary.tokens.slice(0, 5).join(', ');
  return new FormatError(op, {
    given: `${path}, with ${width === 0 ? 'no vector' : `no vector of the ${vocabulary.size} tokens, ${some}, …`}`,
    expected: 'one at least',
    fix: width === 0 ? 'check the path' : 'divide and lower texts as the file does, or take vectors of this language',
  });
}

/** Draws the rows that were not found. */
function drawRest({ rows, seen, width, vocabulary }: Reading, random: SeededRandom): void {
  const count = seen.reduce((sum, one) => sum + one, 0);
  for (let column = 0; column < width; column++) {
    let [sum, squares] = [0, 0];
    for (let row = 0; row < vocabulary.size; row++) {
      const value = rows[row * width + column] ?? 0; // 0 where nothing was found
      sum += value;
      squares += value * value;
    }
    const mean = sum / count;
    const deviation = Math.sqrt(Math.max(squares / count - mean * mean, 0));
    for (let row = 0; row < vocabulary.size; row++)
      if (seen[row] === 0) rows[row * width + column] = mean + deviation * random.normal();
  }
}

const vocabularyOf: OptionReader<Vocabulary> = (op, name, value) => {
  if (value instanceof Vocabulary) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a Vocabulary',
    fix: 'pass such as vocabulary: text.vocabulary',
  });
};
