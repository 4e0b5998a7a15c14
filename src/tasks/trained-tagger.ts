import { isEntityTag } from '../metrics/entity-tags';
import { ClassLabels } from './class-labels';
import { encoderOptions } from './recurrent-encoder';
import { checkLabelled, type TagExample } from './tagged-sentences';
import { TaggerNetwork } from './tagger-network';
import type { TaggerSettings } from './tagger-options';
import { TokenEncoder } from './token-encoder';
import { featuresOf } from './token-features';
import { frequencyFor } from './token-options';

/** What training or a file gives a Tagger. */
export interface TrainedTagger {
  readonly tags: ClassLabels;
  /** Labels of sentences, where they are learned, too. */
  readonly labels: ClassLabels | undefined;
  readonly tokens: TokenEncoder;
  readonly model: TaggerNetwork;
}

/** Whether the tags are those of entities, and not such as parts of speech. */
export const areEntities = ({ names }: ClassLabels): boolean =>
  names.every(isEntityTag) && names.some((tag) => tag !== 'O');

/** A tag of another kind, which training never saw, stands for an entity that is missed. */
export const asEntityTag = (tag: string): string => (isEntityTag(tag) ? tag : `S-${tag}`);

/**
 * Learns vocabulary, tags and labels of the sentences of training, and builds the network.
 *
 * @throws {OptionError} if there are fewer than two tags, or some sentences have a label and others have none
 */
export async function beginTagger(
  op: string,
  sentences: readonly TagExample[],
  settings: TaggerSettings,
): Promise<TrainedTagger> {
  const namesOf = (each: (sentence: TagExample) => readonly string[], what: 'tag' | 'label'): ClassLabels =>
    ClassLabels.of(op, sentences.map(each), false, what);
  const tags = namesOf((sentence) => sentence.tags, 'tag');
  const labelled = sentences.some(({ label }) => label !== undefined);
  if (labelled) checkLabelled(op, sentences, 'example');
  const labels = labelled ? namesOf(({ label = '' }) => [label], 'label') : undefined;
  const { characters, lowercase, crf } = settings;
  const minFrequency = frequencyFor(settings, sentences.length);
  const tokens = TokenEncoder.fit(
    sentences.map((sentence) => sentence.tokens),
    { minFrequency, characters, lowercase },
  );
  const features = await featuresOf(tokens.parts, settings);
  const model = new TaggerNetwork({
    features: features.options,
    encoder: encoderOptions(settings),
    tags: tags.size,
    labels: labels?.size,
    crf,
  });
  features.fill(model.features);
  return { tags, labels, tokens, model };
}
