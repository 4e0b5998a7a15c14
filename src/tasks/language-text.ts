import type { Tokenizer } from '../text/tokenizer';
import type { Vocabulary } from '../text/vocabulary';
import { WordTokenizer } from '../text/words';
import type { LanguageModelSettings } from './language-model-options';
import { tokenizerOf, vocabularyOf } from './learned-tokens';
import { LINE_END, TokenWriter } from './token-writer';

/** Stands before, between and behind texts; no tokenizer makes it, since there are blanks in it. */
const END = '<end of text>';

/** How texts become numbers, as it stands in the file of a model. */
export interface LanguageTextParts {
  readonly tokenizer: Tokenizer;
  readonly vocabulary: Vocabulary;
  /** The index that is read where there is no prompt. */
  readonly begin: number;
}

/**
 * Texts as runs of tokens. Where several texts are learned from, there is a token before, between and behind them;
 * where it is one, it begins with its first character, and others are joined to it by the end of a line.
 */
export class LanguageText {
  readonly parts: LanguageTextParts;
  /** The index of the end of a text; undefined where one text is learned from. */
  readonly end: number | undefined;
  /** The index of what is not in the vocabulary; undefined where everything is. */
  readonly unknown: number | undefined;

  constructor(parts: LanguageTextParts) {
    this.parts = parts;
    const { vocabulary } = parts;
    this.end = vocabulary.has(END) ? vocabulary.indexOf(END) : undefined;
    this.unknown = vocabulary.unknown === undefined ? undefined : vocabulary.indexOf(vocabulary.unknown);
  }

  /**
   * Learns the tokens of texts.
   *
   * @param whole  whether it is one text, not several of which each has an end
   */
  static fit(texts: readonly string[], whole: boolean, settings: LanguageModelSettings): LanguageText {
    const tokenizer = tokenizerOf(texts, settings);
    const divided = texts.map((text) => divide(text, tokenizer));
    const vocabulary = vocabularyOf(divided, tokenizer, whole ? [] : [END], settings);
    const tokens = new LanguageText({ tokenizer, vocabulary, begin: 0 }).encode(texts);
    const [line = ''] = divide(LINE_END, tokenizer);
    const lineEnd = vocabulary.has(line) ? tokens.find((token) => token === vocabulary.indexOf(line)) : undefined;
    return new LanguageText({ tokenizer, vocabulary, begin: (whole ? lineEnd : tokens[0]) ?? tokens[0] ?? 0 });
  }

  /** Number of tokens in the vocabulary. */
  get size(): number {
    return this.parts.vocabulary.size;
  }

  /** One run of all texts. */
  encode(texts: readonly string[]): Int32Array {
    const { tokenizer, vocabulary } = this.parts;
    if (this.end === undefined) return vocabulary.encode(divide(texts.join(LINE_END), tokenizer));
    const runs = texts.map((text) => vocabulary.encode(divide(text, tokenizer)));
    const all = new Int32Array(1 + runs.reduce((sum, run) => sum + run.length + 1, 0)).fill(this.end);
    let at = 1;
    for (const run of runs) {
      all.set(run, at);
      at += run.length + 1;
    }
    return all;
  }

  /** Characters that the tokens of `encode`, all but the first, stand for; the end of a text counts as one. */
  characters(texts: readonly string[], tokens: Int32Array): number {
    const count = texts.reduce((sum, text) => sum + charactersOf(text), 0);
    if (this.end !== undefined) return count + texts.length;
    const [first] = tokens;
    return count + texts.length - 1 - (first === undefined ? 0 : charactersOf(this.show(first)));
  }

  /** What is read before the first token is drawn: one token at least. */
  prompt(text: string): Int32Array {
    const { tokenizer, vocabulary, begin } = this.parts;
    const tokens = vocabulary.encode(divide(text, tokenizer));
    return tokens.length > 0 && this.end === undefined ? tokens : Int32Array.from([begin, ...tokens]);
  }

  /** Of a text the tokens that are not in the vocabulary, each once: all of them are read as the same one. */
  strangers(text: string): readonly string[] {
    const { tokenizer, vocabulary } = this.parts;
    return [...new Set(divide(text, tokenizer))].filter((token) => !vocabulary.has(token));
  }

  /** What writes the tokens that come after a prompt. */
  writer(prompt: string): TokenWriter {
    const { tokenizer } = this.parts;
    const writer = new TokenWriter(tokenizer);
    const last = divide(prompt, tokenizer).at(-1);
    // A word after a word is written with the blank before it, unless the prompt ends with one.
    if (last !== undefined && tokenizer.bytes === undefined && !/\s$/.test(prompt)) writer.write(last);
    return writer;
  }

  /** The token of an index, as tokenizers know it. */
  at(index: number): string {
    return this.parts.vocabulary.at(index);
  }

  /** The text of a token by itself, or the name of one that is no text. */
  show(index: number): string {
    const token = this.at(index);
    return index === this.end || index === this.unknown ? token : this.parts.tokenizer.join([token]);
  }
}

/** The tokens of a text; of words line by line, with a token between lines. */
function divide(text: string, tokenizer: Tokenizer): string[] {
  if (!(tokenizer instanceof WordTokenizer)) return tokenizer.tokenize(text);
  const lines = text.split(/\r?\n/).map((line) => tokenizer.tokenize(line));
  return lines.flatMap((words, line) => (line === 0 ? words : [LINE_END, ...words]));
}

/** Code points of a text. */
const charactersOf = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
