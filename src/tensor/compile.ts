import { binding } from '../native/load';
import { markOf, remedy } from './package-copies';
import { isDebug } from './debug';
import { defaultDevice } from './device';
import { isDeterministic, mathMode } from './math-mode';
import { OptionError } from './errors';
import { isGradEnabled, noGrad } from './grad-mode';
import { isPlainObject, describe, positiveInteger } from './options';
import { mapTensors } from './nested-tensors';
import { clone } from './ops/elementwise';
import { PaddedSequence } from './padded-sequence';
import { insideStep, takeNotes, type Notes } from './replay-notes';
import { readOptions, withDefault } from './read-options';
import { countsRows } from './batch-rows';
import { refusePromise, scope } from './scope';
import { idsOf, Tensor, wrap } from './tensor';

/** Options of `compile`. */
export interface CompileOptions {
  /** How many recordings to keep; the one unused for longest goes. Default 16. */
  maxRecordings?: number;
}

/** What a compiled step has beside being a function. */
export interface CompiledStep {
  /** How many recordings there are now. */
  readonly recordings: number;
  /**
   * How many calls so far were replays of a recording. One that stays at 0 gains nothing; a warning of the process says
   * so after a while.
   */
  readonly replays: number;
  /**
   * Why replays run their ops one by one although the device could run them as a graph, such as a call of CUDA's that
   * cannot be captured; the results are the same, and each call takes longer. Undefined where replays are graphs, on
   * the CPU, and before a graph was tried, which is in the third call of a kind; the device is behind the calls, so
   * look after a read. Under `setDebug(true)` a warning of the process says it too.
   */
  readonly fallback: string | undefined;
  /** Drops all recordings and their memory. The next calls record again. */
  clear(): void;
}

/**
 * One kind of call: arguments, modes and options that the same recording fits. Its first call runs plainly; the second
 * makes the recording, `recorded`.
 */
interface Variant {
  key: string;
  notes: Notes;
  recorded?: Recorded;
}

interface Recorded {
  number: number;
  /** What the recorded run returned: replays return objects and arrays of the same structure, with new tensors. */
  result: unknown;
}

/** After at least so many calls in a row that were no replays, a warning says so. */
const UNLIKE_CALLS = 32;

/** How many variants without a recording are kept for each recording that may be kept; they cost little. */
const PENDING_FOR_EACH = 4;

/** The recordings of one step. */
class Recordings<A extends unknown[], R> {
  readonly #step: (...args: A) => R;
  readonly #most: number;
  /** The recordings' numbers. The finalizer holds this set, which therefore must not refer to this object. */
  readonly #numbers: Set<number>;
  #variants: Variant[] = []; // the one used last comes first
  #unlike = 0; // calls since the last replay
  #warned = false;
  #toldFallback = false;
  replays = 0;

  constructor(step: (...args: A) => R, most: number, numbers: Set<number>) {
    this.#step = step;
    this.#most = most;
    this.#numbers = numbers;
  }

  get count(): number {
    return this.#numbers.size;
  }

  get fallback(): string | undefined {
    for (const number of this.#numbers) {
      const reason = binding.recordingFallback(number);
      if (reason !== '') return reason;
    }
    return undefined;
  }

