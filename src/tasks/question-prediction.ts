import { chances, predictionOf } from './class-prediction';
import { evenBatches, oneBatch } from './even-batches';
import type { DividedStory } from './question-examples';
import { questionItem, questionTrainer, sentencesIn, type TrainedQuestions } from './question-trainer';

/** A sentence of a story that was asked about. */
export interface StorySentence {
  /** As it was given. */
  readonly text: string;
  /** With attention, how much it says about the question, 0..1. */
  readonly weight?: number;
}

/** What a QuestionAnswerer answers. */
export interface QuestionPrediction {
  /** The most probable answer. */
  readonly answer: string;
  /** How probable it is, 0..1. */
  readonly probability: number;
  /** How probable each answer is; they add up to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** The sentences of the story, and with attention how much each says about the question: these add up to 1. */
  readonly sentences: readonly StorySentence[];
}

/** Answers questions, batch by batch. */
export async function answerQuestions(
  trained: TrainedQuestions,
  asked: readonly DividedStory[],
): Promise<QuestionPrediction[]> {
  const trainer = questionTrainer(trained);
  const found: QuestionPrediction[] = [];
  const items = asked.map((one) => questionItem(trained, one));
  for (const { places, items: some } of evenBatches(items, sentencesIn)) {
    const [said] = await trainer.predict(oneBatch(some));
    if (said === undefined) continue;
    const [, width = 0] = said.weights?.shape ?? [];
    const weights = await said.weights?.data().finally(() => said.weights?.dispose());
    const rows = await chances(said.scores, false);
    rows.forEach((row, at) => {
      const place = places[at] ?? 0;
      const { label, probability, probabilities } = predictionOf(trained.answers, row);
      const sentences = (asked[place]?.story ?? []).map((text, sentence) =>
        weights === undefined ? { text } : { text, weight: Number(weights[at * width + sentence] ?? 0) },
      );
      found[place] = { answer: label, probability, probabilities, sentences };
    });
  }
  return found;
}
