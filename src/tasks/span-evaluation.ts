import type { EvaluationRecord } from '../report';
import { lengthBins } from './length-bins';
import type { FoundSpan } from './span-examples';
import type { SpanPrediction } from './span-prediction';

/** What a SpanAnswerer's `evaluate` gives. */
export interface SpanEvaluation {
  /** Mean of the negative logarithm of how probable the first answers are, in nats. */
  readonly loss: number;
  /** Part of the questions whose answer is one of the right ones, 0..1, but for capitals, punctuation and articles. */
  readonly exactMatch: number;
  /** Mean over the questions of how far the answer has the words of the nearest right one: F1 of them, 0..1. */
  readonly f1: number;
  /** Questions. */
  readonly count: number;
}

/** A text as the figures of SQuAD compare it: small letters, without punctuation of ASCII, articles, more blanks. */
export const normalized = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[!-/:-@[-`{-~]/g, '')
    .replaceAll(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .trim()
    .replaceAll(/\s+/g, ' ');

/** F1 of the words that an answer has in common with a right one, each as often as it is in both. */
export function wordF1(said: string, right: string): number {
  const [mine, theirs] = [said, right].map((text) => normalized(text).split(' ').filter(Boolean));
  if (mine === undefined || theirs === undefined || mine.length === 0 || theirs.length === 0)
    return Number(mine?.length === theirs?.length);
  const left = new Map<string, number>();
  for (const word of theirs) left.set(word, (left.get(word) ?? 0) + 1);
  const shared = mine.filter((word) => {
    const count = left.get(word) ?? 0;
    left.set(word, count - 1);
    return count > 0;
  }).length;
  return (2 * shared) / (mine.length + theirs.length);
}

/** How near an answer comes to the nearest of some right ones. */
export const nearness = (said: string, answers: readonly string[]): { exact: boolean; f1: number } => ({
  exact: answers.some((answer) => normalized(answer) === normalized(said)),
  f1: Math.max(...answers.map((answer) => wordF1(said, answer))),
});

/** Compares answers with the right ones, as the script of SQuAD does (Rajpurkar et al., 2016). */
export function evaluateSpans(
  loss: number,
  said: readonly SpanPrediction[],
  examples: readonly FoundSpan[],
): SpanEvaluation {
  const all = examples.map(({ answers }, place) => nearness(said[place]?.answer ?? '', answers));
  const mean = (of: (one: (typeof all)[number]) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return { loss, exactMatch: mean(({ exact }) => Number(exact)), f1: mean(({ f1 }) => f1), count: all.length };
}

/** How many examples a report shows, and how many units of the context before and behind the answer. */
const [SHOWN, AROUND] = [20, 150] as const;

/** What a report shows of questions, and of what was answered. */
export function examineSpans(
  evaluation: SpanEvaluation,
  said: readonly SpanPrediction[],
  examples: readonly FoundSpan[],
): Omit<EvaluationRecord, 'part'> {
  const wrong = examples.flatMap((example, place) => {
    const { answer = '', probability = 0 } = said[place] ?? {};
    const { exact, f1 } = nearness(answer, example.answers);
    return exact ? [] : [{ example, answer, probability, f1 }];
  });
  const worst = wrong
    .sort((a, b) => a.f1 - b.f1 || b.probability - a.probability)
    .slice(0, SHOWN)
    .map(({ example, answer, probability }) => ({
      text: `${example.question} ${aroundAnswer(example)}`,
      label: example.answers[0] ?? '',
      predicted: answer,
      probability,
    }));
  return {
    figures: { ...evaluation },
    examples: { worst },
    lengths: lengthBins(examples.map(({ words }) => words.length)),
  };
}

/** The context near the answer. */
function aroundAnswer({ context, words, span }: FoundSpan): string {
  const from = Math.max((words[span.first]?.start ?? 0) - AROUND, 0);
  const to = (words[span.last]?.end ?? 0) + AROUND;
  return `${from > 0 ? '…' : ''}${context.slice(from, to)}${to < context.length ? '…' : ''}`;
}
