import { Linear } from '../layers/linear';
import { BCEWithLogitsLoss } from '../losses/pointwise';
import { Adam } from '../optimizers/adam';
import { tensor, zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { scope } from '../tensor/scope';
import { numberIn } from './event-cells';
import { scaled, scaleOf, type NumberScale } from './event-encoder';
import type { EventHistory } from './event-history';

/** A trained RecencyFrequencyValue: plain data, as it stands in the file of a task. */
export interface RecencyFrequencyValueParts {
  /** The column of what an event is worth, if there is one. */
  readonly value: string | undefined;
  /** Of each feature. */
  readonly scales: readonly NumberScale[];
  readonly weights: readonly number[];
  readonly bias: number;
}

/** Steps of the training at most, and after how many to look whether it is done. */
const [STEPS, LOOK] = [1000, 50];
/** It is done when the loss falls by less. */
const SETTLED = 1e-6;

/**
 * The logistic regression that purchases are predicted with as a rule, to compare with:
 *
 *   p = σ(w · (log(1 + days since the last event), log(1 + number of events), log(1 + their mean value)) + b)
 *
 * with features of mean 0 and deviation 1, and without the value where no column holds one.
 */
export class RecencyFrequencyValue {
  readonly parts: RecencyFrequencyValueParts;

  constructor(parts: RecencyFrequencyValueParts) {
    this.parts = parts;
  }

  /** What it is called in an evaluation. */
  get name(): string {
    const { value } = this.parts;
    return `logistic regression on recency${value === undefined ? ' and frequency' : ', frequency, value'}`;
  }

  /** Learns from histories, all at once in each step, until the loss falls no more. */
  static async fit(
    op: string,
    histories: readonly EventHistory[],
    value: string | undefined,
  ): Promise<RecencyFrequencyValue> {
    const rows = histories.map((history) => featuresOf(op, history, value));
    const scales = (rows[0] ?? []).map((_, column) =>
      scaleOf(
        rows.map((row) => row[column] ?? 0),
        true,
      ),
    );
    const happened = histories.map(({ happened: did }) => Number(did ?? false));
    const { weights, bias } = await regress(
      rows.map((row) => scaledRow(row, scales)),
      happened,
    );
    return new RecencyFrequencyValue({ value, scales, weights, bias });
  }

  /** That it happens, of each history. */
  probabilities(op: string, histories: readonly EventHistory[]): Float64Array {
    const { value, scales, weights, bias } = this.parts;
    return Float64Array.from(histories, (history) => {
      const row = scaledRow(featuresOf(op, history, value), scales);
      const score = row.reduce((sum, feature, column) => sum + feature * (weights[column] ?? 0), bias);
      return 1 / (1 + Math.exp(-score));
    });
  }
}

/** Recency, frequency and value. */
function featuresOf(op: string, { events, cutOff }: EventHistory, value: string | undefined): number[] {
  const rf = [cutOff - (events.at(-1)?.days ?? cutOff), events.length];
  if (value === undefined) return rf;
  const values = events.map((event) => numberIn(op, event, value)).filter((one) => one !== undefined);
  return [...rf, values.reduce((sum, one) => sum + one, 0) / Math.max(values.length, 1)];
}

const scaledRow = (row: readonly number[], scales: readonly NumberScale[]): number[] =>
  scales.map((scale, column) => scaled(row[column] ?? 0, scale));

/** The weights whose cross entropy is the least. */
async function regress(
  rows: readonly (readonly number[])[],
  happened: readonly number[],
): Promise<{ weights: number[]; bias: number }> {
  const [inputs, targets] = [tensor(rows.map((row) => [...row])), tensor(happened.map((did) => [did]))];
  const inFeatures = rows[0]?.length ?? 0;
  const model = new Linear({ inFeatures, outFeatures: 1 });
  scope(() => model.loadStateDict({ weight: zeros([1, inFeatures]), bias: zeros([1]) }));
  const [loss, optimizer] = [new BCEWithLogitsLoss(), new Adam(model.parameters(), { learningRate: 0.1 })];
  const step = (): void =>
    scope(() => {
      optimizer.zeroGrad();
      loss.forward(model.forward(inputs), targets).backward();
      optimizer.step();
    });
  const lossNow = async (): Promise<number> => {
    const now = scope(() => noGrad(() => loss.forward(model.forward(inputs), targets)));
    const value = await now.item();
    now.dispose();
    return value;
  };
  for (let [done, before] = [0, Infinity]; done < STEPS; done += LOOK) {
    for (let at = 0; at < LOOK; at++) step();
    const now = await lossNow();
    if (before - now < SETTLED) break;
    before = now;
  }
  const weights = Array.from(await model.weight.data());
  const bias = (await model.bias?.data())?.[0] ?? 0;
  optimizer.zeroGrad();
  optimizer.dispose();
  for (const made of [inputs, targets, ...model.parameters()]) made.dispose();
  return { weights, bias };
}
