import { ConfusionMatrix } from '../metrics/confusion-matrix';
import type { ClassFigures } from '../metrics/class-report';
import { EntityF1Score } from '../metrics/entities';
import type { ConfusionRecord } from '../report';
import type { ClassLabels } from './class-labels';
import type { TagPrediction } from './tag-prediction';
import type { TagExample } from './tagged-sentences';
import { areEntities, asEntityTag, type TrainedTagger } from './trained-tagger';

/** What a Tagger's `evaluate` gives. */
export interface TagEvaluation {
  /** Mean over the tokens, without sentences that have a tag or a label which training never saw. */
  readonly loss: number;
  /** Part of the tokens whose tag was predicted. */
  readonly accuracy: number;
  /** F1 of all entities, by the rules of conlleval. Absent where tags are of another kind, such as parts of speech. */
  readonly entityF1?: number;
  /** Precision, recall, F1 and support of the entities of each type. Absent where `entityF1` is. */
  readonly entities?: Readonly<Record<string, ClassFigures>>;
  /** Precision, recall, F1 and support of each tag. */
  readonly tags: Readonly<Record<string, ClassFigures>>;
  /** Counts of tokens: a row for each true tag, a column for each predicted one, in the order of `labels`. */
  readonly confusion: ConfusionRecord;
  /** Part of the sentences whose label was predicted. Absent where labels are not learned. */
  readonly labelAccuracy?: number;
  /** Precision, recall, F1 and support of each label. Absent where labels are not learned. */
  readonly labels?: Readonly<Record<string, ClassFigures>>;
  /** Tags that training never saw: tokens of them count as wrong. Absent if there is none. */
  readonly unknownTags?: readonly string[];
  /** Labels that training never saw: sentences of them count as wrong. Absent if there is none. */
  readonly unknownLabels?: readonly string[];
}

/**
 * Compares what was predicted with what is right.
 *
 * @param said       what was predicted for each sentence
 * @param sentences  the same sentences
 */
export async function evaluateTags(
  loss: number,
  { tags, labels }: TrainedTagger,
  said: readonly TagPrediction[],
  sentences: readonly TagExample[],
): Promise<TagEvaluation> {
  const ofTags = await compare(
    tags,
    said.flatMap((one) => one.tags),
    sentences.flatMap((one) => one.tags),
  );
  const entities = areEntities(tags) ? await compareEntities(said, sentences) : {};
  const ofLabels =
    labels &&
    (await compare(
      labels,
      said.map(({ label = '' }) => label),
      sentences.map(({ label = '' }) => label),
    ));
  return {
    loss,
    accuracy: ofTags.accuracy,
    ...entities,
    tags: ofTags.classes,
    confusion: ofTags.confusion,
    ...(ofLabels && { labelAccuracy: ofLabels.accuracy, labels: ofLabels.classes }),
    ...(ofTags.unknown.length > 0 && { unknownTags: ofTags.unknown }),
    ...(ofLabels && ofLabels.unknown.length > 0 && { unknownLabels: ofLabels.unknown }),
  };
}

/** Names one by one, and those that training never saw. */
async function compare(known: ClassLabels, said: readonly string[], right: readonly string[]) {
  const unknown = known.unknownAmong(right);
  const names = [...known.names, ...unknown];
  const matrix = new ConfusionMatrix({ labels: names });
  if (right.length > 0) matrix.update(said, right);
  const [{ accuracy, classes }, counts] = [await matrix.report(), await matrix.matrix()];
  matrix.reset();
  return { accuracy, classes, unknown, confusion: { labels: names, counts } };
}

/** Entities of all sentences. A tag of another kind, which only these examples have, is an entity that was missed. */
async function compareEntities(said: readonly TagPrediction[], sentences: readonly TagExample[]) {
  const score = new EntityF1Score();
  score.update(
    said.map((one) => one.tags),
    sentences.map((one) => one.tags.map(asEntityTag)),
  );
  const { overall, types } = await score.report();
  return { entityF1: overall.f1, entities: types };
}
