/** A record and where it stands. */
export interface PlacedRecord<T> {
  /** What was read. */
  readonly record: T;
  /** The file, as it was named. */
  readonly file: string;
  /** The line that the record begins in, counted from 1. */
  readonly line: number;
}

/** Records that were read together. */
export interface RecordBatch<T> {
  /** In the order of the file. */
  readonly records: readonly T[];
  /** The line, counted from 1, that the record of an index begins in. */
  readonly lineOf: (index: number) => number;
}

/**
 * The records of a file, one after another: `for await (const record of streamTable(path))`. Each walk reads the file
 * anew, so one of these serves any number of epochs; a walk holds a few hundred KiB of the file, whatever its size. A
 * mistake in the file ends the walk by an error that names its place.
 *
 * A text of 13 characters and more is a piece of the 256 KiB of the file that were read with it, and keeps them in
 * memory, but for values of JSON, and for tables of which only some `columns` are read. Where a few records of a large
 * file are kept, keep copies: `structuredClone(record)`.
 */
export interface FileRecords<T> extends AsyncIterable<T> {
  /** The file, as it was named. */
  readonly file: string;
  /** The records with their places, for messages of one's own about what they hold. */
  withPlaces(): AsyncGenerator<PlacedRecord<T>, void, undefined>;
  /** All records at once. */
  all(): Promise<T[]>;
}

/**
 * Records that are made one by one. Those before a mistake are given before it is thrown, so that whoever walks over
 * them has what is right.
 *
 * @param lineOf  the line that an item begins in
 * @param make    @throws if an item is none
 */
export function* recordsOfEach<Item, T>(
  items: readonly Item[],
  lineOf: (index: number) => number,
  make: (item: Item, line: number) => T,
): Generator<RecordBatch<T>> {
  const records: T[] = [];
  try {
    items.forEach((item, index) => records.push(make(item, lineOf(index))));
  } finally {
    if (records.length > 0) yield { records, lineOf };
  }
}

/** @param read  begins to read the file */
export const fileRecords = <T>(file: string, read: () => AsyncGenerator<RecordBatch<T>>): FileRecords<T> => ({
  file,
  async *[Symbol.asyncIterator]() {
    for await (const { records } of read()) for (const record of records) yield record;
  },
  async *withPlaces() {
    for await (const { records, lineOf } of read()) {
      let index = 0;
      for (const record of records) yield { record, file, line: lineOf(index++) };
    }
  },
  async all() {
    const all: T[] = [];
    for await (const { records } of read()) for (const record of records) all.push(record);
    return all;
  },
});
