import type { MetricCount } from '../metrics/metric';
import type { MetricHints } from '../metrics/metric-input';
import type { CheckedMetric } from './check-trainer-options';
import type { EpochRecord, Figures } from './epoch-record';
import { comparedBy, type Form } from './form';
import { MeanLoss, type EmptyTerms, type Odd, type Total } from './mean-loss';
import type { BatchOutcome } from './step';
import { StepReports, type StepReport } from './step-report';
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
  readonly norms: Norms;
}

/** The norms of gradients so far. */
interface Norms {
  readonly count: number;
  readonly sum: number;
  readonly max: number;
}

/** The figures of batches so far: the loss, then the metrics. They are counted apart from those of other walks. */
export class RunningFigures {
  readonly #form: Form;
  readonly #loss = new MeanLoss();
  readonly #reports = new StepReports();
  #norms: Norms = { count: 0, sum: 0, max: 0 };
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
   * @param take      gets what was not finite, of a batch that was left out, once that has been read
   * @returns what of it is read on the host, if anything
   */
  add(
    { report, hints, output, batch }: BatchOutcome,
    training: boolean,
    take?: (odd: Odd | undefined) => void,
  ): Promise<unknown> {
    const compared = this.#metrics.map((metric) => this.#compare(metric, output, batch, hints));
    const read = this.#reports.add(report, (numbers) => {
      const odd = this.#loss.add(numbers, training);
      if (odd === undefined && numbers.norm !== undefined) this.#addNorm(numbers.norm);
      take?.(odd);
    });
    return Promise.all([read, ...compared]);
  }

  /** Takes the report of a step on the batches before, which has no loss of its own. */
  addStep(report: StepReport, training: boolean, take: (odd: Odd | undefined) => void): Promise<unknown> {
    const read = this.#reports.add(report, (numbers) => {
      const odd = this.#loss.add(numbers, training);
      if (odd === undefined && numbers.norm !== undefined) this.#addNorm(numbers.norm);
      take(odd);
    });
    return Promise.resolve(read);
  }

  /** Reads what has not been read. */
  settle(): Promise<void> {
    return this.#reports.flush();
  }

  /** Norm of the gradients over the steps so far; undefined where nothing has measured it. */
  get gradientNorm(): EpochRecord['gradientNorm'] {
    const { count, sum, max } = this.#norms;
    return count === 0 ? undefined : { mean: sum / count, max };
  }

  /** That of a step which the GradScaler has left out is not finite, and does not count. */
  #addNorm(norm: number): void {
    if (!Number.isFinite(norm)) return;
    const { count, sum, max } = this.#norms;
    this.#norms = { count: count + 1, sum: sum + norm, max: Math.max(max, norm) };
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

  /** Of which terms of the loss nothing has counted, so that there is none; undefined where there is one. */
  get empty(): EmptyTerms | undefined {
    return this.#loss.empty;
  }

  /** The figures of all batches so far; NaN where nothing counted. */
  async values(): Promise<Figures> {
    await this.settle();
    const values = await Promise.all(this.#metrics.map(figuresOf));
    return { loss: this.#loss.value, ...Object.fromEntries(values.flat()) };
  }

  /** All that was counted so far, for a checkpoint. */
  async state(): Promise<RunningFiguresState> {
    await this.settle();
    return {
      norms: this.#norms,
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
  loadState({ loss, metrics, norms }: RunningFiguresState): void {
    this.#norms = { ...norms };
    this.#loss.loadState(loss);
    this.#metrics.forEach(({ count }, index) => count.loadState(metrics[index]));
  }

  /** Lets go of what the metrics have counted. */
  dispose(): void {
    this.#reports.dispose();
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
