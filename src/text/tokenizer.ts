/** What a text object is rebuilt from: plain data, which JSON carries. */
export interface TextConfig {
  /** Name of its class. */
  readonly class: string;
  /** What the constructor takes. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Something whose settings are plain data, and which `new Class(options)` builds again. */
export interface Configured {
  /** Class and options, as the constructor takes them. */
  config(): TextConfig;
}

/**
 * Divides texts into tokens and puts tokens together again. A class of your own that is to be saved with a model takes
 * its options as the one argument of its constructor.
 */
export interface Tokenizer extends Configured {
  /** The tokens of a text, in order. */
  tokenize(text: string): string[];
  /** A text of tokens: what `tokenize` divides into the same ones, where there is such a text. */
  join(tokens: readonly string[]): string;
  /**
   * The bytes that tokens write in UTF-8, where a token may be a part of a character: a text that comes token by token
   * is decoded of these.
   */
  bytes?(tokens: readonly string[]): Uint8Array;
  /**
   * All tokens there can be, where that is known beforehand, in the order of their indices: a TextVectorizer then takes
   * these and learns none.
   */
  readonly tokens?: readonly string[] | undefined;
}

/** Tokens as places in an array of UTF-16 units: no string is made of them. */
export interface Spans {
  /** The text's units, changed as the tokenizer changes them. */
  readonly units: Uint16Array;
  /** Begin and end of each token, one after the other. */
  readonly bounds: Int32Array;
  /** Number of tokens. */
  readonly count: number;
}
