import type { Hypothesis } from '../decoding/hypothesis';
import type { PairText } from './pair-text';
import { writeTargets, type TrainedPairs, type WritingSettings } from './seq2seq-writing';

/** A target that was written. */
export interface WrittenText {
  /** What it says. */
  readonly text: string;
  /**
   * Natural logarithm of its probability, divided by ((5 + n) / 6)^α: n tokens, the end being one, and α
   * `lengthPenalty`, whatever the size of the beam. At most 0; the higher, the surer.
   */
  readonly score: number;
}

/** How a target came about: how much each token of it took of each token of the source. */
export interface AttentionWeights {
  /** The tokens of the source, as they stand in the text: a piece of `bpe` that begins a word has a blank before it. */
  readonly source: readonly string[];
  /** The tokens of the target, likewise. */
  readonly target: readonly string[];
  /** A row for each token of the target, a number for each token of the source; each row adds up to 1. */
  readonly weights: readonly (readonly number[])[];
}

/** What a Seq2Seq makes of a source. */
export interface Seq2SeqPrediction extends WrittenText {
  /** The tokens of the target. */
  readonly tokens: readonly string[];
  /** The best targets, this one first, where `nBest` asks for more than one. */
  readonly candidates?: readonly WrittenText[];
  /** What of the source each token of the target comes from, where that was asked for. */
  readonly attention?: AttentionWeights;
}

/** How to write. */
export interface PredictionSettings extends WritingSettings {
  /** Whether to tell the attention. */
  readonly attention: boolean;
}

/** The targets of some sources; of a source without a token, nothing. */
export async function writeTexts(
  trained: TrainedPairs,
  sources: readonly string[],
  settings: PredictionSettings,
): Promise<Seq2SeqPrediction[]> {
  const { text } = trained;
  const divided = sources.map((source) => text.sourceTokens(source));
  const asked = divided.flatMap((tokens, place) => (tokens.length === 0 ? [] : [{ tokens, place }]));
  const written = await writeTargets(
    trained,
    asked.map(({ tokens }) => text.encodeSource(tokens)),
    settings,
  );
  const predictions = sources.map((): Seq2SeqPrediction => ({ text: '', score: 0, tokens: [] }));
  asked.forEach(({ tokens, place }, at) => {
    predictions[place] = predictionOf(trained, tokens, written[at] ?? [], settings);
  });
  return predictions;
}

function predictionOf(
  { text }: TrainedPairs,
  source: readonly string[],
  hypotheses: readonly Hypothesis[],
  { nBest, attention, maxLength }: PredictionSettings,
): Seq2SeqPrediction {
  const told = hypotheses.map((one) => {
    const weights = one.attention?.slice(0, maxLength).map((row) => row.slice(0, source.length));
    const tokens = one.tokens.slice(0, maxLength).map((token, place) => {
      const word = token === text.unknown ? copied(text, source, weights?.[place] ?? []) : undefined;
      return word ?? text.at(token);
    });
    return { tokens, text: text.join(tokens), score: one.score, weights };
  });
  const [best] = told;
  if (best === undefined) return { text: '', score: Number.NEGATIVE_INFINITY, tokens: [] };
  const { tokens, weights } = best;
  return {
    text: best.text,
    score: best.score,
    tokens,
    ...(nBest > 1 && { candidates: told.map((one) => ({ text: one.text, score: one.score })) }),
    ...(attention &&
      weights !== undefined && {
        attention: { source: text.sourcePieces(source), target: text.targetPieces(tokens), weights },
      }),
  };
}

/** The word of the source that was looked at most; among those that are unknown, if there are such. */
function copied(text: PairText, source: readonly string[], weights: readonly number[]): string | undefined {
  const { sourceVocabulary } = text.parts;
  const all = source.map((word, place) => ({ word, weight: weights[place] ?? 0 }));
  const unknown = all.filter(({ word }) => !sourceVocabulary.has(word));
  const among = unknown.length > 0 ? unknown : all;
  return among.reduce<(typeof all)[number] | undefined>(
    (best, one) => (best === undefined || one.weight > best.weight ? one : best),
    undefined,
  )?.word;
}
