import { ExactMatch } from '../metrics/exact-match';
import { add } from '../tensor/ops/elementwise';
import { crossEntropy } from '../tensor/ops/losses';
import { argmax } from '../tensor/ops/reduce';
import { stack } from '../tensor/ops/shape';
import type { Tensor } from '../tensor/tensor';
import { Trainer } from '../training/trainer';
import type { AskedContext, FoundSpan } from './span-examples';
import type { SpanBatch, SpanNetwork } from './span-network';
import { placedWords, type PlacedWord } from './span-words';
import type { TokenEncoder } from './token-encoder';
import type { TaskTrainerParts } from './train-task';
import { mapInTurns } from './turns';

/** What training or a file gives a SpanAnswerer. */
export interface TrainedSpans {
  readonly tokens: TokenEncoder;
  readonly model: SpanNetwork;
  /** Words of the longest answer of training. */
  readonly longest: number;
}

/** A question in numbers. */
export interface SpanItem {
  readonly context: Int32Array;
  readonly shared: Float32Array;
  readonly question: Int32Array;
}

/** One with its answer: the places of its first and its last word. */
export interface AnsweredSpan extends SpanItem {
  readonly first: number;
  readonly last: number;
}

/** A batch of them. */
interface AnsweredBatch extends SpanBatch {
  readonly first: Tensor;
  readonly last: Tensor;
}

/** The words of a question; an empty one has a word that is none. */
export function questionWords(question: string): string[] {
  const words = placedWords(question).map(({ word }) => word);
  return words.length === 0 ? [''] : words;
}

/** Puts questions into numbers, and their contexts, of which the words are known: of the same array once. */
export function itemReader({ tokens }: Pick<TrainedSpans, 'tokens'>) {
  const read = new Map<readonly PlacedWord[], { readonly context: Int32Array; readonly small: readonly string[] }>();
  const numbered = (placed: readonly PlacedWord[]) => {
    const words = placed.map(({ word }) => word);
    return { context: tokens.encode(words).words, small: words.map((word) => word.toLowerCase()) };
  };
  return ({ question }: AskedContext, words: readonly PlacedWord[]): SpanItem => {
    const { context, small } = read.get(words) ?? numbered(words);
    read.set(words, { context, small });
    const asked = questionWords(question);
    const known = new Set(asked.map((word) => word.toLowerCase()));
    return {
      context,
      shared: Float32Array.from(small, (word) => Number(known.has(word))),
      question: tokens.encode(asked).words,
    };
  };
}

/** Questions and answers in numbers. */
export function answeredSpans(
  trained: Pick<TrainedSpans, 'tokens'>,
  examples: readonly FoundSpan[],
): Promise<AnsweredSpan[]> {
  const itemOf = itemReader(trained);
  return mapInTurns(examples, (example) => ({ ...itemOf(example, example.words), ...example.span }));
}

/** Words of a context. */
export const wordsIn = ({ context }: Pick<SpanItem, 'context'>): number => context.length;

/** What trains the network, and asks it: the loss is the negative logarithm of how probable the right answers are. */
export function spanTrainer({ model }: Pick<TrainedSpans, 'model'>, parts: Partial<TaskTrainerParts> = {}) {
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: AnsweredBatch) => network.forward(batch),
    loss: ({ start, end }, { first, last }) => add(crossEntropy(start, first), crossEntropy(end, last)),
    metrics: [
      {
        metric: new ExactMatch(),
        from: ({ start, end }, { first, last }) =>
          [stack([argmax(start, -1), argmax(end, -1)], 1), stack([first, last], 1)] as const,
      },
    ],
  });
}
