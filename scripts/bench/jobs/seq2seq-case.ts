import { drawWord, randomFrom } from './drawn';

/** What is trained: sizes of a Seq2Seq, as `Seq2SeqNetwork` names them. */
export interface PairSizes {
  readonly rows: number;
  readonly tokens: number;
  readonly embeddingDim: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly dropout: number;
  readonly attention: 'additive' | 'multiplicative';
}

/** A batch of pairs: the tokens of each source and of each target, without its end. */
export interface DrawnPairs {
  readonly sources: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
}

/** The end of a target, which begins the one that is read. */
export const END = 0;

/** Words of a sentence, at least and at most. */
const SHORTEST = 10;
const LONGEST = 30;

/**
 * Batches of sentences of 10 to 30 words, each length as likely; words as in a text, few of them often: the r-th with a
 * probability that falls as 1 / r. One seed gives the same ones.
 */
export function drawPairs({ rows, tokens }: PairSizes, count: number, seed: number): DrawnPairs[] {
  const random = randomFrom(seed);
  const sentence = (): number[] =>
    Array.from({ length: SHORTEST + Math.floor(random() * (LONGEST - SHORTEST + 1)) }, () => drawWord(tokens, random));
  const batch = (): number[][] => Array.from({ length: rows }, sentence);
  return Array.from({ length: count }, () => ({ sources: batch(), targets: batch() }));
}
