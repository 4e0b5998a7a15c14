import { entitySpans } from '../metrics/entity-tags';
import { valuesOf } from '../tensor/padded-sequence';
import type { NestedArray } from '../tensor/tensor';
import { chances, predictionOf } from './class-prediction';
import { evenBatches, oneBatch } from './even-batches';
import { lengthOf, taggerTrainer } from './tagger-trainer';
import { areEntities, type TrainedTagger } from './trained-tagger';

/** An entity that was found in a sentence. */
export interface TaggedEntity {
  /** Its type, `city` of `B-city`. */
  readonly type: string;
  /** Its first token. */
  readonly start: number;
  /** The token behind its last one. */
  readonly end: number;
  /** Its tokens, with a blank between them. */
  readonly text: string;
}

/** What a Tagger says of one sentence. */
export interface TagPrediction {
  /** What the sentence was divided into. */
  readonly tokens: readonly string[];
  /** A tag for each token. */
  readonly tags: readonly string[];
  /** By the rules of IOB1, IOB2 and IOBES; none where tags are of another kind, such as parts of speech. */
  readonly entities: readonly TaggedEntity[];
  /** What the sentence is, where that was learned, too. */
  readonly label?: string;
  /** How probable that label is, 0..1. */
  readonly probability?: number;
}

/** What the network says of sentences, batch by batch. */
export async function tagSentences(
  trained: TrainedTagger,
  sentences: readonly (readonly string[])[],
): Promise<TagPrediction[]> {
  const { tokens, tags, labels } = trained;
  const trainer = taggerTrainer(trained);
  const withEntities = areEntities(tags);
  const found: (readonly string[])[] = [];
  const ofSentences: Float32Array[] = [];
  const items = sentences.map((one) => ({ tokens: tokens.encode(one) }));
  for (const { places, items: some } of evenBatches(items, lengthOf)) {
    const [said] = await trainer.predict(oneBatch(some));
    if (said === undefined) continue;
    const rows = (await said.tags.array()) as NestedArray[];
    const labelled = said.label === undefined ? [] : await chances(said.label, false);
    for (const made of [said.tags, said.scores]) valuesOf(made).dispose();
    places.forEach((place, at) => {
      const [row, chance] = [rows[at], labelled[at]];
      found[place] = Array.isArray(row) ? row.map((tag) => tags.names[Number(tag)] ?? '') : [];
      if (chance !== undefined) ofSentences[place] = chance;
    });
  }
  return sentences.map((words, place) => {
    const [own = [], chance] = [found[place], ofSentences[place]];
    const answer = { tokens: words, tags: own, entities: withEntities ? entitiesOf(words, own) : [] };
    if (labels === undefined || chance === undefined) return answer;
    const { label, probability } = predictionOf(labels, chance);
    return { ...answer, label, probability };
  });
}

const entitiesOf = (tokens: readonly string[], tags: readonly string[]): TaggedEntity[] =>
  entitySpans(tags).map(({ type, start, end }) => ({ type, start, end, text: tokens.slice(start, end).join(' ') }));
