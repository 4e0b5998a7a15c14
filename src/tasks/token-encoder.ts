import { SequenceList } from '../data/sequence-list';
import { Vocabulary } from '../text/vocabulary';
import type { Sequence } from '../tensor/padded-sequence';

/** What stands for tokens that training did not see often enough. */
export const UNKNOWN = '<unk>';

/** How tokens become numbers. */
export interface TokenEncoderParts {
  /** Of the tokens. */
  readonly words: Vocabulary;
  /** Of their characters, where they are read, too. */
  readonly characters?: Vocabulary | undefined;
  /** Whether capital letters become small ones in tokens; in their characters they stay. */
  readonly lowercase: boolean;
}

/** How the vocabularies are learned. */
export interface TokenEncoderFitOptions {
  /** How often a token has to occur to get an index of its own. */
  readonly minFrequency: number;
  /** Whether the characters of each token are read, too. */
  readonly characters: boolean;
  /** Whether capital letters become small ones in tokens. */
  readonly lowercase: boolean;
}

/** The numbers of one text. */
export interface EncodedTokens {
  /** An index for each token. */
  readonly words: Int32Array;
  /** The indices of its characters. */
  readonly characters?: SequenceList;
}

/** A batch of them. */
export interface TokenBatch {
  /** i32 [N, T]. */
  readonly words: Sequence;
  /** i32 [W, C], the characters of all tokens of all texts, one token behind the other. */
  readonly characters?: Sequence | undefined;
}

/** Turns tokens into indices, and their characters too, if so wanted. */
export class TokenEncoder {
  readonly parts: TokenEncoderParts;

  constructor(parts: TokenEncoderParts) {
    this.parts = parts;
  }

  /** Learns the vocabularies of texts that are divided already. */
  static fit(texts: readonly (readonly string[])[], options: TokenEncoderFitOptions): TokenEncoder {
    const { minFrequency, lowercase } = options;
    const words = Vocabulary.fit(
      texts.map((tokens) => cased(tokens, lowercase)),
      { minFrequency, specials: [UNKNOWN], unknown: UNKNOWN },
    );
    const characters = options.characters
      ? Vocabulary.fit(
          texts.map((tokens) => tokens.flatMap(spelling)),
          { minFrequency, specials: [UNKNOWN], unknown: UNKNOWN },
        )
      : undefined;
    return new TokenEncoder({ words, characters, lowercase });
  }

  /** The tokens that are not in the vocabulary, each once, as they are written: all are read as the same one. */
  strangers(tokens: readonly string[]): readonly string[] {
    const { words, lowercase } = this.parts;
    return [...new Set(tokens)].filter((token) => !words.has(lowercase ? token.toLowerCase() : token));
  }

  /** The numbers of a text. */
  encode(tokens: readonly string[]): EncodedTokens {
    const { words, characters, lowercase } = this.parts;
    const indices = words.encode(cased(tokens, lowercase));
    if (characters === undefined) return { words: indices };
    const spelled = tokens.map((token) => characters.encode(spelling(token)));
    return { words: indices, characters: new SequenceList(spelled) };
  }
}

const cased = (tokens: readonly string[], lowercase: boolean): readonly string[] =>
  lowercase ? tokens.map((token) => token.toLowerCase()) : tokens;

/** Characters of a token that are read at most: all characters of a batch are padded to those of its longest token. */
const LONGEST = 50;

/** The characters of a token, without those behind the first fifty. */
const spelling = (token: string): string[] => Array.from(token.slice(0, 2 * LONGEST)).slice(0, LONGEST);
