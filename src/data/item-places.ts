/** Where the items of a batch come from, for messages: a dataset has them at these indices, a stream gave them so. */
export interface ItemPlaces {
  /** What the indices are of. */
  readonly source: 'dataset' | 'stream';
  /** In the order of the batch, 0 for the first item of the source. */
  readonly indices: readonly number[];
}

/** What a message calls an item of a batch. */
export type ItemName = (row: number) => string;

/** Names of the items of a batch that was made of any items. */
export const itemOfBatch: ItemName = (row) => `item ${row}`;

/** Names of the items of a batch, by where they come from. */
export const itemNames =
  ({ source, indices }: ItemPlaces): ItemName =>
  (row) =>
    `item ${indices[row] ?? '?'} of the ${source} (item ${row} of its batch)`;

/** So many items are named one by one. */
const SHOWN = 64;

/** The items of a batch: 'items 4 to 7 of the dataset'; in the order of the batch where that is another one. */
export function itemsInWords({ source, indices }: { source: string; indices: readonly number[] }): string {
  const [first = 0] = indices;
  const of = `of the ${source}`;
  if (indices.length === 1) return `item ${first} ${of}`;
  if (indices.every((index, row) => index === first + row))
    return `items ${first} to ${first + indices.length - 1} ${of}`;
  const more = indices.length > SHOWN ? ` and ${indices.length - SHOWN} more` : '';
  return `items ${indices.slice(0, SHOWN).join(', ')}${more} ${of}`;
}
