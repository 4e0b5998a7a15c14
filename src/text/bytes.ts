import { readOptions } from '../tensor/read-options';
import { checkTokens } from './check-list';
import { checkText } from './text-form';
import type { TextConfig, Tokenizer } from './tokenizer';

/**
 * Bytes of a text in UTF-8: 256 tokens for all languages, none of which is unknown. The token of a byte is the
 * character with its number, U+0000 to U+00FF.
 *
 * @throws {OptionError} if it is given an option: there is none
 */
export class ByteTokenizer implements Tokenizer {
  /** The 256 bytes. */
  readonly tokens: readonly string[] = Object.freeze(Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)));

  constructor(options: Readonly<Record<string, never>> = {}) {
    readOptions<object>('ByteTokenizer', options, {});
  }

  /** The bytes of a text. @throws {OptionError} if it is no string */
  tokenize(text: string): string[] {
    checkText('ByteTokenizer.tokenize', text);
    return Buffer.from(text, 'utf8').toString('latin1').split('');
  }

  /** The bytes, `tokens`, as they are. @throws {OptionError} if they are no strings */
  bytes(tokens: readonly string[]): Uint8Array {
    checkTokens('ByteTokenizer.bytes', tokens);
    return Buffer.from(tokens.join(''), 'latin1');
  }

  /**
   * The text that the bytes, `tokens`, write; U+FFFD for bytes that are no UTF-8.
   *
   * @throws {OptionError} if they are no strings
   */
  join(tokens: readonly string[]): string {
    checkTokens('ByteTokenizer.join', tokens);
    return Buffer.from(tokens.join(''), 'latin1').toString('utf8');
  }

  /** The class, which has no options. */
  config(): TextConfig {
    return { class: 'ByteTokenizer', options: {} };
  }
}
