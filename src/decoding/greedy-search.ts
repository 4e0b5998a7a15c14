import { readOptions } from '../tensor/read-options';
import type { Hypothesis } from './hypothesis';
import { search } from './search';
import { checkSearch, greedyReaders, settingsOf, type GreedySearchOptions } from './search-options';
import type { DecodeStep } from './step';

/**
 * Writes a sequence for each sentence: at each step the most probable token, until it is `endToken`.
 *
 *     const [best] = await greedySearch(step, { start: state, startToken, endToken, maxLength: 60 });
 *
 * The event loop is free meanwhile; nothing keeps a history, and tensors made on the way are disposed of, those of
 * `start` not. Sentences that have ended are left out of later steps, and do not change the others.
 *
 * @param step  says which tokens come next, for any number of sequences
 * @returns a hypothesis for each sentence
 * @throws {OptionError} if an option is unknown or out of range, or scores are NaN, Infinity or all -Infinity;
 * {ShapeError} if the step gives no [B, V]
 */
export async function greedySearch<State>(
  step: DecodeStep<State>,
  options: GreedySearchOptions<State>,
): Promise<Hypothesis[]> {
  const read = readOptions('greedySearch', options, greedyReaders);
  const settings = settingsOf<State>({ ...read, beamSize: 1, nBest: 1, lengthPenalty: 0, coveragePenalty: 0 });
  checkSearch('greedySearch', settings);
  const found = await search('greedySearch', step, settings);
  return found.flat();
}
