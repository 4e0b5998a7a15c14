import { Accuracy } from '../metrics/accuracy';
import { EntityF1Score } from '../metrics/entities';
import { zeros } from '../tensor/factories';
import { crossEntropy } from '../tensor/ops/losses';
import type { Sequence } from '../tensor/padded-sequence';
import { Trainer } from '../training/trainer';
import type { TagExample } from './tagged-sentences';
import type { Tagged } from './tagger-network';
import type { EncodedTokens, TokenBatch } from './token-encoder';
import type { TaskTrainerParts } from './train-task';
import { areEntities, asEntityTag, type TrainedTagger } from './trained-tagger';

/** A sentence in numbers. */
interface TagItem {
  readonly tokens: EncodedTokens;
  readonly tags: Int32Array;
  readonly label?: number;
  /** 1 where a tag or the label is one that training never saw: it is no part of the loss. */
  readonly apart?: number;
}

/** A batch of them. */
interface TagBatch {
  readonly tokens: TokenBatch;
  readonly tags: Sequence;
  readonly label?: Sequence;
  readonly apart?: Sequence;
}

/** Sentences in numbers, without those that say nothing: that have no token, or tags or a label of no training. */
export const itemsOf = (trained: TrainedTagger, sentences: readonly TagExample[]): TagItem[] =>
  checkItems(trained, sentences, { tags: [], labels: [] }).known;

/** Tags and labels of a validation that training never saw. */
export interface UnknownTags {
  readonly tags: readonly string[];
  readonly labels: readonly string[];
}

/** A validation in numbers: as `itemsOf`, and those with tags or labels that are `unknown`: no part of the loss. */
export function checkItems(
  { tokens, tags, labels }: TrainedTagger,
  sentences: readonly TagExample[],
  unknown: UnknownTags,
): { known: TagItem[]; others: TagItem[] } {
  const [allTags, allLabels] = [tags.with(unknown.tags), labels?.with(unknown.labels)];
  const [known, others]: [TagItem[], TagItem[]] = [[], []];
  for (const { tokens: words, tags: names, label = '' } of sentences) {
    if (words.length === 0) continue;
    const item = {
      tokens: tokens.encode(words),
      tags: Int32Array.from(names, (tag) => allTags.indexOf(tag)),
      ...(allLabels && { label: allLabels.indexOf(label) }),
    };
    if (tags.unknownAmong(names).length === 0 && labels?.indexOf(label) !== -1) known.push(item);
    else others.push({ ...item, apart: 1 });
  }
  return { known, others };
}

/** Tokens of a sentence. */
export const lengthOf = ({ tokens }: Pick<TagItem, 'tokens'>): number => tokens.words.length;

/**
 * What trains the network, and asks it.
 *
 * @param unknown  tags of the validation that training never saw
 */
export function taggerTrainer(
  { model, tags, labels }: TrainedTagger,
  parts: Partial<TaskTrainerParts> = {},
  unknown: readonly string[] = [],
) {
  const entityTags = [...tags.names, ...unknown.map(asEntityTag)];
  const ofTags = (said: Tagged, batch: TagBatch) => [said.tags, batch.tags] as const;
  const ofLabels = ({ label, tags: otherwise }: Tagged, batch: TagBatch) =>
    [label ?? otherwise, batch.label ?? batch.tags] as const;
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: TagBatch) => network.forward(batch.tokens),
    loss: (said, batch) => {
      const { device } = said.scores;
      if (batch.apart) return [said.scores, said.label].flatMap((term) => (term ? nothing(device) : []));
      return [
        model.crf?.loss(said.scores, batch.tags) ?? crossEntropy(said.scores, batch.tags),
        ...(said.label && batch.label ? [crossEntropy(said.label, batch.label)] : []),
      ];
    },
    metrics: [
      { metric: new Accuracy(), from: ofTags },
      ...(areEntities(tags) ? [{ metric: new EntityF1Score({ labels: entityTags }), from: ofTags }] : []),
      ...(labels ? [{ name: 'labelAccuracy', metric: new Accuracy(), from: ofLabels }] : []),
    ],
  });
}

/** A term of the loss that nothing is part of. */
const nothing = (device: string) => ({ loss: zeros([], { device }), divisor: 0 });
