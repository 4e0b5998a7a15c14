import { once } from 'node:events';
import type { Exchange } from './exchange';

/**
 * Server-sent events (HTML Standard, 9.2), of which the data are JSON: a line break in a text ends no event.
 *
 *   data: {"text":"To be"}
 *
 *   event: end
 *   data: {"pieces":1}
 */
export class EventStream {
  readonly #exchange: Exchange;

  /** Sends the head of the answer. */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no', // nginx would hold events back
    });
  }

  /**
   * Sends an event. Resolves once the connection takes another, which waits for a client that reads slowly.
   *
   * @param type  of the event; without one it is a `message`
   * @throws the reason of the exchange's signal
   */
  async send(data: object, type?: string): Promise<void> {
    const { response, signal } = this.#exchange;
    signal.throwIfAborted();
    if (!response.write(written(data, type))) await this.#exchange.until(once(response, 'drain'));
  }

  /** Sends the last event. */
  end(data: object, type: string): void {
    this.#exchange.response.end(written(data, type));
  }
}

const written = (data: object, type: string | undefined): string =>
  `${type === undefined ? '' : `event: ${type}\n`}data: ${JSON.stringify(data)}\n\n`;
