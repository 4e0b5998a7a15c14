import { TokenSampler } from '../decoding/token-sampler';
import { tokenProbabilities } from '../decoding/token-probabilities';
import type { SequentialState } from '../layers/sequential';
import { tensor } from '../tensor/factories';
import { tensorsIn } from '../tensor/nested-tensors';
import { pad } from '../tensor/pad';
import { keep, scope } from '../tensor/scope';
import type { TypedArray } from '../tensor/tensor';
import type { GenerateSettings } from './generate-options';
import type { LanguageModelNetwork } from './language-model-network';
import type { LanguageText } from './language-text';
import { evenBatches } from './even-batches';
import { StopText } from './stop-text';

/** What training or a file gives a LanguageModel. */
export interface TrainedLanguage {
  readonly text: LanguageText;
  readonly model: LanguageModelNetwork;
}

/** A token that may come next. */
export interface NextToken {
  /** Its text; `<unk>` for what is not in the vocabulary, `<end of text>` where texts have an end. */
  readonly token: string;
  /** How probable it is, 0..1. */
  readonly probability: number;
}

/** Tokens of a prompt that are read at once. */
const PIECE = 1000;

/**
 * The text that follows a prompt, piece by piece as tokens come. Between two of them the event loop is free.
 *
 * @returns pieces of whole characters, none of which is empty
 */
export async function* generateText(
  { text, model }: TrainedLanguage,
  { prompt, length, stop, temperature, topK, topP, seed }: GenerateSettings,
): AsyncGenerator<string, void, undefined> {
  const sampler = new TokenSampler({ temperature, topK, topP, seed });
  const [writer, stops] = [text.writer(prompt), new StopText(stop)];
  const stream = model.createStream();
  try {
    const read = await readPrompt(model, text.prompt(prompt));
    stream.state = read.state;
    dispose(read.state);
    let { scores } = read;
    for (let left = length; left > 0; left--) {
      if (text.unknown !== undefined) scores[text.unknown] = Number.NEGATIVE_INFINITY;
      const token = sampler.next(scores);
      if (token === text.end) break;
      const piece = stops.push(writer.write(text.at(token)));
      if (piece !== '') yield piece;
      if (stops.stopped) return;
      if (left > 1) ({ data: scores } = await stream.step(token));
    }
    const rest = stops.end();
    if (rest !== '') yield rest;
  } finally {
    stream.reset();
  }
}

const dispose = (state: SequentialState | undefined): void => tensorsIn(state).forEach((x) => x.dispose());

/** The most probable tokens behind each prompt. @param count  of how many to tell */
export async function nextTokens(
  { text, model }: TrainedLanguage,
  prompts: readonly string[],
  count: number,
): Promise<NextToken[][]> {
  const { device } = model.head.weight;
  const found: NextToken[][] = [];
  const tokens = prompts.map((prompt) => text.prompt(prompt));
  for (const { places, items } of evenBatches(tokens, ({ length }) => length)) {
    const output = scope(() => keep(model.next(pad(items, { device })).output));
    const scores = await output.data();
    output.dispose();
    const best = items.map((_, row) => bestOf(text, scores.subarray(row * text.size, (row + 1) * text.size), count));
    places.forEach((place, row) => (found[place] = best[row] ?? []));
  }
  return found;
}

/** The scores of what follows a prompt, [V], and the state that it ends in. */
async function readPrompt(
  model: LanguageModelNetwork,
  tokens: Int32Array,
): Promise<{ scores: TypedArray; state: SequentialState | undefined }> {
  const { device } = model.head.weight;
  let state: SequentialState | undefined;
  let scores: TypedArray = new Float32Array(0);
  for (let from = 0; from < tokens.length; from += PIECE) {
    const data = tokens.slice(from, from + PIECE);
    const before = state;
    const read = scope(() => model.next(tensor({ data, shape: [1, data.length] }, { device }), before));
    dispose(before);
    ({ state } = read);
    try {
      scores = await read.output.data();
    } catch (error) {
      dispose(state);
      throw error;
    } finally {
      read.output.dispose();
    }
  }
  return { scores, state };
}

/** The most probable tokens, by their scores. */
function bestOf(text: LanguageText, scores: TypedArray, count: number): NextToken[] {
  const probabilities = tokenProbabilities(scores);
  const least = probabilities.slice().sort().at(-count) ?? 0;
  const best = Array.from(probabilities.entries()).filter(([, probability]) => probability >= least);
  best.sort(([, a], [, b]) => b - a);
  return best.slice(0, count).map(([token, probability]) => ({ token: text.show(token), probability }));
}
