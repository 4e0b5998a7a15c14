import type { PreparedKeys } from '../layers/attention';
import { beamSearch } from '../decoding/beam-search';
import { greedySearch } from '../decoding/greedy-search';
import type { Hypothesis } from '../decoding/hypothesis';
import { lengthDivisor } from '../decoding/length-penalty';
import { selectRows } from '../decoding/select-rows';
import type { StepResult } from '../decoding/step';
import { tensor } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { tensorsIn } from '../tensor/nested-tensors';
import { add } from '../tensor/ops/elementwise';
import { pad } from '../tensor/pad';
import { valuesOf } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { evenBatches } from './even-batches';
import type { PairText } from './pair-text';
import type { LayersState, Seq2SeqNetwork } from './seq2seq-network';

/** What training or a file gives a Seq2Seq. */
export interface TrainedPairs {
  readonly text: PairText;
  readonly model: Seq2SeqNetwork;
}

/** How targets are written. */
export interface WritingSettings {
  /** How many hypotheses of a target go on after each token. */
  readonly beamSize: number;
  /** How many to tell. */
  readonly nBest: number;
  /** α, by which longer ones are favoured. */
  readonly lengthPenalty: number;
  /** Tokens at most. */
  readonly maxLength: number;
  /** Whether what is not in the vocabulary may be written. */
  readonly copyUnknown: boolean;
}

/** Where the hypotheses of some sentences are: `width` rows of the layers' state for each row of the memory. */
interface WritingState {
  readonly layers: LayersState;
  /** Of each sentence once; undefined without attention. */
  readonly memory: PreparedKeys | undefined;
  readonly width: number;
}

/**
 * Writes a target for each source, batch by batch.
 *
 * @param sources  indices of their tokens, one at least in each
 * @returns the hypotheses of each, best first
 */
export async function writeTargets(
  trained: TrainedPairs,
  sources: readonly Int32Array[],
  settings: WritingSettings,
): Promise<Hypothesis[][]> {
  const found: Hypothesis[][] = [];
  const { model } = trained;
  const { training } = model;
  model.eval();
  try {
    for (const { places, items } of evenBatches(sources, ({ length }) => length * settings.beamSize)) {
      const written = await writeBatch(trained, items, settings);
      places.forEach((place, row) => (found[place] = written[row] ?? []));
    }
  } finally {
    if (training) model.train();
  }
  return found;
}

async function writeBatch(
  { model, text }: TrainedPairs,
  sources: readonly Int32Array[],
  { beamSize, nBest, lengthPenalty, maxLength, copyUnknown }: WritingSettings,
): Promise<Hypothesis[][]> {
  const { device } = model.head.weight;
  const { unknown } = text;
  const forbidden =
    unknown === undefined || copyUnknown ? undefined : without(unknown, model.options.targetTokens, device);
  const read = noGrad(() => scope(() => model.encode(pad(sources, { device }))));
  const start: WritingState = { layers: read.state, memory: read.memory, width: 1 };
  const common = {
    start,
    endToken: text.end,
    batchSize: sources.length,
    maxLength: maxLength + 1,
    selectRows: chooseRows,
    device,
  };
  const step = (tokens: Tensor, state: WritingState) => writeStep(model, tokens, state, forbidden);
  try {
    if (beamSize === 1) return (await greedySearch(step, common)).map((one) => [scored(one, lengthPenalty)]);
    return await beamSearch(step, { ...common, beamSize, nBest, lengthPenalty });
  } finally {
    for (const x of tensorsIn([start, forbidden])) x.dispose();
  }
}

/** Its score as a beam would have it, so that those of all sizes mean the same. */
const scored = (one: Hypothesis, lengthPenalty: number): Hypothesis => ({
  ...one,
  score: one.logProbability / lengthDivisor(one.tokens.length + Number(one.finished), lengthPenalty),
});

/** What is added to scores so that a token is never written, [V]. */
function without(token: number, vocabulary: number, device: string): Tensor {
  const data = new Float32Array(vocabulary);
  data[token] = Number.NEGATIVE_INFINITY;
  return tensor(data, { device });
}

/** One step of B hypotheses, of the last token of each, i32 [B]. */
function writeStep(
  model: Seq2SeqNetwork,
  tokens: Tensor,
  { layers, memory, width }: WritingState,
  forbidden: Tensor | undefined,
): StepResult<WritingState> {
  const { scores, state, weights } = model.step(tokens, { state: layers, memory }, width);
  const all = valuesOf(scores);
  return {
    scores: forbidden === undefined ? all : add(all, forbidden),
    state: { layers: state, memory, width },
    ...(weights && { attention: weights }),
  };
}

/** The state of some hypotheses, as many of each sentence; the memory stays where all sentences do. */
function chooseRows({ layers, memory, width }: WritingState, rows: readonly number[]): WritingState {
  const sentences = [...new Set(rows.map((row) => Math.floor(row / width)))];
  const all = memory?.values.shape[0] ?? 0;
  return {
    layers: selectRows(layers, rows),
    memory: memory === undefined || sentences.length === all ? memory : selectRows(memory, sentences),
    width: rows.length / sentences.length,
  };
}
