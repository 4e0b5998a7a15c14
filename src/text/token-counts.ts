import { alone } from '../files/alone';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { checkTextAt } from './check-list';
import { longer, TokenTable } from './token-table';
import type { Tokenizer } from './tokenizer';
import { hasSpans } from './words';

/** How often each token of some texts occurs. @internal */
export class TokenCounts {
  readonly #tokenizer: Tokenizer;
  readonly #table = new TokenTable();
  #ofTable = new Int32Array(1 << 10);
  readonly #ofStrings = new Map<string, number>();
  /** Number of texts so far. */
  texts = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Counts the tokens of one more text. @throws {OptionError} if it is no string */
  add(text: string): void {
    checkTextAt('TextVectorizer.fit', text, this.texts);
    this.texts++;
    if (!hasSpans(this.#tokenizer)) return countStrings(this.#ofStrings, this.#tokenizer.tokenize(text));
    const { units, bounds, count } = this.#tokenizer.spans(text, Number.POSITIVE_INFINITY);
    for (let i = 0; i < count; i++) {
      const number = this.#table.findOrAdd(units, bounds[2 * i] ?? 0, bounds[2 * i + 1] ?? 0);
      if (number >= this.#ofTable.length) this.#ofTable = longer(this.#ofTable, number + 1);
      this.#ofTable[number] = (this.#ofTable[number] ?? 0) + 1;
    }
  }

  /** The tokens with their numbers. */
  counts(): Map<string, number> {
    const counts = new Map(this.#ofStrings);
    this.#table.tokens().forEach((token, number) => counts.set(token, this.#ofTable[number] ?? 0));
    return counts;
  }
}

/** Counts tokens into a map. @internal */
export function countStrings(counts: Map<string, number>, tokens: Iterable<string>): void {
  for (const token of tokens) {
    if (typeof token !== 'string') throw noToken(token);
    const before = counts.get(token);
    if (before === undefined) counts.set(alone(token), 1);
    else counts.set(token, before + 1);
  }
}

const noToken = (given: unknown): OptionError =>
  new OptionError('Vocabulary.fit', {
    given: `${describe(given)} as a token`,
    expected: 'a string',
    fix: 'make texts of numbers: String(x); labels that are whole numbers need no vocabulary',
  });
