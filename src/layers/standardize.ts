import { isPromise, remedy } from '../tensor/package-copies';
import { OptionError, ShapeError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { type HostArray, readHostValues, toElements } from '../tensor/host-array';
import { noGrad } from '../tensor/grad-mode';
import { copy_, div, sub } from '../tensor/ops/elementwise';
import { describe, isPlainObject, positiveInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { floating, optional, readOptions } from '../tensor/read-options';
import { mapRealSteps } from '../tensor/map-values';
import { Tensor } from '../tensor/tensor';
import { claim } from '../module/allowance';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { BufferTensor } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';

/** Options of a Standardize. */
export interface StandardizeOptions {
  /** Last axis of the input. Default: that of the data given to `fit`. */
  numFeatures?: number | undefined;
  /** Element type of the input. Default f32. */
  dtype?: FloatingDType;
}

/** What `fit` reads: a dataset or an array. */
export interface FitData<Item = unknown> {
  /** Number of items. */
  readonly length: number;
  /** The item at `index`, in 0..length-1. */
  at(index: number): Item;
}

/** Items that are awaited at once: enough for all the threads of a WorkerDataset, and few enough to be in memory. */
const AT_ONCE = 64;

/**
 * Takes each feature to mean 0 and deviation 1 by statistics of the training data, which are saved with the model.
 *
 *   y = (x - mean) / deviation
 *
 * Shapes: input […, D] → the same; mean, deviation [D]. Padding of a PaddedSequence stays zero.
 *
 * @throws {OptionError} if `numFeatures` is not a positive whole number, or an option is unknown
 */
export class Standardize extends Module {
  /** The options; numFeatures is known after `fit`. */
  options: Readonly<Required<StandardizeOptions>>;
  /** [D], zeros before `fit`; undefined while D is unknown. */
  mean: BufferTensor | undefined;
  /** [D], ones before `fit`; undefined while D is unknown. */
  deviation: BufferTensor | undefined;

  constructor(options: StandardizeOptions = {}) {
    super();
    this.options = readOptions('Standardize', options, { numFeatures: optional(positiveInteger), dtype: floating });
    const { numFeatures } = this.options;
    if (numFeatures !== undefined) {
      claim([numFeatures], 2);
      this.#set(new Float64Array(numFeatures), new Float64Array(numFeatures).fill(1));
    }
  }

  /**
   * Measures mean and standard deviation (divided by n) of each feature over all steps of the data. A feature that does
   * not vary gets deviation 1.
   *
   *     const standardize = await new Standardize().fit(recordings);   // a WorkerDataset
   *
   * @param data  a dataset of items { input }, or an array of inputs: host arrays or nested arrays […, D] on the host
   * @returns the layer; of a dataset whose items are promises, as of a WorkerDataset, a promise of it, which rejects
   * with what an item rejects with. Up to 64 items are asked for at once
   * @throws {ShapeError} if there is no step, or the items have different last axes
   * @throws {OptionError} if `data` is neither, or an item is no host data, or holds NaN or infinity
   */
  fit(data: readonly unknown[]): this;
  fit(data: FitData<Promise<unknown>>): Promise<this>;
  fit(data: FitData): this;
  fit(data: FitData): this | Promise<this> {
    checkItems(data);
    const statistics = new Statistics();
    for (let index = 0; index < data.length; index++) {
      const item = data.at(index);
      if (isPromise(item) && !Array.isArray(data)) return this.#fitAwaited(data, statistics, { index, item });
      statistics.add(inputOf(item, index), index);
    }
    return this.#take(statistics);
  }

  /** The rest of `fit`, from the first item that is a promise. */
  async #fitAwaited(data: FitData, statistics: Statistics, first: { index: number; item: unknown }): Promise<this> {
    for (let start = first.index; start < data.length; start += AT_ONCE) {
      const count = Math.min(AT_ONCE, data.length - start);
      const indices = Array.from({ length: count }, (_, place) => start + place);
      // An async function each: what `at` throws is a rejection, too, and Promise.all leaves none unhandled.
      const asked = indices.map(async (index) => (index === first.index ? first.item : data.at(index)));
      const items = await Promise.all(asked);
      items.forEach((item, place) => statistics.add(inputOf(item, start + place), start + place));
    }
    return this.#take(statistics);
  }

  #take(statistics: Statistics): this {
    const { mean, deviation } = statistics.result(this.options.numFeatures);
    this.#set(mean, deviation);
    return this;
  }

  #set(mean: Float64Array, deviation: Float64Array): void {
    const { dtype } = this.options;
    const fresh = (data: Float64Array): Tensor => tensor({ data, shape: [data.length] }, { dtype });
    const [newMean, newDeviation] = [fresh(mean), fresh(deviation)];
    if (this.mean !== undefined && this.deviation !== undefined) {
      const [oldMean, oldDeviation] = [this.mean, this.deviation];
      noGrad(() => [copy_(oldMean, newMean), copy_(oldDeviation, newDeviation)]);
    } else {
      this.mean = new BufferTensor(newMean);
      this.deviation = new BufferTensor(newDeviation);
      this.options = Object.freeze({ ...this.options, numFeatures: mean.length });
    }
    newMean.dispose();
    newDeviation.dispose();
  }

  /**
   * @throws {OptionError} before `fit`, if the layer was built without numFeatures
   * @throws {ShapeError} if the last axis of `input` is not numFeatures
   */
  forward<X extends Sequence>(input: X): X {
    checkSequence('Standardize.forward', input);
    const { mean, deviation } = this;
    if (mean === undefined || deviation === undefined) {
      throw new OptionError('Standardize.forward', {
        given: 'a layer that was not fitted',
        expected: 'mean and deviation of the training data',
        fix: 'call fit(train) first, or build it with numFeatures and load its state',
      });
    }
    if (input.shape.at(-1) !== mean.shape[0]) {
      throw new ShapeError('Standardize.forward', {
        given: `input ${describe(input)}`,
        expected: `last axis ${mean.shape[0]} (numFeatures)`,
        fix: 'fit the layer on data with the same features',
      });
    }
    return mapRealSteps(input, (values) => div(sub(values, mean), deviation));
  }
}

