import { BPETokenizer } from '../text/bpe';
import { ByteTokenizer } from '../text/bytes';
import { CharacterTokenizer } from '../text/characters';
import type { Tokenizer } from '../text/tokenizer';
import { Vocabulary } from '../text/vocabulary';
import { WordTokenizer } from '../text/words';
import type { LanguageTokens } from './language-model-options';

/** Which tokens are learned of the texts of training. */
export interface LearnedTokens {
  /** What they are. */
  readonly tokens: LanguageTokens | 'blanks';
  /** Number of tokens at most. */
  readonly vocabularySize?: number | undefined;
  /** How often a word or character has to occur. */
  readonly minFrequency?: number | undefined;
}

/** Stands for words and characters that are not in the vocabulary. */
const UNKNOWN = '<unk>';

/** Of so many words those that occur once are not learned. */
const MANY_WORDS = 10_000;

/** What divides texts into tokens of a kind; pieces of words are learned of these texts. */
export function tokenizerOf(texts: readonly string[], { tokens, vocabularySize }: LearnedTokens): Tokenizer {
  if (tokens === 'words') return new WordTokenizer({ lowercase: false });
  if (tokens === 'blanks') return new WordTokenizer({ lowercase: false, punctuation: 'keep' });
  if (tokens === 'bytes') return new ByteTokenizer();
  if (tokens === 'characters') return new CharacterTokenizer({ unit: 'codePoint' });
  return BPETokenizer.train(texts, vocabularySize === undefined ? {} : { vocabularySize });
}

/**
 * The tokens that get an index.
 *
 * @param texts  divided by `tokenizer`
 * @param ends   tokens that no text has
 */
export function vocabularyOf(
  texts: readonly (readonly string[])[],
  tokenizer: Tokenizer,
  ends: readonly string[],
  { tokens, vocabularySize, minFrequency }: LearnedTokens,
): Vocabulary {
  if (tokenizer.tokens !== undefined) return new Vocabulary({ tokens: [...tokenizer.tokens, ...ends] });
  const many = tokens === 'words' && texts.reduce((sum, one) => sum + one.length, 0) >= MANY_WORDS;
  return Vocabulary.fit(texts, {
    minFrequency: minFrequency ?? (many ? 2 : 1),
    maxTokens: vocabularySize,
    specials: [UNKNOWN, ...ends],
    unknown: UNKNOWN,
  });
}
