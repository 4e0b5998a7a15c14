import { isMainThread } from 'node:worker_threads';

const watching = new Set<Interrupt>(); // per environment: each worker loads a copy of this module

/**
 * Notes Ctrl-C while a training can be stopped in good order. A second Ctrl-C does what it does by default, which is to
 * end the process, unless the program has a handler of its own. Workers get no signals of the process.
 */
export class Interrupt {
  #asked = false;
  readonly #onAsked: () => void;
  readonly #note = (): void => {
    this.#asked = true;
    this.#onAsked();
  };

  /** @param onAsked  called at once, when the training has yet to come to the end of a step */
  constructor(onAsked: () => void) {
    this.#onAsked = onAsked;
    if (!isMainThread) return;
    watching.add(this);
    process.once('SIGINT', this.#note);
  }

  /** Whether the training is to stop. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Listens no more. */
  close(): void {
    process.off('SIGINT', this.#note);
    watching.delete(this);
  }

  /**
   * Ends the process as Ctrl-C would have done, once no other training has to be brought to a good end, and unless the
   * program has a handler of its own.
   */
  pass(): void {
    this.close();
    if ([...watching].some(({ asked }) => asked) || process.listenerCount('SIGINT') > 0) return;
    process.kill(process.pid, 'SIGINT');
  }
}
