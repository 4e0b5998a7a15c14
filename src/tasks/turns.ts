import { setImmediate as turn } from 'node:timers/promises';

/** Items between which others of this thread have their turn. */
const ITEMS = 500;

/** Lets others of this thread have their turn, behind some of the items that a loop goes through. */
export async function othersTurn(place: number): Promise<void> {
  if (place % ITEMS === ITEMS - 1) await turn();
}

/** What comes of each item, where there may be so many that others of this thread have their turn in between. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  map: (item: Item, place: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [place, item] of items.entries()) {
    results.push(map(item, place));
    await othersTurn(place);
  }
  return results;
}
