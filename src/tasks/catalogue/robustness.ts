import { readSynonyms } from '../../text/augment-words';
import { DEFAULT_STRENGTHS, type RobustnessOptions } from '../robustness-options';
import { TextClassifier } from '../text-classifier';
import type { TextExample } from '../text-examples';
import { describes, type OptionDescriptor } from './descriptor';
import type { EvaluatingEntry } from './task-entry';
import { taskOf } from './task-of';

const { characterRates, wordRates, epsilons } = DEFAULT_STRENGTHS;

const options: readonly OptionDescriptor[] = [
  describes('robustness', 'flag', 'false', 'measure on changed texts, too, and show it in the report'),
  describes('characterRates', 'numbers', characterRates.join(), 'parts of the characters swapped, dropped, inserted'),
  describes('synonyms', 'file', 'none', 'words that mean the same: movie, film, picture in a line'),
  describes('wordRates', 'numbers', wordRates.join(), 'parts of the words that become synonyms'),
  describes('epsilons', 'numbers', epsilons.join(), 'lengths by which vectors are moved to where the loss grows'),
  describes('changeSeed', 'count', '1', 'seed of the changes'),
];

/** What they come to. */
interface Asked extends Pick<RobustnessOptions, 'characterRates' | 'wordRates' | 'epsilons'> {
  readonly robustness?: boolean;
  readonly synonyms?: string;
  readonly changeSeed?: number;
}

/** How a classifier of texts is measured on changed texts, see `TextClassifier.robustness`; any option asks for it. */
export const robustness: EvaluatingEntry<TextExample> = {
  options,
  async evaluate(task, examples, asked) {
    const classifier = taskOf('robustness', task, TextClassifier);
    const evaluation = await classifier.evaluate(examples);
    const { robustness: isWanted, synonyms, changeSeed, ...strengths } = asked as Asked;
    if (isWanted === false) return evaluation;
    const rows = await classifier.robustness(examples, {
      ...strengths,
      ...(changeSeed === undefined ? {} : { seed: changeSeed }),
      ...(synonyms === undefined ? {} : { synonyms: await readSynonyms(synonyms) }),
    });
    return { ...evaluation, robustness: rows };
  },
};
