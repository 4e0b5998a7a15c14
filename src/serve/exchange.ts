import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestError } from './request-error';

/** The client has gone: nobody reads an answer. */
export class ClientGone extends Error {}

/**
 * A request and its answer, and how long the server is patient with them. `signal` aborts when the client goes or the
 * patience ends, with the reason: all that is done for the request listens to it.
 */
export class Exchange {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param op  the request, as `POST /predict` */
  constructor(
    readonly op: string,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    this.signal = this.#controller.signal;
    response.once('close', () => {
      clearTimeout(this.#timer);
      if (!response.writableFinished) this.#controller.abort(new ClientGone(op));
    });
  }

  /**
   * Waits for what comes next: from now on no longer than this, in place of what was said before.
   *
   * @param milliseconds  from now
   * @param late          what the client is told then
   */
  patience(milliseconds: number, late: () => RequestError): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(late()), milliseconds);
  }

  /** What a promise gives, unless the signal aborts before. */
  until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }
}
