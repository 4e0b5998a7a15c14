import type { RandomState } from '../tensor/generator';

/** Where a walk over the batches of an epoch stands. */
export interface WalkPosition {
  /** 0 for the first walk. */
  readonly epoch: number;
  /** Batches given. */
  batches: number;
  /** Where the generator stood when the walk began; absent before. */
  random?: RandomState | undefined;
}

/** Counts the walks over a loader, and the batches of the last one. */
export class WalkCounter {
  #position: WalkPosition = { epoch: 0, batches: 0 };
  /** Whether the next walk goes on from the position, or is another epoch. */
  #waiting = true;

  /** Of the walk that began last; once that has ended, where the next one begins. */
  get position(): Readonly<WalkPosition> {
    return this.#position;
  }

  /** Where the next walk will begin. */
  get next(): Readonly<WalkPosition> {
    return this.#waiting ? this.#position : { epoch: this.#position.epoch + 1, batches: 0 };
  }

  /** Puts the next walk at a position. */
  goTo(position: Readonly<WalkPosition>): void {
    this.#position = { ...position };
    this.#waiting = true;
  }

  /** Begins a walk. @returns its position, which it moves on */
  begin(): WalkPosition {
    this.#position = { ...this.next };
    this.#waiting = false;
    return this.#position;
  }

  /** Ends a walk that gave its last batch. */
  end(position: WalkPosition): void {
    if (position === this.#position) this.goTo({ epoch: position.epoch + 1, batches: 0 });
  }
}
