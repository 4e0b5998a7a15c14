import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { logSoftmax } from '../tensor/ops/normalization';
import { max } from '../tensor/ops/reduce';
import { concat } from '../tensor/ops/shape';
import { describe, finiteNumber, nonNegativeInteger, nonNegativeNumber, positiveInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import { refuseInStep } from '../tensor/replay-notes';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { advance, Prefix, type Bonus, type PrefixRules } from './ctc-prefixes';
import { ctcExtents, notCTCScores } from './ctc-scores';
import { checkNBest, functionReader } from './search-options';

/** log of the probability that a label comes behind others. */
export type CTCLanguageModel = (prefix: readonly number[], token: number) => number;

/** Options of `ctcBeamSearch`. */
export interface CTCBeamSearchOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number;
  /** How many prefixes go on after each step. Default 50. */
  beamSize?: number;
  /** How many hypotheses of each row to return, at most `beamSize`. Default 1. */
  nBest?: number;
  /**
   * Only so many labels may come next at each step, the most probable ones; blanks and repetitions always may. Less
   * work where there are many classes. Default: all.
   */
  topTokens?: number | undefined;
  /** What is known of labels beforehand, asked once for each prefix and label that comes up. Default: nothing. */
  languageModel?: CTCLanguageModel | undefined;
  /** Weight of the language model in the score, at least 0. Default 1. */
  alpha?: number | undefined;
  /** Added to the score for each label. Default 0. */
  beta?: number;
}

/** Labels that a search has found. */
export interface CTCHypothesis {
  /** The labels, without blanks and repetitions. */
  tokens: number[];
  /** What hypotheses are compared by: `logProbability`, with what language model and length add. */
  score: number;
  /** log of the probability of the labels, over their alignments. */
  logProbability: number;
}

const readers: Readers<CTCBeamSearchOptions> = {
  blank: withDefault(nonNegativeInteger, 0),
  beamSize: withDefault(positiveInteger, 50),
  nBest: withDefault(positiveInteger, 1),
  topTokens: optional(positiveInteger),
  languageModel: optional(functionReader),
  alpha: optional(nonNegativeNumber),
  beta: withDefault(finiteNumber, 0),
};

const EXPECTED = 'numbers, finite or -Infinity, and a finite one at least';
/** How far above 0 the log of a probability may be. */
const ROUNDING = 1e-6;
/** Extensions of prefixes after which others have their turn on the event loop: a few milliseconds. */
const PIECE = 20_000;

/**
 * The most probable labels of each row, by prefix beam search (Hannun et al., 2014): probabilities of alignments that
 * come to the same labels are added up.
 *
 *   score(Y) = log Σ_alignments P(alignment) + α Σ_i log P_lm(y_i | y_1 … y_(i-1)) + β |Y|
 *
 * Exact where the beam leaves out nothing. Log-probabilities are read once, and searched on the host; the event loop
 * has its turn now and then.
 *
 * @param scores  [N, T, C], before softmax, or log-probabilities; of a PaddedSequence the real steps count
 * @returns for each row its hypotheses, best first: `nBest`, or fewer if no more are possible; of a row of length 0 one
 * without labels
 * @throws {ShapeError} if the scores are not [N, T, C]; {OptionError} if the blank is no class, an option is unknown or
 * out of range, the real scores of a step have a NaN, an Infinity or are all -Infinity, or the language model gives no
 * number of 0 or less
 * @see ctcGreedyDecode for the most probable alignment, which is quicker
 */
