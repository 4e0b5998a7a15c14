import { full } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { cast } from '../tensor/ops/elementwise';
import { concat, reshape } from '../tensor/ops/shape';
import { keep, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { isRefusal } from './faults';
import type { Measured } from './loss-terms';

/** A term of the loss, of which the report holds `size` numbers. */
export interface ReportedTerm {
  readonly weight: number;
  readonly divisor: Measured['divisor'];
  readonly size: number;
}

/** What the device has to tell of a step: one tensor, so that those of several steps are read at a time. */
export interface StepReport {
  /** Of one axis: the terms, then what of the rest there is, in the order of `rest`. */
  readonly values: Tensor;
  readonly terms: readonly ReportedTerm[];
  readonly rest: readonly (keyof Rest)[];
}

/** What a training step tells beside its loss, each of one element. */
export interface Rest {
  /** Not 0 where the loss or a gradient was not finite, so that the optimizer was to leave the step out. */
  flag?: Tensor | undefined;
  /** Of the gradients, before clipping. */
  norm?: Tensor | undefined;
  /** Of the GradScaler. */
  scale?: Tensor | undefined;
}

/** What a report says, as numbers. */
export interface StepNumbers {
  readonly terms: readonly (ReportedTerm & { readonly values: readonly number[] })[];
  readonly flag?: number;
  readonly norm?: number;
  readonly scale?: number;
}

/** Makes the report of a step, on the device of its loss. */
export function reportOf(measured: readonly Measured[], rest: Rest = {}): StepReport {
  const there = (['flag', 'norm', 'scale'] as const).filter((name) => rest[name] !== undefined);
  const parts = [...measured.map(({ values }) => values), ...there.flatMap((name) => rest[name] ?? [])];
  const terms = measured.map(({ weight, divisor, values }) => ({ weight, divisor, size: values.size }));
  return { values: noGrad(() => (parts.length === 0 ? full([1], 0) : joined(parts))), terms, rest: there };
}

/** Numbers behind one another, in one dtype. */
function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  const dtype = first !== undefined && parts.every((part) => part.dtype === first.dtype) ? first.dtype : 'f64';
  const device = first?.device ?? 'cpu';
  return concat(
    parts.map((part) => reshape((part.dtype === dtype ? part : cast(part, dtype)).to(device), [-1])),
    0,
  );
}

/** Steps whose reports are read at a time; with the two that may be queued beyond, a fault is known within ten. */
const READ_AT_A_TIME = 8;

interface Pending {
  readonly report: StepReport;
  readonly take: (numbers: StepNumbers) => void;
}

/** Reads the reports of steps, several at a time. */
export class StepReports {
  #pending: Pending[] = [];
  #reading: Promise<void> = Promise.resolve();

  /**
   * Takes the report of a step out of the scope that made it.
   *
   * @param take  gets the numbers, in the order of the steps
   * @returns the reading that this step has set off; undefined if others are to be read with it
   */
  add(report: StepReport, take: (numbers: StepNumbers) => void): Promise<void> | undefined {
    this.#pending.push({ report: { ...report, values: keep(report.values) }, take });
    return this.#pending.length < READ_AT_A_TIME ? undefined : this.flush();
  }

  /** Reads what has not been read. */
  flush(): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return this.#reading;
    this.#pending = [];
    const values = pending.map(({ report }) => report.values);
    const read = readAll(values).finally(() => values.forEach((one) => one.dispose()));
    this.#reading = Promise.all([read, this.#reading]).then(([rows]) =>
      pending.forEach(({ report, take }, index) => take(numbersOf(report, rows[index] ?? []))),
    );
    this.#reading.catch(() => undefined); // whoever waits for it gets it
    return this.#reading;
  }

  /** Lets go of what has not been read. */
  dispose(): void {
    for (const { report } of this.#pending) report.values.dispose();
    this.#pending = [];
  }
}

/** The numbers of each; NaN where the device refused to compute them because of NaN. */
async function readAll(values: readonly Tensor[]): Promise<ArrayLike<number>[]> {
  try {
    const { read } = scope(() => ({ read: joined(values).data() }));
    const numbers = Array.from(await read);
    return values.map(({ size }) => numbers.splice(0, size));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return Promise.all(values.map(readOne));
  }
}

async function readOne(values: Tensor): Promise<ArrayLike<number>> {
  try {
    return await values.data();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return new Array<number>(values.size).fill(Number.NaN);
  }
}

function numbersOf({ terms, rest }: StepReport, numbers: ArrayLike<number>): StepNumbers {
  const left = Array.from(numbers);
  const read = terms.map((term) => ({ ...term, values: left.splice(0, term.size) }));
  return { terms: read, ...Object.fromEntries(rest.map((name) => [name, left.shift() ?? Number.NaN])) };
}
