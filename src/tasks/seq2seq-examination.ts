import type { AttentionRecord, EvaluationRecord } from '../report';
import { lengthBins } from './length-bins';
import type { PairText } from './pair-text';
import { distanceTo, type Seq2SeqEvaluation, type SourceTargets } from './seq2seq-evaluation';
import type { Seq2SeqPrediction } from './seq2seq-prediction';

/** How many examples a report shows, and of how many what they looked at, of so many tokens at most. */
const [SHOWN, DRAWN, TOKENS] = [20, 6, 30] as const;

/** What a report shows of sources, and of what was written for each. */
export function examineWritten(
  evaluation: Seq2SeqEvaluation,
  text: PairText,
  written: readonly Seq2SeqPrediction[],
  asked: readonly SourceTargets[],
): Omit<EvaluationRecord, 'part'> {
  const judged = asked.flatMap(({ source, targets }, place) => {
    const { text: predicted = '', tokens = [] } = written[place] ?? {};
    const { edits, target } = distanceTo(text, tokens, targets);
    return edits === 0 ? [] : [{ edits, text: source, label: target, predicted }];
  });
  const worst = judged
    .sort((a, b) => b.edits - a.edits)
    .slice(0, SHOWN)
    .map(({ text: source, label, predicted }) => ({ text: source, label, predicted }));
  return {
    figures: { ...evaluation },
    examples: { worst },
    attention: attentionOf(written),
    lengths: lengthBins(asked.map(({ source }) => text.sourceTokens(source).length)),
  };
}

/** Of the longest that a picture has room for, different ones, what they looked at. */
function attentionOf(written: readonly Seq2SeqPrediction[]): AttentionRecord[] {
  const drawn = written.flatMap(({ attention }) => {
    if (attention === undefined || attention.target.length === 0) return [];
    const { source, target, weights } = attention;
    if (Math.max(source.length, target.length) > TOKENS) return [];
    return [{ source, target, weights: weights.map((row) => row.map((weight) => Number(weight.toFixed(4)))) }];
  });
  return drawn.toSorted((a, b) => b.target.length - a.target.length).slice(0, DRAWN);
}