  clear(): void {
    for (const number of this.#numbers) binding.dropRecording(number);
    this.#numbers.clear();
    this.#variants = [];
  }

  run(args: A): R {
    if (insideStep()) return this.#step(...args); // a part of the step around it
    const tensors: Tensor[] = [];
    const modes = `${isGradEnabled()} ${mathMode()} ${isDeterministic()} ${defaultDevice()}`;
    const key = `${modes} ${keyOf(args, tensors, new Set())}`;
    const variant = this.#variants.find((known) => known.key === key && fits(known));
    this.#note(key, variant);
    if (variant === undefined) return this.#runPlainly(key, args);
    const recorded = (variant.recorded ??= this.#record(variant, args, tensors));
    if (isDebug()) this.#tellFallback(recorded.number);
    this.#variants = [variant, ...this.#variants.filter((other) => other !== variant)];
    this.#shorten();
    for (const effect of variant.notes.effects) effect();
    const results = binding.replay(recorded.number, idsOf(tensors, 'compile', 'arguments')).map(wrap);
    let next = 0;
    return mapTensors(recorded.result, (x) => results[next++] ?? x) as R;
  }

  /** Counts replays, and warns once where there are none. */
  #note(key: string, variant: Variant | undefined): void {
    if (variant?.recorded !== undefined) {
      this.replays++;
      this.#unlike = 0;
      return;
    }
    if (++this.#unlike < Math.max(UNLIKE_CALLS, PENDING_FOR_EACH * this.#most) || this.#warned) return;
    this.#warned = true;
    const same = variant === undefined && this.#variants.some((known) => known.key === key);
    const [reason, fix] = same
      ? [
          'a mode, an option, a leaf or its gradient was another each time',
          'let train(), requiresGrad, gradients and what the step reads outside of its arguments be as they were',
        ]
      : [
          'their shapes, lengths or other arguments differed',
          'let batches come in few shapes with the same lengths, pass what changes as tensors, raise maxRecordings, ' +
            'or call the step itself',
        ];
    process.emitWarning(
      `compile: got ${this.#unlike} calls in a row none of which could be replayed, because ${reason}; ` +
        'expected calls that are alike.\n' +
        `  Fix: ${fix}.`,
      { type: 'StmnetWarning', code: 'STM_COMPILE_NO_REPLAY' },
    );
  }

  /** Warns once where a recording does not run as the graph that it could be. */
  #tellFallback(number: number): void {
    const reason = this.#toldFallback ? '' : binding.recordingFallback(number);
    if (reason === '') return;
    this.#toldFallback = true;
    process.emitWarning(
      `compile: got a step that cannot run as a graph, because of ${reason}; expected one that can.\n` +
        '  Fix: none is needed, its ops run one by one; where that is too slow, leave out of the step what is named.',
      { type: 'StmnetWarning', code: 'STM_COMPILE_NO_GRAPH' },
    );
  }

  /** Runs the step, and applies `outside` to each tensor in its result. */
  #call(args: A, outside: (x: Tensor) => Tensor): unknown {
    const result = this.#step(...args);
    refusePromise('compile', result);
    checkResult(result, new Set());
    return mapTensors(result, outside);
  }

  /**
   * Runs the step without recording it, so that state that is made on first use, such as an optimizer's, exists before
   * a recording is made. Its results are copies, as those of replays are.
   */
  #runPlainly(key: string, args: A): R {
    const { result, notes } = takeNotes(false, () => scope(() => this.#call(args, (x) => noGrad(() => clone(x)))));
    this.#variants.unshift({ key, notes });
    this.#shorten();
    return result as R;
  }

  #record(variant: Variant, args: A, tensors: readonly Tensor[]): Recorded {
    const own = binding.beginRecording(idsOf(tensors, 'compile', 'arguments')).map(wrap);
    try {
      let next = 0;
      const substitutes = mapTensors(args, (x) => own[next++] ?? x) as A;
      const { result, notes } = takeNotes(true, () => scope(() => this.#call(substitutes, (x) => x.detach())));
      const results: Tensor[] = [];
      mapTensors(result, (x) => {
        results.push(x);
        return x;
      });
      const number = binding.endRecording(idsOf(results, 'compile', 'results'));
      for (const x of results) x.dispose();
      this.#numbers.add(number);
      variant.notes = notes;
      return { number, result };
    } catch (error) {
      binding.abandonRecording();
      throw error;
    } finally {
      for (const x of own) x.dispose();
    }
  }

  /** Lets go of what was not used for longest. */
  #shorten(): void {
    let [recorded, pending] = [0, 0];
    this.#variants = this.#variants.filter((variant) => {
      if (variant.recorded === undefined) return ++pending <= PENDING_FOR_EACH * this.#most;
      if (++recorded <= this.#most) return true;
      binding.dropRecording(variant.recorded.number);
      this.#numbers.delete(variant.recorded.number);
      return false;
    });
  }
}

