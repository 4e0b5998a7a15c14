import { isMainThread } from 'node:worker_threads';

// Per environment: each worker loads a copy of this module.
const watching = new Set<Interrupt>();
const waiting: (() => void)[] = [];

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
    if (![...watching].some(({ asked }) => asked)) for (const go of waiting.splice(0)) go();
  }

  /**
   * Ends the process as Ctrl-C would have done, once no other training has to come to the end of its step, and unless
   * the program has a handler of its own.
   */
  async pass(): Promise<void> {
    const others = new Promise<void>((resolve) => waiting.push(resolve));
    this.close();
    await others;
    if (process.listenerCount('SIGINT') === 0) process.kill(process.pid, 'SIGINT');
  }
}
