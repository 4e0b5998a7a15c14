import type { MetricCount } from '../metrics/metric';
import type { CheckedMetric } from './check-trainer-options';
import type { Figures } from './epoch-record';
import { comparedBy, type Form } from './form';
import { MeanLoss, type Odd } from './mean-loss';
import type { BatchOutcome } from './step';

/** The figures of batches so far: the loss, then the metrics. They are counted apart from those of other walks. */
export class RunningFigures {
  readonly #form: Form;
  readonly #loss = new MeanLoss();
  readonly #metrics: readonly { readonly use: CheckedMetric; readonly count: MetricCount }[];

  /** Metrics begin anew. */
  constructor(form: Form, metrics: readonly CheckedMetric[]) {
    this.#form = form;
    this.#metrics = metrics.map((use) => ({ use, count: use.metric.begin() }));
  }

  /**
   * Counts a batch, before the scope of its tensors ends.
   *
   * @param training  whether to leave the loss of a batch out of which a term or the gradient is not finite
   * @returns what was not finite, of a batch that was left out
   */
  add({ terms, hints, output, batch, skip }: BatchOutcome, training: boolean): Promise<Odd | undefined> {
    for (const { use, count } of this.#metrics) {
      const [said, target, weight] = comparedBy(this.#form, use, output, batch);
      count.update(said, target, weight === undefined ? hints : { ...hints, weight });
    }
    return this.#loss.add(terms, training, skip);
  }

  /** Whether nothing has counted for the loss so far, as where all labels are ignored. */
  get empty(): boolean {
    return this.#loss.empty;
  }

  /** The figures of all batches so far; NaN where nothing counted. */
  async values(): Promise<Figures> {
    const values = await Promise.all(
      this.#metrics.map(async ({ use, count }) => [use.name, await count.compute()] as const),
    );
    return { loss: this.#loss.value, ...Object.fromEntries(values) };
  }

  /** Lets go of what the metrics have counted. */
  dispose(): void {
    for (const { count } of this.#metrics) count.dispose();
  }
}
