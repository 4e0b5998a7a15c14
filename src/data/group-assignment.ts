import type { Dataset } from './dataset';
import { itemsByKey, single, type ItemKey, type KeyOf } from './items-by-key';
import type { PortableRandom } from './portable-random';

/** Items that stay together. */
interface Group {
  indices: readonly number[];
  /** How many items of each class. */
  counts: Float64Array;
}

/**
 * Puts whole groups into parts, so that each part has its share of the items, and of each class if there are any:
 * the largest first, those of one size in random order, each to where it brings the numbers closest to the shares
 * (least χ²), and of places that are alike in that to the one that is filled least. Parts of like shares are then not
 * empty as long as there are as many groups.
 *
 * @param shares  of the parts, which add up to 1
 * @returns the indices of each part, in order
 * @throws {OptionError} if a class is in one group alone
 */
export function assignGroups<Item>(
  op: string,
  dataset: Dataset<Item>,
  keys: { groupBy: KeyOf<Item>; stratifyBy: KeyOf<Item> | undefined },
  { shares, random }: { shares: readonly number[]; random: PortableRandom },
): number[][] {
  const { groups, totals } = groupsOf(op, dataset, keys);
  random.shuffle(groups);
  groups.sort((a, b) => b.indices.length - a.indices.length);
  const parts = shares.map((share) => ({
    indices: [] as number[],
    target: totals.map((total) => total * share),
    counts: new Float64Array(totals.length),
  }));
  for (const { indices, counts } of groups) {
    // What χ² = Σ (count - target)² / target grows by.
    const growth = parts.map((part) =>
      part.target.reduce((sum, target, c) => {
        const [more, before] = [counts[c] ?? 0, part.counts[c] ?? 0];
        return sum + (more * (more + 2 * (before - target))) / target;
      }, 0),
    );
    const least = Math.min(...growth);
    const alike = growth.map((value) => value - least <= 1e-9 * Math.max(1, Math.abs(least))); // but for rounding
    const filled = parts.map((part, p) => (alike[p] === true ? part.indices.length / (shares[p] ?? 1) : Infinity));
    const chosen = parts[filled.indexOf(Math.min(...filled))];
    if (chosen === undefined) continue;
    for (const index of indices) chosen.indices.push(index);
    chosen.counts.forEach((count, c, all) => (all[c] = count + (counts[c] ?? 0)));
  }
  return parts.map(({ indices }) => indices.sort((a, b) => a - b));
}

function groupsOf<Item>(
  op: string,
  dataset: Dataset<Item>,
  { groupBy, stratifyBy }: { groupBy: KeyOf<Item>; stratifyBy: KeyOf<Item> | undefined },
): { groups: Group[]; totals: number[] } {
  const byKey = itemsByKey(op, dataset, 'groupBy', groupBy);
  const classes: [ItemKey, readonly number[]][] =
    stratifyBy === undefined
      ? [['', Array.from({ length: dataset.length }, (_, index) => index)]]
      : [...itemsByKey(op, dataset, 'stratifyBy', stratifyBy)];
  const classOf = new Int32Array(dataset.length);
  classes.forEach(([, indices], c) => indices.forEach((index) => (classOf[index] = c)));
  const groups = [...byKey.values()].map((indices) => {
    const counts = new Float64Array(classes.length);
    for (const index of indices) {
      const c = classOf[index] ?? 0;
      counts[c] = (counts[c] ?? 0) + 1;
    }
    return { indices, counts };
  });
  if (stratifyBy !== undefined)
    classes.forEach(([key], c) => {
      if (groups.filter(({ counts }) => (counts[c] ?? 0) > 0).length === 1) throw single(op, key, 'one group');
    });
  return { groups, totals: classes.map(([, indices]) => indices.length) };
}
