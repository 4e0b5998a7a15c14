import { pairOf, type Merges } from './bpe-merges';
import { Heap } from './heap';

/** A word, how often it occurs, and its tokens so far. */
interface Word {
  readonly count: number;
  ids: number[];
}

interface Candidate {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** Which pairs there are: how often, and in which words. */
class Pairs {
  readonly #counts = new Map<number, number>();
  readonly #words = new Map<number, Set<number>>();

  count(left: number, right: number): number {
    return this.#counts.get(pairOf(left, right)) ?? 0;
  }

  words(left: number, right: number): Iterable<number> {
    return this.#words.get(pairOf(left, right)) ?? [];
  }

  change(left: number, right: number, word: number, by: number): void {
    const pair = pairOf(left, right);
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + by);
    if (by < 0) return; // the word may have the pair elsewhere; it is looked at again when the pair is merged
    const words = this.#words.get(pair);
    if (words === undefined) this.#words.set(pair, new Set([word]));
    else words.add(word);
  }

  forget(left: number, right: number): void {
    this.#counts.delete(pairOf(left, right));
    this.#words.delete(pairOf(left, right));
  }
}

/**
 * Learns merges: again and again the most frequent pair of neighbouring tokens becomes one token; of equally frequent
 * ones that whose tokens are older. What changes by a merge is counted anew in the words that have the pair, alone.
 *
 * @param merges        to which they are added
 * @param counts        how often each word occurs
 * @param size          number of tokens at most
 * @param minFrequency  how often a pair has to occur
 * @returns the merges as `left right`
 * @see Sennrich, Haddow and Birch, Neural Machine Translation of Rare Words with Subword Units, 2016
 * @internal
 */
export function learnMerges(
  merges: Merges,
  counts: ReadonlyMap<string, number>,
  size: number,
  minFrequency: number,
): string[] {
  const words = Array.from(counts, ([text, count]): Word => ({ count, ids: [...Buffer.from(text, 'utf8')] }));
  const pairs = new Pairs();
  const touched = new Map<number, readonly [number, number]>();
  words.forEach(({ ids, count }, word) => {
    for (let i = 1; i < ids.length; i++) {
      const [left = 0, right = 0] = [ids[i - 1], ids[i]];
      pairs.change(left, right, word, count);
      touched.set(pairOf(left, right), [left, right]);
    }
  });
  const queue = new Heap<Candidate>(isBefore);
  const offer = ([left, right]: readonly [number, number]): void => {
    const count = pairs.count(left, right);
    if (count >= minFrequency) queue.push({ left, right, count });
  };
  touched.forEach(offer);
  const learned: string[] = [];
  while (merges.tokens.length < size) {
    const best = queue.pop();
    if (best === undefined) break;
    const { left, right, count } = best;
    if (pairs.count(left, right) !== count) {
      offer([left, right]); // it has changed since it was put in
      continue;
    }
    const made = merges.add(left, right);
    if (made === undefined) continue;
    learned.push(`${merges.tokens[left]} ${merges.tokens[right]}`);
    touched.clear();
    for (const word of pairs.words(left, right)) mergeIn(words[word], word, { left, right, made }, pairs, touched);
    pairs.forget(left, right);
    touched.forEach(offer);
  }
  return learned;
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left === b.left ? a.right < b.right : a.left < b.left;
}

/** Merges a pair in a word, and counts the pairs that come and go with it. */
function mergeIn(
  word: Word | undefined,
  index: number,
  { left, right, made }: { left: number; right: number; made: number },
  pairs: Pairs,
  touched: Map<number, readonly [number, number]>,
): void {
  if (word === undefined) return;
  const { ids, count } = word;
  const merged: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    if (id !== left || ids[i + 1] !== right) {
      merged.push(id);
      continue;
    }
    const [before, after] = [merged.at(-1), ids[i + 2]];
    if (before !== undefined) {
      pairs.change(before, left, index, -count);
      pairs.change(before, made, index, count);
      touched.set(pairOf(before, made), [before, made]);
    }
    if (after !== undefined) {
      pairs.change(right, after, index, -count);
      pairs.change(made, after, index, count);
      touched.set(pairOf(made, after), [made, after]);
    }
    merged.push(made);
    i++;
  }
  word.ids = merged;
}
