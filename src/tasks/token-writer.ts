import { StringDecoder } from 'node:string_decoder';
import type { Tokenizer } from '../text/tokenizer';

/** The token of the end of a line, where words are read. */
export const LINE_END = '\n';

/**
 * Turns tokens into text as they come: what each of them adds. A character of several tokens comes with the last one,
 * and not at all if that is not written.
 */
export class TokenWriter {
  readonly #tokenizer: Tokenizer;
  readonly #decoder = new StringDecoder('utf8');
  #before: string | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** What a token adds to the text; nothing while a character is not whole. */
  write(token: string): string {
    const tokenizer = this.#tokenizer;
    if (tokenizer.bytes !== undefined) return this.#decoder.write(Buffer.from(tokenizer.bytes([token])));
    const before = this.#before;
    this.#before = token === LINE_END ? undefined : token;
    if (before === undefined || token === LINE_END) return tokenizer.join([token]);
    return tokenizer.join([before, token]).slice(tokenizer.join([before]).length);
  }
}