export async function ctcBeamSearch(scores: Sequence, options: CTCBeamSearchOptions = {}): Promise<CTCHypothesis[][]> {
  const op = 'ctcBeamSearch';
  const settings = readOptions(op, options, readers);
  checkTogether(op, settings);
  refuseInStep(`${op}()`);
  const { classes, lengths } = ctcExtents(op, scores, settings.blank);
  const normalised = scope(() =>
    noGrad(() => (scores instanceof PaddedSequence ? scores.map(looked) : looked(scores))),
  );
  const data = Float64Array.from(await normalised.data().finally(() => normalised.dispose()));
  const width = classes + 1;
  const search = new PrefixSearch(op, settings, classes);
  const found: CTCHypothesis[][] = [];
  let first = 0;
  for (const [row, length] of lengths.entries()) {
    found.push(await search.row(data.subarray(first, first + length * width), row));
    first += length * width;
  }
  return found;
}

/** [N, T, C + 1]: log-probabilities, and the highest of the scores, which is not finite where there are none. */
const looked = (scores: Tensor): Tensor => concat([logSoftmax(scores, -1), max(scores, -1, { keepDim: true })], -1);

type Settings = CTCBeamSearchOptions & { blank: number; beamSize: number; nBest: number; beta: number };

class PrefixSearch {
  readonly #op: string;
  readonly #settings: Settings;
  readonly #classes: number;
  readonly #labels: readonly number[];
  readonly #rules: PrefixRules;
  #work = 0;

  constructor(op: string, settings: Settings, classes: number) {
    this.#op = op;
    this.#settings = settings;
    this.#classes = classes;
    this.#labels = Array.from({ length: classes }, (_, label) => label).filter((label) => label !== settings.blank);
    const { blank, beamSize, beta } = settings;
    this.#rules = { blank, beamSize, bonus: bonusOf(op, settings), mostBonus: beta };
  }

  /** @param data  [T, C + 1], as `looked` makes it */
  async row(data: Float64Array, row: number): Promise<CTCHypothesis[]> {
    const { nBest } = this.#settings;
    const root = new Prefix();
    root.blank = 0;
    let prefixes: readonly Prefix[] = [root];
    const width = this.#classes + 1;
    for (let step = 0; step * width < data.length; step++) {
      const highest = data[step * width + this.#classes] ?? 0;
      if (!Number.isFinite(highest)) throw notCTCScores(this.#op, { row, step, highest }, EXPECTED);
      const next = data.subarray(step * width, (step + 1) * width - 1);
      prefixes = advance(prefixes, next, this.#likely(next), this.#rules);
      this.#work += prefixes.length * this.#classes;
      if (this.#work < PIECE) continue;
      this.#work = 0;
      await new Promise(setImmediate);
    }
    return prefixes.slice(0, nBest).map((prefix) => {
      const { logProbability, bonus } = prefix;
      return { tokens: [...prefix.tokens], score: logProbability + bonus, logProbability };
    });
  }

  /** The labels that may come next, the most probable first. */
  #likely(next: Float64Array): readonly number[] {
    const sorted = this.#labels.toSorted((a, b) => (next[b] ?? 0) - (next[a] ?? 0));
    return sorted.slice(0, this.#settings.topTokens);
  }
}

/** What is added to the score for a label. */
function bonusOf(op: string, { languageModel, alpha = 1, beta }: Settings): Bonus | undefined {
  if (languageModel === undefined || alpha === 0) return beta === 0 ? undefined : () => beta;
  return (prefix, token) => {
    const told: unknown = languageModel(prefix, token);
    if (typeof told === 'number' && told <= ROUNDING) return alpha * Math.min(told, 0) + beta;
    throw new OptionError(op, {
      given: `${describe(told)} from languageModel for token ${token} behind ${describe([...prefix])}`,
      expected: 'log of a probability: 0 or less, -Infinity for what must not come',
      fix: 'return Math.log(probability); what has to be waited for is computed before the search',
    });
  };
}

function checkTogether(op: string, { nBest, beamSize, alpha, languageModel }: Settings): void {
  checkNBest(op, nBest, beamSize);
  if (alpha !== undefined && languageModel === undefined)
    throw new OptionError(op, {
      given: `alpha: ${alpha} without languageModel`,
      expected: 'a language model that it weighs',
      fix: 'pass languageModel: (prefix, token) => …, or leave alpha out',
    });
}
