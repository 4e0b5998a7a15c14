import { readOptions } from '../tensor/read-options';
import type { Hypothesis } from './hypothesis';
import { search } from './search';
import { beamReaders, checkSearch, settingsOf, type BeamSearchOptions } from './search-options';
import type { DecodeStep } from './step';

/**
 * Searches for the sequences with the highest score, `beamSize` hypotheses of each sentence side by side:
 *
 *   score(Y) = log P(Y) / ((5 + n) / 6)^α + β Σ_i log min(Σ_t attention[t, i], 1)
 *
 * n is the number of its steps, the end being one, α `lengthPenalty` and β `coveragePenalty` (Wu et al., 2016). Of each
 * step the 2K most probable candidates are looked at: ends among the first K are set aside with their score, and the
 * first K others go on. A sentence is done when none that goes on can come to a score above those of the `nBest` that
 * are set aside. What has not ended after `maxLength` steps is cut, and compared by its score as the others are.
 *
 *     const options = { startToken, endToken, beamSize: 5, maxLength: 60, lengthPenalty: 0.6 };
 *     const [[best]] = await beamSearch(step, { start: state, ...options });
 *
 * `beamSize: 1` without length and coverage penalty is `greedySearch`: with one, a hypothesis that goes on past its end
 * may have the higher score. A beam may be larger than the vocabulary: it fills as sequences become longer. The event
 * loop is free meanwhile; nothing keeps a history, and tensors made on the way are disposed of, those of `start` not.
 * Sentences that are done are left out of later steps, and do not change the others.
 *
 * @param step  says which tokens come next, for any number of sequences
 * @returns for each sentence its hypotheses, best first: `nBest`, or fewer if no more have been found
 * @throws {OptionError} if an option is unknown or out of range, or scores are NaN, Infinity or all -Infinity;
 * {ShapeError} if the step gives no [B, V]
 */
export async function beamSearch<State>(
  step: DecodeStep<State>,
  options: BeamSearchOptions<State>,
): Promise<Hypothesis[][]> {
  const settings = settingsOf<State>(readOptions('beamSearch', options, beamReaders));
  checkSearch('beamSearch', settings);
  return search('beamSearch', step, settings);
}
