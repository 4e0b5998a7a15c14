import type { RobustnessRecord } from '../report';
import type { Tensor } from '../tensor/tensor';
import { attackingTrainer } from './attacking-trainer';
import { changedTexts } from './changed-texts';
import { evaluateClasses, evaluateLabelSets } from './class-evaluation';
import { chances, predictionOf, type ClassPrediction } from './class-prediction';
import { evenBatches, oneBatch } from './even-batches';
import type { RobustnessSettings } from './robustness-options';
import { itemsOf, lengthOf, type TextItem, type TrainedText } from './text-classifier-trainer';
import type { LabelledText } from './text-examples';

/** What a classifier says of items, batch by batch, in their order. */
export async function predictionsOf<Item extends Pick<TextItem, 'tokens'>>(
  { labels }: TrainedText,
  items: readonly Item[],
  scoresOf: (items: ReturnType<typeof oneBatch<Item>>) => Promise<Tensor | undefined>,
): Promise<ClassPrediction[]> {
  const predictions: ClassPrediction[] = [];
  for (const batch of evenBatches(items, lengthOf)) {
    const scores = await scoresOf(oneBatch(batch.items));
    const rows = scores === undefined ? [] : await chances(scores, labels.multiple);
    rows.forEach((row, at) => (predictions[batch.places[at] ?? 0] = predictionOf(labels, row)));
  }
  return predictions;
}

/**
 * How good a classifier is on texts that were changed.
 *
 * @param predict  what it says of texts
 */
export async function measureRobustness(
  trained: TrainedText,
  examples: readonly LabelledText[],
  settings: RobustnessSettings,
  predict: (texts: readonly string[]) => Promise<ClassPrediction[]>,
): Promise<RobustnessRecord[]> {
  const { labels } = trained;
  const texts = examples.map(({ text }) => text);
  const right = examples.map((example) => example.labels);
  const unchanged = await predict(texts);
  const compare = labels.multiple ? evaluateLabelSets : evaluateClasses;
  const rowOf = async (
    change: RobustnessRecord['change'],
    amount: number,
    said: readonly ClassPrediction[],
  ): Promise<RobustnessRecord> => {
    const { accuracy, f1 } = await compare(Number.NaN, labels, said, right);
    const others = said.filter((one, place) => answerOf(one) !== answerOf(unchanged[place])).length;
    return { change, amount, accuracy, f1, changed: others / said.length };
  };
  const rows = [await rowOf('none', 0, unchanged)];
  for await (const { change, amount, texts: changed } of changedTexts(texts, settings))
    rows.push(await rowOf(change, amount, await predict(changed)));
  for (const epsilon of settings.epsilons)
    rows.push(await rowOf('adversarial', epsilon, await attacked(trained, examples, epsilon, unchanged)));
  return rows;
}

const answerOf = (prediction: ClassPrediction | undefined): string =>
  prediction?.labels?.join('\n') ?? prediction?.label ?? '';

/** What it says where vectors are moved; of texts whose label training never saw, which say not where to, as ever. */
async function attacked(
  trained: TrainedText,
  examples: readonly LabelledText[],
  epsilon: number,
  unchanged: readonly ClassPrediction[],
): Promise<ClassPrediction[]> {
  const items = itemsOf(trained, examples);
  const trainer = attackingTrainer(trained.model, trained.labels.multiple, epsilon);
  const said = await predictionsOf(trained, items, async (batch) => (await trainer.predict(batch))[0]);
  const known = examples.map(({ labels }) => trained.labels.unknownAmong(labels).length === 0);
  let next = 0;
  return unchanged.map((one, place) => (known[place] === true ? (said[next++] ?? one) : one));
}
