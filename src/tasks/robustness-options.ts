import { OptionError } from '../tensor/errors';
import { describe, nonNegativeInteger, nonNegativeNumber, probability } from '../tensor/options';
import { optional, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { synonymMap, type Synonyms } from '../text/augment-words';

/** Options of `robustness`: which changes, and how strong. An empty list leaves one out. */
export interface RobustnessOptions {
  /** Of the random numbers by which texts are changed. Default 1. */
  seed?: number;
  /** Probabilities of each character to be swapped with the next, dropped, or followed by another one. */
  characterRates?: readonly number[];
  /** Words that mean the same, as `readSynonyms` reads them. Default: none, and no words are replaced. */
  synonyms?: Synonyms | undefined;
  /** Parts of the words of a text that become `synonyms`, which it needs. */
  wordRates?: readonly number[];
  /** Lengths by which the vectors of a text are moved to where the loss grows fastest. */
  epsilons?: readonly number[];
}

/** The options with their defaults. */
export type RobustnessSettings = Readonly<
  Required<Omit<RobustnessOptions, 'synonyms'>> & { synonyms: Synonyms | undefined }
>;

/** The strengths that are measured by default. */
export const DEFAULT_STRENGTHS = {
  characterRates: [0.02, 0.05, 0.1],
  wordRates: [0.1, 0.3],
  epsilons: [0.5, 1, 2, 5],
} as const;

const listOf =
  (one: OptionReader<number>): OptionReader<readonly number[]> =>
  (op, name, value) => {
    if (Array.isArray(value)) return value.map((each: unknown) => one(op, name, each));
    throw new OptionError(op, {
      given: `${name}: ${describe(value)}`,
      expected: 'an array of numbers',
      fix: `pass such as ${name}: [0.1, 0.3]`,
    });
  };

/** Reads the options. @throws {OptionError} if one is unknown or out of range, or there are rates and no synonyms */
export function readRobustnessOptions(op: string, options: RobustnessOptions): RobustnessSettings {
  const read = readOptions<object, RobustnessSettings>(op, options, {
    seed: withDefault(nonNegativeInteger, 1),
    characterRates: withDefault(listOf(probability), DEFAULT_STRENGTHS.characterRates),
    synonyms: optional(synonymMap),
    wordRates: withDefault(listOf(probability), DEFAULT_STRENGTHS.wordRates),
    epsilons: withDefault(listOf(nonNegativeNumber), DEFAULT_STRENGTHS.epsilons),
  });
  const { wordRates = [] } = options;
  if (wordRates.length === 0 || read.synonyms !== undefined) return read;
  throw new OptionError(op, {
    given: `wordRates: ${describe(wordRates)} without synonyms`,
    expected: 'the words to put in the place of others',
    fix: "pass synonyms: await readSynonyms('synonyms.txt'), or leave wordRates out",
  });
}