function fits({ notes, recorded }: Variant): boolean {
  for (const holds of notes.conditions.values()) if (!holds()) return false;
  return recorded === undefined || binding.recordingFits(recorded.number);
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/**
 * Text that is equal for arguments that can share a recording. Also puts the argument's tensors into `tensors`.
 *
 * @param above  the objects that contain `value`, to notice one that contains itself
 */
function keyOf(value: unknown, tensors: Tensor[], above: ReadonlySet<object>): string {
  if (value instanceof Tensor) return tensorKey(value, tensors);
  if (value instanceof PaddedSequence) {
    const toBeCleared = value.isZeroPadded ? '' : '*';
    return `${tensorKey(value.values, tensors)}~${value.lengths.join()}${toBeCleared}`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value);
  if (ArrayBuffer.isView(value)) {
    throw new OptionError('compile', {
      given: `the argument ${describe(value)}`,
      expected: 'tensors for what changes from call to call',
      fix: 'make a tensor of it first: tensor({ data, shape })',
    });
  }
  if (markOf(value)?.own === false) {
    throw new OptionError('compile', {
      given: `the argument ${describe(value)}`,
      expected: 'tensors of this copy',
      fix: remedy(value, ''),
    });
  }
  if (above.has(value))
    throw new OptionError('compile', {
      given: 'an argument that holds itself',
      expected: 'arrays and objects without cycles',
      fix: 'pass the tensors alone',
    });
  const below = new Set([...above, value]);
  if (Array.isArray(value)) return `[${value.map((part) => keyOf(part, tensors, below)).join()}]`;
  if (isPlainObject(value))
    return `{${Object.entries(value)
      .map(([name, part]) => `${JSON.stringify(name)}:${keyOf(part, tensors, below)}`)
      .join()}}`;
  const known = identities.get(value) ?? ++lastIdentity;
  identities.set(value, known);
  return `#${known}`;
}

function tensorKey(x: Tensor, tensors: Tensor[]): string {
  if (x.requiresGrad) {
    throw new OptionError('compile', {
      given: `the argument ${describe(x)}, which requires a gradient`,
      expected: 'arguments without history',
      fix: 'let the step find parameters outside of its arguments; detach() anything else',
    });
  }
  tensors.push(x);
  return `${x.dtype}[${x.shape.join()}]${countsRows(x) ? ' of rows' : ''}@${x.device}`;
}

/** @throws {OptionError} if a replay could not give such a result */
function checkResult(value: unknown, above: ReadonlySet<object>): void {
  if (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') ||
    value instanceof Tensor ||
    value instanceof PaddedSequence
  )
    return;
  if (typeof value === 'object' && !above.has(value) && (Array.isArray(value) || isPlainObject(value))) {
    for (const part of Object.values(value)) checkResult(part, new Set([...above, value]));
    return;
  }
  throw new OptionError('compile', {
    given: `the result ${describe(value)}`,
    expected: 'tensors, PaddedSequences, arrays and plain objects of them, or nothing',
    fix: 'return the tensors alone',
  });
}

const finalizer = new FinalizationRegistry<Set<number>>((numbers) => {
  for (const number of numbers) binding.dropRecording(number);
});

/**
 * A function that does what `step` does, without its JavaScript: the ops of a call are recorded once and then repeated,
 * on a CUDA device as one graph. Each call is exactly one step, with the bits that `step` itself would give, on a CUDA
 * device as far as recurrent layers keep to one algorithm: with `algo: 'standard'` or under `setDeterministic(true)`.
 * Worth it where the ops are small.
 *
 *     const train = compile((x: Tensor, y: Tensor) => {
 *       const loss = crossEntropy(model.forward(x), y);
 *       optimizer.zeroGrad();
 *       loss.backward();
 *       optimizer.step();
 *       return loss;
 *     });
 *     for (const [x, y] of batches) train(x, y);
 *
 * There is a recording for each kind of call: shapes, dtypes, devices of the tensors and lengths of the PaddedSequences
 * among the arguments, the values of numbers, strings and booleans, the identity of other objects, train or eval,
 * whether gradients are on and are there, math mode, an optimizer's options. The first call of a kind runs `step`
 * itself, the second records it. What else JavaScript decides, and data that it brings in (`tensor([…])`), stays as it
 * was when recorded; so does the choice of tensors outside of the arguments. State that goes from call to call is
 * changed in place, or is an argument and a result. A schedule's `step()` belongs outside; learning rates, the number
 * of steps and random numbers go on as ever. A step whose calls are never alike is slower than `step` itself: the
 * process warns once (`STM_COMPILE_NO_REPLAY`) after 4 · maxRecordings calls in a row, at least 32, that were no
 * replays. What a CUDA device cannot capture as a graph runs op by op, with the same results; `fallback` of the
 * compiled step says why.
 *
 * As in `scope`, tensors made in the step and not returned are let go. Results have no history. After a call a
 * parameter's `grad` is that of its step, and is overwritten by the next.
 *
 * @param step  takes and returns tensors and PaddedSequences, also in arrays and plain objects; other arguments are
 * allowed too. It must not read values, wait, move
 *              tensors to another device, or change an argument in place
 * @throws {OptionError} if `step` does such a thing, when it is called
 */
export function compile<A extends unknown[], R>(
  step: (...args: A) => R,
  options: CompileOptions = {},
): ((...args: A) => R) & CompiledStep {
  if (typeof step !== 'function')
    throw new OptionError('compile', {
      given: describe(step),
      expected: 'a function',
      fix: 'pass the step: compile((x, y) => …)',
    });
  const { maxRecordings } = readOptions('compile', options, { maxRecordings: withDefault(positiveInteger, 16) });
  const numbers = new Set<number>();
  const recordings = new Recordings(step, maxRecordings, numbers);
  const compiled = (...args: A): R => recordings.run(args);
  finalizer.register(compiled, numbers);
  return Object.defineProperties(compiled, {
    recordings: { get: () => recordings.count, enumerable: true },
    replays: { get: () => recordings.replays, enumerable: true },
    fallback: { get: () => recordings.fallback, enumerable: true },
    clear: { value: () => recordings.clear() },
  }) as typeof compiled & CompiledStep;
}
