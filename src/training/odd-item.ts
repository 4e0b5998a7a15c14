import { itemNames, type ItemPlaces } from '../data/item-places';
import { countsRows } from '../tensor/batch-rows';
import { StmnetError } from '../tensor/errors';
import { isPlainObject } from '../tensor/options';
import { realTensors } from './real-tensors';

/**
 * The item of a batch that has the value of which an error says that it is out of range: a label, or an index.
 *
 * @param batch  made of items, by `collate` or a DataLoader; it is read before this returns
 * @returns undefined if the error is another one, or that is not known
 */
export async function oddItem(
  error: unknown,
  batch: unknown,
  places: ItemPlaces | undefined,
): Promise<string | undefined> {
  const found =
    error instanceof StmnetError ? /: got (target|an index) with the value (-?\d+),/.exec(error.message) : null;
  if (found === null || places === undefined || !isPlainObject(batch)) return undefined;
  const rows = places.indices.length;
  const isTarget = found[1] === 'target';
  const fields = Object.entries(batch).filter(([name]) => (name === 'target') === isTarget);
  const reads = realTensors(
    fields.map(([, field]) => field),
    countsRows,
  )
    .filter((x) => x.size > 0 && x.shape[0] === rows)
    .map((x) => x.data());
  for (const read of reads) {
    const values = await read;
    const place = values.indexOf(Number(found[2]) as never);
    if (place >= 0) return itemNames(places)(Math.floor((place * rows) / values.length));
  }
  return undefined;
}
