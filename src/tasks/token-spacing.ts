import type { Tokenizer } from '../text/tokenizer';

/** Which words are written without a blank on a side, as it stands in the file of a model. */
export interface TokenSpacingParts {
  /** Tokens that follow the one before them without a blank, as a full stop does. */
  readonly joinedBefore: readonly string[];
  /** Tokens that the one behind them follows without a blank, as one does `(`. */
  readonly joinedBehind: readonly string[];
}

/** How often a token stands between others, and how often without a blank. */
interface Counts {
  all: number;
  joined: number;
}

/** Puts words together as the texts of training do, of which it learns where blanks are and where none. */
export class TokenSpacing {
  readonly parts: TokenSpacingParts;
  readonly #before: ReadonlySet<string>;
  readonly #behind: ReadonlySet<string>;

  constructor(parts: TokenSpacingParts) {
    this.parts = parts;
    this.#before = new Set(parts.joinedBefore);
    this.#behind = new Set(parts.joinedBehind);
  }

  /** Learns where blanks are: what is joined to its neighbour more often than not is always. */
  static fit(texts: readonly string[], tokenizer: Tokenizer): TokenSpacing {
    const [before, behind] = [new Map<string, Counts>(), new Map<string, Counts>()];
    for (const text of texts) {
      const tokens = tokenizer.tokenize(text);
      let end = 0;
      tokens.forEach((token, place) => {
        const begin = text.indexOf(token, end);
        if (begin < 0) return; // written in another form of Unicode
        const last = tokens[place - 1];
        if (last !== undefined) {
          const isJoined = begin === end;
          // What two words share is the doing of the one that is no word.
          if (!isWord(token)) count(before, token, isJoined);
          if (!isWord(last)) count(behind, last, isJoined);
        }
        end = begin + token.length;
      });
    }
    return new TokenSpacing({ joinedBefore: mostly(before), joinedBehind: mostly(behind) });
  }

  /** The text of tokens. */
  join(tokens: readonly string[], tokenizer: Tokenizer): string {
    let text = '';
    tokens.forEach((token, place) => {
      const last = tokens[place - 1];
      if (last === undefined || this.#before.has(token) || this.#behind.has(last)) text += token;
      else text += tokenizer.join([last, token]).slice(tokenizer.join([last]).length);
    });
    return text;
  }
}

const isWord = (token: string): boolean => /^[\p{L}\p{N}]/u.test(token);

function count(counts: Map<string, Counts>, token: string, isJoined: boolean): void {
  const found = counts.get(token) ?? { all: 0, joined: 0 };
  found.all += 1;
  if (isJoined) found.joined += 1;
  counts.set(token, found);
}

const mostly = (counts: ReadonlyMap<string, Counts>): string[] =>
  [...counts].flatMap(([token, { all, joined }]) => (2 * joined > all ? [token] : []));