/** Refuses what has no items, such as a DataLoader, which has batches. */
function checkItems(data: unknown): void {
  if (typeof data === 'object' && data !== null && 'at' in data && typeof data.at === 'function') return;
  throw new OptionError('Standardize.fit', {
    given: describe(data),
    expected: 'a dataset, or an array of inputs',
    fix: 'fit on the items themselves, before a DataLoader makes batches of them',
  });
}

/** The host array in an item of a dataset or array. */
function inputOf(item: unknown, index: number): HostArray {
  const input: unknown = typeof item === 'object' && item !== null && 'input' in item ? item.input : item;
  const host =
    input instanceof Tensor ? undefined : readHostValues('Standardize.fit', input, () => ` in item ${index}`);
  if (host !== undefined) return { data: toElements('Standardize.fit', host.data, 'f64'), shape: host.shape };
  throw new OptionError('Standardize.fit', {
    given: `${describe(input)} as item ${index}`,
    expected: 'a host array or nested arrays […, D]',
    fix: fixOf(),
  });

  function fixOf(): string {
    if (input === null || input === undefined) return 'leave such items out';
    return isPlainObject(input)
      ? 'name the numbers input, as in { input, target }, or map the items to them: items.map((item) => item.x)'
      : remedy(input, 'fit on the data before they become tensors');
  }
}

/** Sums over steps, shifted by the first step so that large means cost no digits. */
class Statistics {
  #count = 0;
  #shift: Float64Array | undefined;
  #sum = new Float64Array(0);
  #squares = new Float64Array(0);

  add({ data, shape }: HostArray, index: number): void {
    if (data.length === 0) return; // [] says nothing of its features
    const features = shape.at(-1) ?? 0;
    const shift = (this.#shift ??= this.#start(data, features));
    if (shape.length === 0 || features !== shift.length) {
      throw new ShapeError('Standardize.fit', {
        given: `item ${index} of shape ${describe(shape)}`,
        expected: `last axis ${shift.length}, as item 0`,
        fix: 'give all items the same features',
      });
    }
    for (let start = 0; start < data.length; start += features) {
      for (let feature = 0; feature < features; feature++) {
        const value = (data[start + feature] ?? 0) - (shift[feature] ?? 0);
        if (!Number.isFinite(value)) {
          throw new OptionError('Standardize.fit', {
            given: `${data[start + feature]} in item ${index}, feature ${feature}`,
            expected: 'finite numbers',
            fix: 'clean the data, or leave the item out',
          });
        }
        this.#sum[feature] = (this.#sum[feature] ?? 0) + value;
        this.#squares[feature] = (this.#squares[feature] ?? 0) + value * value;
      }
      this.#count += 1;
    }
  }

  #start(data: ArrayLike<number>, features: number): Float64Array {
    this.#sum = new Float64Array(features);
    this.#squares = new Float64Array(features);
    return Float64Array.from({ length: features }, (_, feature) => data[feature] ?? 0);
  }

  result(expected: number | undefined): { mean: Float64Array; deviation: Float64Array } {
    const shift = this.#shift;
    if (shift === undefined || this.#count === 0)
      throw new ShapeError('Standardize.fit', {
        given: 'data without a step',
        expected: 'at least one step',
        fix: 'fit on the training data',
      });
    if (expected !== undefined && shift.length !== expected) {
      throw new ShapeError('Standardize.fit', {
        given: `data of ${shift.length} features`,
        expected: `${expected} (numFeatures)`,
        fix: `build the layer with numFeatures: ${shift.length}, or without`,
      });
    }
    const offsets = this.#sum.map((sum) => sum / this.#count);
    const deviation = this.#squares.map((squares, feature) => {
      const variance = squares / this.#count - (offsets[feature] ?? 0) ** 2;
      return variance > 0 ? Math.sqrt(variance) : 1;
    });
    return { mean: offsets.map((offset, feature) => offset + (shift[feature] ?? 0)), deviation };
  }
}
