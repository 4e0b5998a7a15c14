import { SequenceList } from '../data/sequence-list';
import { Accuracy } from '../metrics/accuracy';
import { OptionError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { describe } from '../tensor/options';
import { argmax } from '../tensor/ops/reduce';
import { crossEntropy } from '../tensor/ops/losses';
import type { Sequence } from '../tensor/padded-sequence';
import { WordTokenizer } from '../text/words';
import { Trainer } from '../training/trainer';
import type { ClassLabels } from './class-labels';
import type { DividedStory } from './question-examples';
import type { QuestionBatch, QuestionNetwork } from './question-network';
import type { TokenEncoder } from './token-encoder';
import type { TaskTrainerParts } from './train-task';

/** What training or a file gives a QuestionAnswerer. */
export interface TrainedQuestions {
  readonly answers: ClassLabels;
  readonly tokens: TokenEncoder;
  readonly model: QuestionNetwork;
}

/** A question in numbers. */
export interface QuestionItem {
  readonly question: Int32Array;
  readonly sentences: SequenceList;
  readonly story: Int32Array;
}

/** One with its answer. */
interface AnsweredItem extends QuestionItem {
  readonly target: number;
  /** 1 where the answer is one that training never saw: it is no part of the loss. */
  readonly apart?: number;
}

/** A batch of them. */
interface AnsweredBatch extends QuestionBatch {
  readonly target: Sequence;
  readonly apart?: Sequence;
}

const words = new WordTokenizer({ lowercase: false });

/** The words of a sentence; an empty one has a word that is none. */
export function wordsOf(sentence: string): readonly string[] {
  const found = words.tokenize(sentence);
  return found.length === 0 ? [''] : found;
}

/** A question in numbers; a story without a sentence has an empty one. */
export function questionItem({ tokens }: TrainedQuestions, { story, question }: DividedStory): QuestionItem {
  const told = story.length === 0 ? [''] : story;
  return {
    question: tokens.encode(wordsOf(question)).words,
    sentences: new SequenceList(told.map((sentence) => tokens.encode(wordsOf(sentence)).words)),
    story: Int32Array.from(told, (_, place) => place),
  };
}

/** Questions with their answers in numbers: those that a loss can be computed of, and the others. */
export function answeredItems(
  trained: TrainedQuestions,
  examples: readonly (DividedStory & { readonly answer: string })[],
  unknown: readonly string[] = [],
): { known: AnsweredItem[]; others: AnsweredItem[] } {
  const all = trained.answers.with(unknown);
  const [known, others]: [AnsweredItem[], AnsweredItem[]] = [[], []];
  for (const example of examples) {
    const item = { ...questionItem(trained, example), target: all.indexOf(example.answer) };
    if (trained.answers.indexOf(example.answer) >= 0) known.push(item);
    else if (item.target >= 0) others.push({ ...item, apart: 1 });
  }
  return { known, others };
}

/** Items that a loss can be computed of. @throws {OptionError} if there is none */
export function someKnown(op: string, { answers }: TrainedQuestions, items: AnsweredItem[]): AnsweredItem[] {
  if (items.length > 0) return items;
  throw new OptionError(op, {
    given: 'questions of which none has an answer that the model knows',
    expected: `one at least whose answer is that of training: ${answers.names.slice(0, 10).map(describe).join(', ')}`,
    fix: 'look at which column holds the answers',
  });
}

/** The words of a question and its story that are not in the vocabulary, each once. */
export const strangersIn = ({ tokens }: TrainedQuestions, { story, question }: DividedStory): readonly string[] =>
  tokens.strangers([...story, question].flatMap((sentence) => words.tokenize(sentence)));

/** Sentences of a story. */
export const sentencesIn = ({ story }: Pick<QuestionItem, 'story'>): number => story.length;

/** What trains the network, and asks it. */
export function questionTrainer({ model }: TrainedQuestions, parts: Partial<TaskTrainerParts> = {}) {
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: AnsweredBatch) => network.forward(batch),
    loss: ({ scores }, { target, apart }) =>
      apart === undefined ? crossEntropy(scores, target) : { loss: zeros([], { device: scores.device }), divisor: 0 },
    metrics: [{ metric: new Accuracy(), from: ({ scores }, { target }) => [argmax(scores, -1), target] as const }],
  });
}
