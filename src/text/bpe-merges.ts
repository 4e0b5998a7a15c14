import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { Heap } from './heap';

/** A pair of tokens as one number. @internal */
export const pairOf = (left: number, right: number): number => left * 2 ** 22 + right;

/** As many tokens as fit into half a pair. @internal */
export const mostTokens = 2 ** 22;

/**
 * The characters that bytes are written as: those that can be seen stand for themselves, the others for the characters
 * from U+0100 on, in their order: a blank is Ġ. It is the alphabet of GPT-2.
 *
 * @internal
 */
export const byteCharacters: readonly string[] = (() => {
  let hidden = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isSeen = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isSeen ? byte : hidden++);
  });
})();

/** Merges of tokens in the order in which they were learned, and what they make of a word. @internal */
export class Merges {
  /** The bytes, and what was merged of them, each once. */
  readonly tokens: string[] = [...byteCharacters];
  /** By pair: which merge it is, and the token it makes. */
  readonly #ranks = new Map<number, number>();
  readonly #made: number[] = [];
  readonly #ids = new Map(byteCharacters.map((character, byte) => [character, byte]));

  /** @param merges  as `left right` @throws {OptionError} if one is not of two tokens before it, or is there twice */
  constructor(merges: readonly unknown[] = []) {
    merges.forEach((merge, index) => {
      const [left, right, rest] = typeof merge === 'string' ? merge.split(' ') : [];
      const [a, b] = [this.#ids.get(left ?? ''), this.#ids.get(right ?? '')];
      if (a !== undefined && b !== undefined && rest === undefined && this.add(a, b) !== undefined) return;
      throw new OptionError('BPETokenizer', {
        given: `${describe(merge)} as merge ${index}`,
        expected: 'two tokens that are there before it, with a blank between them, and each pair once',
        fix: 'take the merges of a trained tokenizer as they are: tokenizer.config()',
      });
    });
  }

  /** Adds a merge. @returns the token that it makes; undefined if the pair has a merge, or there is no room */
  add(left: number, right: number): number | undefined {
    const pair = pairOf(left, right);
    if (this.#ranks.has(pair) || this.tokens.length >= mostTokens) return undefined;
    const text = `${this.tokens[left] ?? ''}${this.tokens[right] ?? ''}`;
    let id = this.#ids.get(text); // two pairs can make one token: a + bc, ab + c
    if (id === undefined) {
      id = this.tokens.push(text) - 1;
      this.#ids.set(text, id);
    }
    this.#ranks.set(pair, this.#made.push(id) - 1);
    return id;
  }

  /** The index of a token; undefined if there is none. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The tokens of a word: of all pairs, the one whose merge was learned first is merged first, from left to right. */
  apply(bytes: Uint8Array): string[] {
    const ids = Int32Array.from(bytes);
    const next = ids.map((_, place) => place + 1);
    const before = ids.map((_, place) => place - 1);
    const end = ids.length;
    const queue = new Heap<number>((a, b) => a < b);
    const offer = (place: number): void => {
      const follower = next[place] ?? end;
      const rank = follower < end ? this.#ranks.get(pairOf(ids[place] ?? 0, ids[follower] ?? 0)) : undefined;
      if (rank !== undefined) queue.push(rank * 2 ** 30 + place);
    };
    for (let place = 0; place < end; place++) offer(place);
    for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
      const place = first % 2 ** 30;
      const rank = (first - place) / 2 ** 30;
      const follower = next[place] ?? end;
      const isThere = (ids[place] ?? -1) >= 0 && follower < end;
      if (!isThere || this.#ranks.get(pairOf(ids[place] ?? 0, ids[follower] ?? 0)) !== rank) continue;
      ids[place] = this.#made[rank] ?? 0;
      ids[follower] = -1; // is part of the token before it now
      const after = next[follower] ?? end;
      next[place] = after;
      if (after < end) before[after] = place;
      if (place > 0) offer(before[place] ?? 0);
      offer(place);
    }
    return Array.from(
      ids.filter((id) => id >= 0),
      (id) => this.tokens[id] ?? '',
    );
  }
}
