import { DataLoader } from '../data/data-loader';
import { BCEWithLogitsLoss } from '../losses/pointwise';
import { LogLoss } from '../metrics/probabilities';
import { AUROC } from '../metrics/ranking';
import { sigmoid } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { Trainer } from '../training/trainer';
import type { EventClassifierNetwork } from './event-classifier-network';
import type { EncodedEvents, EventBatch, EventEncoder } from './event-encoder';
import type { EventHistory } from './event-history';
import type { RecencyFrequencyValue } from './recency-frequency-value';
import type { TaskTrainerParts } from './train-task';

/** What training or a file gives an EventClassifier. */
export interface TrainedEvents {
  readonly encoder: EventEncoder;
  readonly model: EventClassifierNetwork;
  /** What it is compared with. */
  readonly baseline: RecencyFrequencyValue;
  /** Whether it learned from sequences whose label was given, and so looks from the last event of each. */
  readonly labelled: boolean;
}

/** A history in numbers. */
interface EventItem extends EncodedEvents {
  /** 1 if it happened, else 0. */
  readonly target: number;
}

/** A batch of them. */
interface EventTargets extends EventBatch {
  /** [N]. */
  readonly target: Sequence;
}

/** A history in numbers. @throws {OptionError} naming the row, if a cell is none of its column */
export const eventItem = (op: string, encoder: EventEncoder, history: EventHistory): EventItem => ({
  ...encoder.encode(op, history),
  target: Number(history.happened ?? false),
});

/** Batches in the order of the items, for anything but training. */
export const eventLoader = <T>(items: readonly T[]) => new DataLoader(items, { batchSize: 512 });

/** What trains the network, and asks it. */
export function eventTrainer(model: EventClassifierNetwork, parts: Partial<TaskTrainerParts> = {}) {
  const loss = new BCEWithLogitsLoss();
  const from = (scores: Sequence, { target }: EventTargets) => [scores, target] as const;
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: EventTargets) => network.forward(batch),
    loss: (scores, { target }) => loss.forward(scores, target),
    metrics: [
      { metric: new AUROC(), from },
      { metric: new LogLoss({ logits: true }), from },
    ],
  });
}

/** The probability that it happens, of each history. */
export async function eventProbabilities(
  op: string,
  { model, encoder }: TrainedEvents,
  histories: readonly EventHistory[],
): Promise<Float64Array> {
  if (histories.length === 0) return new Float64Array();
  const items = histories.map((history) => encoder.encode(op, history));
  const scores = await eventTrainer(model).predict(eventLoader(items), { join: true });
  const chances = scope(() => sigmoid(scores));
  const data = await chances.data();
  for (const made of [scores, chances]) made.dispose();
  return Float64Array.from(data);
}
