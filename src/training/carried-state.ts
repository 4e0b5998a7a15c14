import { carriedBy, type Carried } from '../module/carried';
import { detach } from '../module/detach';
import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { isFinite, logicalNot, maskedFill } from '../tensor/ops/elementwise';
import { describe } from '../tensor/options';
import { keep } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';

/**
 * Takes apart what a model with state returns.
 *
 * @param result  { output, state }, or { output, ...state } as recurrent layers return
 * @throws {OptionError} if it has no output, or no state
 */
export function splitState(result: unknown): Carried {
  const carried = carriedBy(result);
  if (carried !== undefined) return carried;
  throw new OptionError('Trainer: the output of the model', {
    given: describe(result),
    expected: '{ output, state } or { output, h, c }, since carryState is on',
    fix: 'write forward(input, state) so that it starts from state, undefined at first, and returns what it ends with',
  });
}

/**
 * State that goes from one batch to the next, without history: gradients stop between batches. Its tensors live until
 * the next state takes their place.
 */
export class CarriedState {
  #state: unknown;
  #rows: number | undefined;

  /**
   * For a batch of so many rows. Undefined at the start, and where rows differ: other rows are other sequences. The
   * tensors belong to the scope of the step, so that the model may return them as its output.
   */
  for(rows: number | undefined): unknown {
    if (rows !== this.#rows) this.reset();
    this.#rows = rows;
    return detach(this.#state);
  }

  /**
   * Puts the state of a batch in the place of the one before. Where it is NaN or infinite it becomes 0: one bad batch
   * must not spoil those that follow.
   */
  put(state: unknown): void {
    const before = this.#state;
    this.#state = noGrad(() => keep(mapTensors(state, (x) => finite(x.detach()))));
    dispose(before);
  }

  /** What goes to the next batch, for a checkpoint. */
  state(): CarriedStateState {
    return { rows: this.#rows, state: this.#state };
  }

  /** Goes on from there. */
  loadState({ rows, state }: CarriedStateState, device: string): void {
    this.reset();
    this.#rows = rows;
    this.#state = noGrad(() => keep(mapTensors(state, (x) => (x.device === device ? x.clone() : x.to(device)))));
  }

  /** Begins anew. */
  reset(): void {
    dispose(this.#state);
    this.#state = undefined;
    this.#rows = undefined;
  }
}

/** What a checkpoint keeps of it. */
export interface CarriedStateState {
  readonly rows?: number | undefined;
  readonly state?: unknown;
}

const finite = (x: Tensor): Tensor =>
  x.dtype === 'f32' || x.dtype === 'f64' ? maskedFill(x, logicalNot(isFinite(x)), 0) : x.clone();

function dispose(state: unknown): void {
  for (const x of tensorsIn(state)) x.dispose();
}
