import { OptionError, ShapeError } from '../tensor/errors';
import { tensor, tensorOfShape, type TensorOptions, type TensorSource } from '../tensor/factories';
import { isHostData, type HostArray } from '../tensor/host-array';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { reshape } from '../tensor/ops/shape';
import { describe, isPlainObject, positiveInteger } from '../tensor/options';
import { valuesOf, PaddedSequence } from '../tensor/padded-sequence';
import { optional, readOptions } from '../tensor/read-options';
import { scope } from '../tensor/scope';
import { Tensor } from '../tensor/tensor';
import { runBeforeAhead } from './begun-ahead';
import { carriedBy } from './carried';

/** Options of `createStream`. */
export interface StreamOptions {
  /**
   * How many sequences go on side by side; a frame is then a step of each, [N, …]. Left out: one, and frames have no
   * axis for it.
   */
  batchSize?: number | undefined;
}

/** A step of the input: numbers on the host or a tensor; a record of such where `forward` takes one. */
export type StreamFrame = TensorSource | Tensor | { readonly [name: string]: StreamFrame };

/** How a module takes the steps of a sequence: each by itself, from state to state, or all at once. */
export type Stepping = 'each' | 'carried' | 'whole';

/** What a stream needs to know of its model: a Module. */
interface Streamed {
  readonly stepping: Stepping;
  namedModules(): Iterable<readonly [string, Streamed]>;
}

/** Runs the model from a state; undefined at the start. */
type Run = (input: unknown, state: unknown) => unknown;

/**
 * A model that reads sequences step by step, as they come, and remembers where they are: `model.createStream()` makes
 * it. Each step gives what the model gives for that step of the whole sequence, in evaluation mode and without
 * gradients.
 *
 *     const stream = model.createStream();
 *     socket.on('frame', async (frame) => reply(await stream.step(frame)));
 *
 * Steps are taken in the order of the calls, awaited or not. The model may go on training meanwhile: a step uses the
 * weights of its moment.
 *
 * @typeParam Output  what a step gives: a HostArray, or arrays and records of them where `forward` returns such
 */
export class Stream<Output = HostArray> {
  readonly #op: string;
  readonly #model: Streamed;
  readonly #run: Run;
  readonly #place: () => string | undefined;
  readonly #rows: number | undefined;
  #state: unknown;
  /** The state after the last step whose result was read. */
  #sound: unknown;
  /** How often the state was set: a step from before that says nothing of the state of now. */
  #begun = 0;

