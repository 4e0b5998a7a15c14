import type { EvaluationRecord } from '../report';
import { lengthBins } from './length-bins';
import type { PairText } from './pair-text';
import { distanceTo, type Seq2SeqEvaluation, type SourceTargets } from './seq2seq-evaluation';
import type { Seq2SeqPrediction } from './seq2seq-prediction';

/** How many examples a report shows. */
const SHOWN = 20;

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
    lengths: lengthBins(asked.map(({ source }) => text.sourceTokens(source).length)),
  };
}
