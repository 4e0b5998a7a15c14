import type { Tokenizer } from '../text/tokenizer';
import type { Vocabulary } from '../text/vocabulary';
import { WordTokenizer } from '../text/words';
import type { PairExample } from './pair-examples';
import { tokenizerOf, vocabularyOf, type LearnedTokens } from './learned-tokens';
import type { PairTokens, Seq2SeqSettings } from './seq2seq-options';
import { TokenSpacing, type TokenSpacingParts } from './token-spacing';

/** Begins a target that is read, and ends one that is written; no tokenizer makes it, since there are blanks in it. */
const END = '<end of text>';

/** How sources and targets become numbers, as it stands in the file of a model. */
export interface PairTextParts {
  readonly sourceTokenizer: Tokenizer;
  readonly sourceVocabulary: Vocabulary;
  readonly targetTokenizer: Tokenizer;
  readonly targetVocabulary: Vocabulary;
  /** Where blanks are in targets that are written in words. */
  readonly spacing?: TokenSpacingParts | undefined;
  /** Tokens of the longest target of training. */
  readonly longest: number;
}

/** A pair in numbers. */
export interface EncodedPair {
  /** The tokens of the source. */
  readonly source: Int32Array;
  /** What the decoder reads: the end, and the tokens of the target. */
  readonly previous: Int32Array;
  /** What it has to write: the tokens of the target, and the end. */
  readonly target: Int32Array;
}

/** Turns sources and targets into the indices of their tokens, and what was written into texts. */
export class PairText {
  readonly parts: PairTextParts;
  /** The index of the end of a target. */
  readonly end: number;
  /** The index of what is not in the vocabulary of targets; undefined if everything is. */
  readonly unknown: number | undefined;
  readonly #spacing: TokenSpacing | undefined;

  constructor(parts: PairTextParts) {
    this.parts = parts;
    const { targetVocabulary, spacing } = parts;
    this.end = targetVocabulary.indexOf(END);
    const { unknown } = targetVocabulary;
    this.unknown = unknown === undefined ? undefined : targetVocabulary.indexOf(unknown);
    this.#spacing = spacing && new TokenSpacing(spacing);
  }

  /** Learns the tokens of the pairs of training, of which no side is empty. */
  static fit(pairs: readonly PairExample[], settings: Seq2SeqSettings): PairText {
    const [sources, targets] = [pairs.map(({ source }) => source), pairs.map(({ target }) => target)];
    const { sharedEmbeddings, vocabularySize, minFrequency } = settings;
    const learned = (texts: readonly string[], asked: PairTokens): LearnedTokens => {
      const tokens = asked === 'auto' ? chosen(texts) : asked;
      return { tokens, vocabularySize, minFrequency };
    };
    const of = (texts: readonly string[], ends: readonly string[], kind: LearnedTokens) => {
      const tokenizer = tokenizerOf(texts, kind);
      const divided = texts.map((text) => tokenizer.tokenize(text));
      return { tokenizer, vocabulary: vocabularyOf(divided, tokenizer, ends, kind) };
    };
    const targetKind = learned(sharedEmbeddings ? [...sources, ...targets] : targets, settings.targetTokens);
    const target = of(sharedEmbeddings ? [...sources, ...targets] : targets, [END], targetKind);
    const source = sharedEmbeddings ? target : of(sources, [], learned(sources, settings.sourceTokens));
    const { tokenizer: targetTokenizer, vocabulary: targetVocabulary } = target;
    return new PairText({
      sourceTokenizer: source.tokenizer,
      sourceVocabulary: source.vocabulary,
      targetTokenizer,
      targetVocabulary,
      spacing: targetKind.tokens === 'words' ? TokenSpacing.fit(targets, targetTokenizer).parts : undefined,
      longest: targets.reduce((most, text) => Math.max(most, targetTokenizer.tokenize(text).length), 1),
    });
  }

  /** The tokens of a source. */
  sourceTokens(text: string): string[] {
    return this.parts.sourceTokenizer.tokenize(text);
  }

  /** The tokens of a target. */
  targetTokens(text: string): string[] {
    return this.parts.targetTokenizer.tokenize(text);
  }

  /** The indices of the tokens of a source. */
  encodeSource(tokens: readonly string[]): Int32Array {
    return this.parts.sourceVocabulary.encode(tokens);
  }

  /** The indices of a pair. */
  encode({ source, target }: PairExample): EncodedPair {
    const tokens = this.parts.targetVocabulary.encode(this.targetTokens(target));
    return {
      source: this.encodeSource(this.sourceTokens(source)),
      previous: Int32Array.from([this.end, ...tokens]),
      target: Int32Array.from([...tokens, this.end]),
    };
  }

  /** The token of targets with this index. */
  at(index: number): string {
    return this.parts.targetVocabulary.at(index);
  }

  /** Tokens of a source, each as it stands in the text. */
  sourcePieces(tokens: readonly string[]): string[] {
    return piecesOf(this.parts.sourceTokenizer, tokens);
  }

  /** Tokens of a target, each as it stands in the text. */
  targetPieces(tokens: readonly string[]): string[] {
    return piecesOf(this.parts.targetTokenizer, tokens);
  }

  /** The text of tokens of a target. */
  join(tokens: readonly string[]): string {
    const { targetTokenizer } = this.parts;
    return this.#spacing?.join(tokens, targetTokenizer) ?? targetTokenizer.join(tokens);
  }

  /** Of a source the tokens that are not in the vocabulary, each once: all of them are read as the same one. */
  strangers(text: string): readonly string[] {
    const { sourceVocabulary } = this.parts;
    return [...new Set(this.sourceTokens(text))].filter((token) => !sourceVocabulary.has(token));
  }
}

/** What tokens write one by one; one that is a part of a character stays as it is. */
const piecesOf = (tokenizer: Tokenizer, tokens: readonly string[]): string[] =>
  tokens.map((token) => {
    const piece = tokenizer.join([token]);
    return piece.includes('\uFFFD') ? token : piece;
  });

/** Words of a text at which it is no single word, in the mean. */
const SEVERAL = 1.5;

/** Characters where texts are single words as a rule, else words. */
function chosen(texts: readonly string[]): 'characters' | 'words' {
  const words = new WordTokenizer({ lowercase: false, punctuation: 'drop' });
  const count = texts.reduce((sum, text) => sum + words.tokenize(text).length, 0);
  return count < SEVERAL * texts.length ? 'characters' : 'words';
}
