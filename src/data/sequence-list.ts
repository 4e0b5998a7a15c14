import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { SequenceItem } from '../tensor/pad';

/**
 * Sequences within one item, such as the letters of each word of a sentence. A batch holds those of all its items, one
 * behind the other, as one PaddedSequence [W, C, …], W sequences in all: what a model computes of each of them,
 * [W, D], goes back to its place in the sentences by `unflattenSteps`.
 *
 *     const item = { words: Int32Array.of(5, 9), characters: new SequenceList([[3, 1, 4], [1, 5]]), tags: [2, 0] };
 *     …
 *     const ofWords = unflattenSteps(batch.words, encoder.forward(batch.characters));      // [W, D] → [N, T, D]
 */
export class SequenceList {
  readonly #sequences: readonly SequenceItem[];

  /** @throws {OptionError} if `sequences` is no array */
  constructor(sequences: readonly SequenceItem[]) {
    if (!Array.isArray(sequences))
      throw new OptionError('SequenceList', {
        given: describe(sequences),
        expected: 'an array of sequences',
        fix: 'pass such as [[3, 1, 4], [1, 5]]',
      });
    this.#sequences = sequences;
  }

  /** Each [C, …]; there may be none, and some may be empty. */
  get sequences(): readonly SequenceItem[] {
    return this.#sequences;
  }
}
