import { counted } from '../tensor/counted';
import { defaultDevice } from '../tensor/device';
import { DTypeError, OptionError, ShapeError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { describe } from '../tensor/options';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { HeldScope, outsideScopes, scopedIn, type Scoped } from '../tensor/scope';
import { checkTensor, type Tensor } from '../tensor/tensor';
import { selectRows } from './select-rows';
import type { DecodeStep } from './step';

/** What a step gave, looked at. */
export interface Told {
  /** [B, V] */
  readonly scores: Tensor;
  /** [B, S] */
  readonly attention: Sequence | undefined;
}

/** What a StepRunner needs to know. */
export interface RunnerOptions<State> {
  readonly start: State;
  readonly endToken?: number | undefined;
  readonly device?: string | undefined;
  readonly selectRows?: ((state: State, rows: readonly number[]) => State) | undefined;
}

/**
 * Calls the step of a search, or of a sample, and keeps the state that it ended in. All that is made meanwhile is
 * disposed of, and nothing has a history.
 *
 * @internal
 */
export class StepRunner<State> {
  readonly #op: string;
  readonly #step: DecodeStep<State>;
  readonly #options: RunnerOptions<State>;
  readonly #device: string;
  #state: State;
  /** Tensors of the state that are ours: not those of `start`. */
  #own: ReadonlySet<Scoped> = new Set();
  #vocabulary: number | undefined;
  #attentive: boolean | undefined;

  constructor(op: string, step: DecodeStep<State>, options: RunnerOptions<State>) {
    if (typeof step !== 'function')
      throw new OptionError(op, {
        given: `${describe(step)} as step`,
        expected: 'a function that takes tokens and a state',
        fix: 'pass (tokens, state) => ({ scores, state })',
      });
    this.#op = op;
    this.#step = step;
    this.#options = options;
    this.#state = options.start;
    this.#device = options.device ?? tensorsIn(options.start)[0]?.device ?? defaultDevice();
  }

  /**
   * Takes a step.
   *
   * @param tokens  the last token of each sequence
   * @param rows    which sequences of the step before these are; undefined for all of them
   * @param use     makes what is wanted of what the step gives: tensors in its result live on, and are the caller's
   */
  async advance<Kept>(
    tokens: readonly number[],
    rows: readonly number[] | undefined,
    use: (told: Told) => Kept,
  ): Promise<Kept> {
    const held = new HeldScope();
    const within = <R>(fn: () => R): R => held.run(() => noGradOf(fn));
    try {
      const before = this.#own;
      const given: unknown = await within(() => this.#call(tokens, rows));
      const { told, state } = this.#check(given, tokens.length);
      const kept = within(() => ({ result: use(told), state: mapTensors(state, (x) => x.detach()) as State }));
      const made = outsideScopes(() => held.close(kept));
      this.#state = kept.state;
      // Not the start's, nor what the step keeps of its own; objects that are no plain ones may hold on to older ones.
      this.#own = new Set([...scopedIn(kept.state)].filter((x) => made.has(x) || before.has(x)));
      for (const x of before) if (!this.#own.has(x)) x.dispose();
      return kept.result;
    } finally {
      held.close(undefined);
    }
  }

  /** Lets go of the state. */
  close(): void {
    for (const x of this.#own) x.dispose();
    this.#own = new Set();
  }

  #call(tokens: readonly number[], rows: readonly number[] | undefined): unknown {
    const choose = this.#options.selectRows ?? selectRows;
    const state = rows === undefined ? this.#state : choose(this.#state, rows);
    const last = tensor(Int32Array.from(tokens), { device: this.#device });
    return this.#step(last, state);
  }

  #check(given: unknown, rows: number): { told: Told; state: unknown } {
    if (typeof given !== 'object' || given === null || !('scores' in given))
      throw new OptionError(this.#op, {
        given: `${describe(given)} from the step`,
        expected: '{ scores, state }',
        fix: 'return the scores of the tokens to come, [B, V], and the state of the next step',
      });
    const scores = this.#checkScores(given.scores, rows);
    const attention = 'attention' in given ? given.attention : undefined;
    this.#attentive ??= attention !== undefined;
    if (this.#attentive !== (attention !== undefined))
      throw new OptionError(this.#op, {
        given: attention === undefined ? 'a step without attention after one with it' : 'attention after steps without',
        expected: 'attention of each step, or of none',
        fix: 'return { scores, state, attention } each time',
      });
    const told = { scores, attention: attention === undefined ? undefined : this.#checkAttention(attention, rows) };
    return { told, state: 'state' in given ? given.state : undefined };
  }

  #checkScores(scores: unknown, rows: number): Tensor {
    checkTensor(scores, this.#op, 'scores of the step');
    const [count, vocabulary = 0] = scores.shape;
    if (scores.rank !== 2 || count !== rows || vocabulary === 0)
      throw new ShapeError(this.#op, {
        given: `scores ${describe(scores)} for ${counted(rows, 'token')}`,
        expected: `[${rows}, V], one row a token`,
        fix: 'take away the axis of time, as by scores.squeeze(1), and take B from tokens.shape: it changes',
      });
    if (scores.dtype !== 'f32' && scores.dtype !== 'f64')
      throw new DTypeError(this.#op, {
        given: `scores ${describe(scores)}`,
        expected: 'f32 or f64',
        fix: "cast them: scores.cast('f32')",
      });
    this.#vocabulary ??= vocabulary;
    if (this.#vocabulary !== vocabulary)
      throw new ShapeError(this.#op, {
        given: `scores ${describe(scores)} after some of ${counted(this.#vocabulary, 'token')}`,
        expected: 'scores of the same tokens at each step',
        fix: 'give a token that must not come the score -Infinity',
      });
    const { endToken } = this.#options;
    if (endToken !== undefined && endToken >= vocabulary)
      throw new OptionError(this.#op, {
        given: `endToken: ${endToken} with scores ${describe(scores)}`,
        expected: `a token in 0..${vocabulary - 1}`,
        fix: 'pass the index of the token that ends a sequence',
      });
    return scores;
  }

  #checkAttention(given: unknown, rows: number): Sequence {
    const values = given instanceof PaddedSequence ? given.values : given;
    checkTensor(values, this.#op, 'attention of the step', 'a Tensor or a PaddedSequence');
    if (values.rank === 2 && values.shape[0] === rows) return given instanceof PaddedSequence ? given : values;
    throw new ShapeError(this.#op, {
      given: `attention ${describe(given)} for ${counted(rows, 'token')}`,
      expected: `[${rows}, S], a row for each token`,
      fix: 'take away the axis of the one step: attention.squeeze(1)',
    });
  }
}

/** `fn` without gradients; also an asynchronous one, until its first await. */
function noGradOf<R>(fn: () => R): R {
  const [result] = noGrad(() => [fn()] as const);
  return result;
}

/** The same attention in tensors of its own: those that a step returns may be its state. @internal */
export const ownAttention = (attention: Sequence): Sequence =>
  attention instanceof PaddedSequence ? attention.detach() : valuesOf(attention).detach();
