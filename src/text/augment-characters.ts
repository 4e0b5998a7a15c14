import { nonNegativeInteger, probability } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { SeededRandom } from '../tensor/seeded-random';
import { checkText } from './text-form';
import { tokenText } from './vocabulary';

/** Options of `augmentCharacters`. What is left out does not happen. */
export interface AugmentCharactersOptions {
  /** The same seed changes the same text in the same way. */
  seed: number;
  /** Probability of each character to change places with the next one, in [0, 1). */
  swap?: number;
  /** Probability of each character to be deleted, in [0, 1). */
  delete?: number;
  /** Probability of a character of `alphabet` after each character, in [0, 1). */
  insert?: number;
  /** Probability of each character to become one of `alphabet`, in [0, 1). */
  replace?: number;
  /** The characters that are put in. Default a to z. */
  alphabet?: string;
}

const part = withDefault(probability, 0);

/**
 * Another version of a text for training, with mistakes as typists make them. Blanks stay where they are, so that words
 * stay words; an emoji of several code points may be divided.
 *
 * @param text  it stays as it is
 * @throws {OptionError} if a probability is not in [0, 1), or `text` is no string
 * @see Belinkov and Bisk, Synthetic and Natural Noise Both Break Neural Machine Translation, 2018
 */
export function augmentCharacters(text: string, options: AugmentCharactersOptions): string {
  const settings = readOptions<AugmentCharactersOptions>('augmentCharacters', options, {
    seed: nonNegativeInteger,
    swap: part,
    delete: part,
    insert: part,
    replace: part,
    alphabet: withDefault(tokenText, 'abcdefghijklmnopqrstuvwxyz'),
  });
  checkText('augmentCharacters', text);
  const random = new SeededRandom(settings.seed);
  const alphabet = Array.from(settings.alphabet);
  const one = (): string => alphabet[random.below(alphabet.length)] ?? '';
  const happens = (chance: number): boolean => chance > 0 && random.uniform() < chance;
  const isBlank = (character: string): boolean => /^\s$/u.test(character);
  const characters = Array.from(text);
  for (let i = 0; i + 1 < characters.length; i++) {
    const [a = '', b = ''] = [characters[i], characters[i + 1]];
    if (isBlank(a) || isBlank(b) || !happens(settings.swap)) continue;
    [characters[i], characters[i + 1]] = [b, a];
    i++; // a character moves once
  }
  let result = '';
  for (const character of characters) {
    if (isBlank(character)) {
      result += character;
      continue;
    }
    if (!happens(settings.delete)) result += happens(settings.replace) ? one() : character;
    if (happens(settings.insert)) result += one();
  }
  return result;
}
