import type { MetricCount } from '../metrics/metric';
import type { MetricHints } from '../metrics/metric-input';
import type { CheckedMetric } from './check-trainer-options';
import type { Figures } from './epoch-record';
import { comparedBy, type Form } from './form';
import { MeanLoss, type Odd, type Total } from './mean-loss';
import type { BatchOutcome } from './step';
import type { MetricComparison } from './trainer-options';

/** A metric and its count, and the batches before that are still being read. */
interface CountedMetric {
  readonly use: CheckedMetric;
  readonly count: MetricCount;
  before?: Promise<void>;
}

/** What a checkpoint keeps of the figures of a running epoch. */
export interface RunningFiguresState {
  readonly loss: readonly Total[];
  readonly metrics: readonly unknown[];
}

/** The figures of batches so far: the loss, then the metrics. They are counted apart from those of other walks. */
export class RunningFigures {
  readonly #form: Form;
  readonly #loss = new MeanLoss();
  readonly #metrics: readonly CountedMetric[];

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
    const compared = this.#metrics.map((metric) => this.#compare(metric, output, batch, hints));
    const loss = this.#loss.add(terms, training, skip);
    return compared.every((reading) => reading === undefined)
      ? loss
      : Promise.all([loss, ...compared]).then(([odd]) => odd);
  }

  /** Lets a metric count a batch: at once, or when its `from` has read what it compares, in the batches' order. */
  #compare(metric: CountedMetric, output: unknown, batch: object, hints: MetricHints): Promise<void> | undefined {
    const update = ([said, target, weight]: MetricComparison): void =>
      metric.count.update(said, target, weight === undefined ? hints : { ...hints, weight });
    const compared = comparedBy(this.#form, metric.use, output, batch);
    if (!(compared instanceof Promise)) {
      update(compared);
      return undefined;
    }
    const reading = Promise.all([compared, metric.before]).then(([parts]) => update(parts));
    reading.catch(() => undefined); // where another metric throws, nobody waits for this one
    metric.before = reading;
    return reading;
  }

  /** Whether nothing has counted for the loss so far, as where all labels are ignored. */
  get empty(): boolean {
    return this.#loss.empty;
  }

  /** The figures of all batches so far; NaN where nothing counted. */
  async values(): Promise<Figures> {
    const values = await Promise.all(this.#metrics.map(figuresOf));
    return { loss: this.#loss.value, ...Object.fromEntries(values.flat()) };
  }

  /** All that was counted so far, for a checkpoint. */
  async state(): Promise<RunningFiguresState> {
    return {
      metrics: await Promise.all(
        this.#metrics.map(async ({ before, count }) => {
          await before;
          return count.state();
        }),
      ),
      loss: this.#loss.state(),
    };
  }

  /** Goes on from there. */
  loadState({ loss, metrics }: RunningFiguresState): void {
    this.#loss.loadState(loss);
    this.#metrics.forEach(({ count }, index) => count.loadState(metrics[index]));
  }

  /** Lets go of what the metrics have counted. */
  dispose(): void {
    for (const { count } of this.#metrics) count.dispose();
  }
}

/** The value of a metric and its further figures, with their names. */
async function figuresOf({ use, count }: CountedMetric): Promise<(readonly [name: string, value: number])[]> {
  const value = await count.compute();
  if (use.metric.figureNames.length === 0) return [[use.name, value]];
  const further = Object.entries(await count.figures());
  return [[use.name, value], ...further.map(([name, figure]) => [`${use.name}.${name}`, figure] as const)];
}
