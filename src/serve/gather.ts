/** How inputs are gathered. */
export interface GatherOptions<Input, Prediction> {
  /** The answers to several inputs, in their order. */
  readonly predict: (inputs: readonly Input[]) => Promise<ArrayLike<Prediction>>;
  /** Inputs in a call of `predict`. */
  readonly maxBatch: number;
  /** Milliseconds that the first input waits for others while nothing is computed. */
  readonly maxDelay: number;
  /** Inputs that may wait. */
  readonly maxQueue: number;
  /** Is told of each call of `predict` that answered. */
  readonly onBatch?: (inputs: number, seconds: number) => void;
}

/** There is no room for more inputs. */
export class QueueFull extends Error {
  /** @param seconds  after which there may be room again, as far as can be said */
  constructor(readonly seconds: number) {
    super(`The queue is full; there may be room in ${seconds} s.`);
  }
}

/** `predict` failed for one input alone; `cause` is its error. */
export class InputFailed extends Error {
  /** @param index  of the input among the `count` that were added at once */
  constructor(
    readonly index: number,
    readonly count: number,
    override readonly cause: unknown,
  ) {
    super(`Input ${index} of ${count} failed.`);
  }
}

/** An input that waits or is being computed. */
interface Waiting<Input, Prediction> {
  readonly input: Input;
  /** Whether somebody still wants the answer. */
  wanted: boolean;
  readonly answer: (prediction: Prediction) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Gathers inputs that come one by one and computes them in batches, one batch at a time, in the order in which they
 * came. While nothing is computed, a batch begins once it is full or its first input has waited `maxDelay`; while one
 * is computed, inputs gather for the next, which begins with what is there.
 *
 *   add ──► waiting (a bounded queue) ──► predict(batch) ──► answers, each to whom it belongs
 *
 * Where a batch fails, its halves are computed, and theirs, until the inputs are found that fail alone: nobody else
 * notices them.
 */
export class Gatherer<Input, Prediction> {
  readonly #options: GatherOptions<Input, Prediction>;
  readonly #waiting = new Set<Waiting<Input, Prediction>>();
  #stopTimer: (() => void) | undefined;
  #computing = false;
  /** When the call of `predict` began that has not answered yet. */
  #begun: number | undefined;
  #secondsPerInput = 0;

  constructor(options: GatherOptions<Input, Prediction>) {
    this.#options = options;
  }

  /** Inputs that wait. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Seconds since `predict` was called that has not answered yet; 0 while nothing is computed. */
  get secondsComputing(): number {
    return this.#begun === undefined ? 0 : (performance.now() - this.#begun) / 1000;
  }

  /**
   * The answers to several inputs, in their order; they may be computed in different batches.
   *
   * @param signal  drops those that are not computed yet
   * @throws {QueueFull} if they have no room, all together; {InputFailed} of the first input that failed; the signal's
   * reason
   */
  async add(inputs: readonly Input[], signal: AbortSignal): Promise<Prediction[]> {
    signal.throwIfAborted();
    const { maxQueue } = this.#options;
    if (this.#waiting.size + inputs.length > maxQueue)
      throw new QueueFull(Math.max(1, Math.ceil(this.#waiting.size * this.#secondsPerInput)));
    return new Promise((resolve, reject) => {
      const predictions = new Array<Prediction>(inputs.length);
      let missing = inputs.length;
      const end = (): void => {
        signal.removeEventListener('abort', abort);
        for (const item of items) {
          item.wanted = false;
          this.#waiting.delete(item);
        }
      };
      const abort = (): void => {
        end();
        reject(signal.reason);
      };
      const items = inputs.map((input, index) => ({
        input,
        wanted: true,
        answer: (prediction: Prediction) => {
          predictions[index] = prediction;
          missing -= 1;
          if (missing > 0) return;
          end();
          resolve(predictions);
        },
        fail: (error: unknown) => {
          end();
          reject(new InputFailed(index, inputs.length, error));
        },
      }));
      signal.addEventListener('abort', abort);
      for (const item of items) this.#waiting.add(item);
      this.#wake();
    });
  }

  /** Begins a batch, or sees to it that one will begin. */
  #wake(): void {
    if (this.#computing) return;
    const { maxBatch, maxDelay } = this.#options;
    if (this.#waiting.size >= maxBatch) return void this.#compute();
    this.#stopTimer ??= after(maxDelay, () => void this.#compute());
  }

  /** Computes until nothing waits. */
  async #compute(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#computing = true;
    while (this.#waiting.size > 0) await this.#computeBatch(this.#take());
    this.#computing = false;
  }

  /** The inputs of the next batch, which wait no longer. */
  #take(): Waiting<Input, Prediction>[] {
    const batch: Waiting<Input, Prediction>[] = [];
    for (const item of this.#waiting) {
      this.#waiting.delete(item);
      batch.push(item);
      if (batch.length === this.#options.maxBatch) break;
    }
    return batch;
  }

  async #computeBatch(items: readonly Waiting<Input, Prediction>[]): Promise<void> {
    const batch = items.filter(({ wanted }) => wanted);
    if (batch.length === 0) return;
    const start = (this.#begun = performance.now());
    let predictions: ArrayLike<Prediction>;
    try {
      predictions = await this.#options.predict(batch.map(({ input }) => input));
      checkCount(predictions, batch.length);
    } catch (error) {
      this.#begun = undefined;
      if (batch.length === 1 || error instanceof WrongCount) return batch.forEach((item) => item.fail(error));
      const half = Math.ceil(batch.length / 2);
      await this.#computeBatch(batch.slice(0, half));
      return this.#computeBatch(batch.slice(half));
    }
    this.#begun = undefined;
    const seconds = (performance.now() - start) / 1000;
    this.#secondsPerInput = seconds / batch.length;
    this.#options.onBatch?.(batch.length, seconds);
    Array.from(predictions, (prediction, i) => batch[i]?.answer(prediction));
  }
}

/** `predict` is not what it should be, whatever the inputs. */
class WrongCount extends Error {}

function checkCount(predictions: ArrayLike<unknown> | undefined, inputs: number): void {
  if (predictions?.length === inputs) return;
  throw new WrongCount(
    `predict: got ${predictions?.length ?? 'no'} answers to ${inputs} inputs, expected an array with one for each.\n` +
      `  Fix: let predict(inputs) return an array as long as inputs.`,
  );
}

/** Calls `fn` after some milliseconds; after 0, once what has arrived by now has been read. @returns what stops it */
function after(milliseconds: number, fn: () => void): () => void {
  if (milliseconds === 0) {
    const immediate = setImmediate(fn);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(fn, milliseconds);
  return () => clearTimeout(timer);
}
