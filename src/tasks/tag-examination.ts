import type { EvaluationRecord, ExampleRecord } from '../report';
import { entitySpans, isEntityTag } from '../metrics/entity-tags';
import { lengthBins } from './length-bins';
import type { TagEvaluation } from './tag-evaluation';
import type { TagPrediction } from './tag-prediction';
import type { TagExample } from './tagged-sentences';

/** How many examples a report shows. */
const SHOWN = 20;

/**
 * What a report shows of tagged sentences: where tags are those of entities, the types of these, else the tags.
 *
 * @param evaluation  of these sentences
 * @param said        what was predicted for each
 */
export function examineTags(
  evaluation: TagEvaluation,
  sentences: readonly TagExample[],
  said: readonly TagPrediction[],
): Omit<EvaluationRecord, 'part'> {
  const { loss, accuracy, entityF1, labelAccuracy, entities, tags, confusion } = evaluation;
  const figures = Object.entries(entities ?? tags).map(([label, each]) => ({ label, ...each }));
  return {
    figures: {
      loss,
      accuracy,
      ...(entityF1 === undefined ? {} : { entityF1 }),
      ...(labelAccuracy === undefined ? {} : { labelAccuracy }),
    },
    ...(entities === undefined && { confusion }),
    perClass: figures,
    examples: { worst: worstOf(sentences, said, entities !== undefined) },
    lengths: lengthBins(sentences.map(({ tokens }) => tokens.length)),
    labels: figures.map(({ label, support }) => ({ label, count: support })),
  };
}

/** Sentences with a wrong tag or label, those with the most wrong tags first. */
function worstOf(
  sentences: readonly TagExample[],
  said: readonly TagPrediction[],
  withEntities: boolean,
): ExampleRecord[] {
  const judged = sentences.flatMap(({ tokens, tags, label = '' }, place) => {
    const { tags: found = [], label: other = '' } = said[place] ?? {};
    const wrong = tags.flatMap((tag, token) => (tag === found[token] ? [] : [token]));
    if (wrong.length === 0 && label === other) return [];
    const told = (name: string, which: readonly string[]): string =>
      [name, ...(withEntities ? namedEntities(tokens, which) : wrong.map((at) => `${tokens[at]}: ${which[at]}`))]
        .filter(Boolean)
        .join(', ');
    return [{ wrong: wrong.length, text: tokens.join(' '), label: told(label, tags), predicted: told(other, found) }];
  });
  return judged
    .sort((a, b) => b.wrong - a.wrong)
    .slice(0, SHOWN)
    .map(({ text, label, predicted }) => ({ text, label, predicted }));
}

/** As in `city: New York`. A tag of another kind, which training never saw, is no entity. */
const namedEntities = (tokens: readonly string[], tags: readonly string[]): string[] =>
  entitySpans(tags.map((tag) => (isEntityTag(tag) ? tag : 'O'))).map(
    ({ type, start, end }) => `${type}: ${tokens.slice(start, end).join(' ')}`,
  );
