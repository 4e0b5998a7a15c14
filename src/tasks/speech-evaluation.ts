import { CharErrorRate, WordErrorRate } from '../metrics/edit-distance';
import { ExactMatch } from '../metrics/exact-match';
import type { EvaluationRecord } from '../report';
import { lengthBins } from './length-bins';
import type { SpeechLetters } from './speech-letters';
import type { SpeechPrediction } from './speech-prediction';
import type { Heard } from './speech-sound';

/** What a SpeechRecognizer's `evaluate` gives. */
export interface SpeechEvaluation {
  /**
   * -log of the probability of the transcript, by its letters, in the mean; without recordings that are too short for
   * their transcript, or in which a letter is that training never heard.
   */
  readonly loss: number;
  /** Letters to be inserted, deleted and replaced, by those of the transcripts. */
  readonly charErrorRate: number;
  /** The same of words. */
  readonly wordErrorRate: number;
  /** Part of the recordings whose text is right from the first to the last letter. */
  readonly exactMatch: number;
  /** Letters that training never heard: they count as wrong. Absent if there is none. */
  readonly unknownLetters?: readonly string[];
}

/** Compares what was heard with what was said. */
export async function evaluateSpeech(
  loss: number,
  letters: SpeechLetters,
  said: readonly SpeechPrediction[],
  heard: readonly Heard[],
): Promise<SpeechEvaluation> {
  const texts = said.map(({ text }) => text);
  const right = heard.map(({ transcript }) => transcript);
  const metrics = [new CharErrorRate(), new WordErrorRate(), new ExactMatch()] as const;
  for (const metric of metrics) metric.update(texts, right);
  const [charErrorRate = Number.NaN, wordErrorRate = Number.NaN, exactMatch = Number.NaN] = await Promise.all(
    metrics.map((metric) => metric.compute()),
  );
  for (const metric of metrics) metric.reset();
  const unknown = letters.unknownIn(right);
  return {
    loss,
    charErrorRate,
    wordErrorRate,
    exactMatch,
    ...(unknown.length > 0 && { unknownLetters: unknown }),
  };
}

/** How many examples a report shows. */
const SHOWN = 20;

/** What a report shows of recordings. */
export function examineSpeech(
  { loss, charErrorRate, wordErrorRate, exactMatch }: SpeechEvaluation,
  heard: readonly Heard[],
  said: readonly SpeechPrediction[],
): Omit<EvaluationRecord, 'part'> {
  const judged = heard.map(({ name, seconds, transcript, frames }, place) => {
    const { text = '', score = Number.NaN } = said[place] ?? {};
    const told = { text: `${name}, ${seconds.toFixed(2)} s`, label: transcript, predicted: text };
    return { ...told, probability: Math.exp(score), frames: frames.shape[0] ?? 0 };
  });
  const shown = (some: typeof judged) => some.slice(0, SHOWN).map(({ frames: _frames, ...example }) => example);
  const counts = new Map<string, number>();
  for (const letter of heard.flatMap(({ transcript }) => Array.from(transcript)))
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return {
    figures: { loss, charErrorRate, wordErrorRate, exactMatch },
    examples: {
      worst: shown(
        judged.filter(({ label, predicted }) => label !== predicted).sort((a, b) => b.probability - a.probability),
      ),
      uncertain: shown([...judged].sort((a, b) => a.probability - b.probability)),
    },
    lengths: lengthBins(judged.map(({ frames }) => frames)),
    labels: [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([letter, count]) => ({ label: letter === ' ' ? '(blank)' : letter, count })),
  };
}
