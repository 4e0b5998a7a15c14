import { Accuracy } from '../metrics/accuracy';
import { crossEntropy } from '../tensor/ops/losses';
import type { Sequence } from '../tensor/padded-sequence';
import { Trainer } from '../training/trainer';
import type { PairExample } from './pair-examples';
import type { EncodedPair } from './pair-text';
import type { Seq2SeqSettings } from './seq2seq-options';
import type { PairBatch } from './seq2seq-network';
import { withOwnTokens } from './seq2seq-sampling';
import type { TrainedPairs } from './seq2seq-writing';
import type { TaskTrainerParts } from './train-task';

/** A batch of pairs, and what has to be written. */
interface TeachingBatch extends PairBatch {
  /** Tokens of the targets, each with its end, i32 [N, T]. */
  readonly target: Sequence;
}

/** Pairs in numbers. */
export const itemsOf = ({ text }: TrainedPairs, pairs: readonly PairExample[]): EncodedPair[] =>
  pairs.map((pair) => text.encode(pair));

/** Steps of a pair. */
export const lengthOf = ({ target }: EncodedPair): number => target.length;

/** What trains the network with the targets of the examples, and measures it. */
export function seq2SeqTrainer(
  { model }: TrainedPairs,
  { labelSmoothing, scheduledSampling }: Pick<Seq2SeqSettings, 'labelSmoothing' | 'scheduledSampling'>,
  parts: Partial<TaskTrainerParts> = {},
) {
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: TeachingBatch) => {
      const samples = network.training && scheduledSampling > 0;
      return network.forward(samples ? withOwnTokens(network, batch, scheduledSampling) : batch);
    },
    loss: (scores, { target }) => crossEntropy(scores, target, model.training ? { labelSmoothing } : {}),
    metrics: [{ metric: new Accuracy(), from: (scores, { target }) => [scores, target] as const }],
  });
}
