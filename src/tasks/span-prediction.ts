import { chances } from './class-prediction';
import { evenBatches, oneBatch } from './even-batches';
import type { AskedContext } from './span-examples';
import { itemReader, spanTrainer, wordsIn, type TrainedSpans } from './span-trainer';
import { wordReader, type PlacedWord } from './span-words';
import { mapInTurns } from './turns';

/** What a SpanAnswerer answers. */
export interface SpanPrediction {
  /** The part of the context, `context.slice(start, end)`; empty of a context without a word. */
  readonly answer: string;
  /** Its first unit of UTF-16 in the context. */
  readonly start: number;
  /** Behind its last one. */
  readonly end: number;
  /** How probable it is that the answer begins and ends there, 0..1. */
  readonly probability: number;
}

/** A context of which the words are known, too. */
export type WordedContext = AskedContext & { readonly words: readonly PlacedWord[] };

/** Reads the words of the contexts. */
export function worded(asked: readonly AskedContext[]): Promise<WordedContext[]> {
  const wordsOf = wordReader();
  return mapInTurns(asked, ({ context, question }) => ({ context, question, words: wordsOf(context) }));
}

/** Answers questions, batch by batch. @param maxLength  words of an answer at most */
export async function answerSpans(
  trained: TrainedSpans,
  asked: readonly WordedContext[],
  maxLength: number,
): Promise<SpanPrediction[]> {
  const trainer = spanTrainer(trained);
  const found = asked.map((): SpanPrediction => ({ answer: '', start: 0, end: 0, probability: 0 }));
  const itemOf = itemReader(trained);
  const all = await mapInTurns(asked, (one, place) => ({ place, item: itemOf(one, one.words) }));
  const items = all.filter(({ item }) => wordsIn(item) > 0);
  for (const { items: some } of evenBatches(items, ({ item }) => wordsIn(item))) {
    const [said] = await trainer.predict(oneBatch(some.map(({ item }) => item)));
    if (said === undefined) continue;
    const [starts, ends] = [await chances(said.start, false), await chances(said.end, false)];
    some.forEach(({ place }, row) => {
      const { context = '', words = [] } = asked[place] ?? {};
      const { first, last, probability } = bestSpan(starts[row], ends[row], words.length, maxLength);
      const [start, end] = [words[first]?.start ?? 0, words[last]?.end ?? 0];
      found[place] = { answer: context.slice(start, end), start, end, probability };
    });
  }
  return found;
}

/** The most probable pair of a first and a last word that is not before it, nor too far behind. */
export function bestSpan(
  starts: Float32Array = new Float32Array(),
  ends: Float32Array = new Float32Array(),
  words: number,
  maxLength: number,
): { first: number; last: number; probability: number } {
  let best = { first: 0, last: 0, probability: 0 };
  for (let first = 0; first < words; first++)
    for (let last = first; last < Math.min(first + maxLength, words); last++) {
      const probability = (starts[first] ?? 0) * (ends[last] ?? 0);
      if (probability > best.probability) best = { first, last, probability };
    }
  return best;
}