  /** @param place  the device of parameters and buffers, if there are any @internal */
  constructor(model: Streamed, options: StreamOptions, run: Run, place: () => string | undefined) {
    this.#op = `${model.constructor.name}.createStream`;
    const { batchSize } = readOptions(this.#op, options, { batchSize: optional(positiveInteger) });
    this.#model = model;
    this.#run = run;
    this.#place = place;
    this.#rows = batchSize;
    if (Array.from(model.namedModules()).some(([, { stepping }]) => stepping === 'whole')) throw this.#needsWhole();
    if (this.#isTimeMajor() && batchSize !== undefined)
      throw new OptionError(this.#op, {
        given: `batchSize: ${batchSize} for layers with batchFirst: false`,
        expected: 'layers that take [N, T, D]',
        fix: 'build them with batchFirst: true, or make a stream for each sequence',
      });
  }

  /**
   * Takes one step. Waits for its result, and nothing else does.
   *
   * @param frame  what the model reads in this step, without the axis of time: [D], or a number where each step is one,
   *   as an index for an Embedding; [N, D] or [N] with `batchSize`
   * @returns what the model says of it, without the axis of time; with one of N sequences only if there is `batchSize`
   * @throws {ShapeError} if the frame is not of `batchSize` sequences, or the model does not take it; the state is then
   *   as before
   * @throws {OptionError} if the frame is no numbers, or the model has a state that it does not return
   * @throws {NativeError} if the device refuses it, as an index out of range; the next step goes on from the last one
   *   that it took
   */
  async step(frame: StreamFrame): Promise<Output> {
    const { output, state } = scope(() => this.#advance(frame));
    this.#state = state;
    const begun = this.#begun;
    try {
      const told = (await output) as Output;
      if (begun === this.#begun) this.#settle(state);
      return told;
    } catch (error) {
      // What only the device could see, such as an index out of range, must not spoil the steps to come.
      if (this.#state === state) this.#state = this.#sound;
      throw error;
    }
  }

  /** Notes that a state is sound: the one before it is not gone back to. */
  #settle(state: unknown): void {
    if (this.#sound !== state) for (const x of tensorsIn(this.#sound)) x.dispose();
    this.#sound = state;
  }

  #advance(frame: StreamFrame): { output: Promise<unknown>; state: unknown } {
    const { result, ahead } = runBeforeAhead(() =>
      this.#run(
        this.#read(frame, this.#place()),
        mapTensors(this.#state, (x) => x.detach()),
      ),
    );
    const carried = carriedBy(result);
    if (carried === undefined) this.#checkStateless();
    // Views of their own: what the model returned goes with the scope.
    const state = mapTensors(carried?.state, (x) => x.detach());
    const output = this.#told(carried === undefined ? result : carried.output);
    output.catch(() => undefined); // awaited by whoever took the step; until then it is no unhandled rejection
    for (const begin of ahead) begin();
    return { output, state };
  }

  /** A frame as the model takes it: [N, 1, …]. */
  #read(frame: unknown, device: string | undefined): unknown {
    if (frame instanceof Tensor)
      return reshape(
        frame,
        this.#withTime(frame.shape, () => frame),
      );
    if (isHostData(frame)) {
      const options: TensorOptions = device === undefined ? {} : { device };
      const source = frame as TensorSource;
      return tensorOfShape(source, options, (shape) => this.#withTime(shape, () => tensor(source, options)));
    }
    if (isPlainObject(frame))
      return Object.fromEntries(Object.entries(frame).map(([name, part]) => [name, this.#read(part, device)]));
    throw new OptionError(`${this.#op}: step`, {
      given: `the frame ${describe(frame)}`,
      expected: 'one step: a number, an array of numbers, { data, shape } or a tensor',
      fix: 'pass the features of one step, [D], or its index; a PaddedSequence goes through model.forward',
    });
  }

  /** The shape of a frame with axes for the sequences, where it has none, and for time. @param values  the frame */
  #withTime(shape: readonly number[], values: () => Tensor): number[] {
    if (this.#rows === undefined) return [1, 1, ...shape];
    if (shape[0] === this.#rows) return [this.#rows, 1, ...shape.slice(1)];
    throw new ShapeError(`${this.#op}: step`, {
      given: `a frame ${describe(values())}`,
      expected: `a step of ${this.#rows} sequences, [${this.#rows}, …]`,
      fix: 'give the steps of all sequences, in their order',
    });
  }

  /** What the model says, on the host. */
  async #told(value: unknown): Promise<unknown> {
    if (value instanceof Tensor || value instanceof PaddedSequence) {
      const x = valuesOf(value);
      const shape = x.shape.length > 2 && x.shape[1] === 1 ? x.shape.toSpliced(1, 1) : x.shape;
      return { data: await x.data(), shape: this.#rows === undefined ? shape.slice(1) : shape };
    }
    if (Array.isArray(value)) return Promise.all(value.map((part) => this.#told(part)));
    if (!isPlainObject(value)) return value;
    const parts = Object.entries(value).map(async ([name, part]) => [name, await this.#told(part)] as const);
    return Object.fromEntries(await Promise.all(parts));
  }

  /**
   * Where the sequences are: what the model returned as its state, undefined at the start. Later steps do not change
   * it: to go back, or on from a copy, assign it.
   */
  get state(): unknown {
    return mapTensors(this.#state, (x) => x.detach());
  }

  /** Goes on from another place. @param state  of this or another stream of the model, or undefined */
  set state(state: unknown) {
    const left = new Set([...tensorsIn(this.#state), ...tensorsIn(this.#sound)]);
    this.#state = mapTensors(state, (x) => x.detach());
    this.#sound = this.#state;
    this.#begun++;
    for (const x of left) x.dispose();
  }

  /** Begins anew: the next step is the first of its sequence. */
  reset(): void {
    this.state = undefined;
  }

  #isTimeMajor(): boolean {
    return Array.from(this.#model.namedModules()).some(([, part]) => {
      const options: unknown = Reflect.get(part, 'options');
      return typeof options === 'object' && options !== null && Reflect.get(options, 'batchFirst') === false;
    });
  }

  /** Layers of a model that did not return their state would begin anew at each step. */
  #checkStateless(): void {
    const found = Array.from(this.#model.namedModules()).find(([, part]) => part.stepping === 'carried');
    if (found === undefined) return;
    const [path, part] = found;
    throw new OptionError(`${this.#op}: step`, {
      given: `a model that returns no state, with ${nameOf(path, part)} in it`,
      expected: '{ output, state }, from which the next step goes on',
      fix: 'write forward(input, state) so that it starts from state, undefined at first, and returns its last',
    });
  }

  #needsWhole(): OptionError {
    const parts = Array.from(this.#model.namedModules()).filter(([, part]) => part.stepping === 'whole');
    const [path, part] = parts.at(-1) ?? ['', this.#model];
    return new OptionError(this.#op, {
      given: `${nameOf(path, part)}, which needs the whole sequence`,
      expected: 'layers that read one step after the other',
      fix: 'build the model without it, or collect the steps and call model.forward',
    });
  }
}

const nameOf = (path: string, part: object): string =>
  path === '' ? `the ${part.constructor.name}` : `${path}, a ${part.constructor.name}`;
