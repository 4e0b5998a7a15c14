import type { GenerateOptions } from '../tasks/generate-options';
import { describe, isPlainObject } from '../tensor/options';
import { readBody } from './body';
import { EventStream } from './events';
import { ClientGone, type Exchange } from './exchange';
import { checkLength } from './input-length';
import { asRequestError, noObject, noRoom, orAllowed, tooLate, unusable } from './request-error';
import { errorBody } from './reply';
import type { TextGenerator } from './servable';
import type { ServeSettings } from './serve-options';

/** Answers POST /generate: a text as server-sent events, a piece each, as it is made. */
export class Generations {
  readonly #task: TextGenerator;
  readonly #settings: ServeSettings;
  #running = 0;

  constructor(task: TextGenerator, settings: ServeSettings) {
    this.#task = task;
    this.#settings = settings;
  }

  /** Texts that are being generated. */
  get running(): number {
    return this.#running;
  }

  /** @throws {RequestError} before the first piece; what comes later is an event */
  async answer(exchange: Exchange): Promise<void> {
    const { maxStreams } = this.#settings;
    const { op } = exchange;
    const body = await readBody(exchange, this.#settings, EXAMPLE);
    const options = readGenerate(op, body, this.#settings);
    const fault = this.#task.generateFault?.(options);
    if (fault !== undefined) throw unusable(op, fault);
    if (this.#running >= maxStreams)
      throw noRoom(op, `a request beside ${maxStreams} others`, `${maxStreams} at a time`, 1);
    this.#running += 1;
    const pieces = new Pieces(this.#task, options, this.#settings);
    try {
      await this.#send(exchange, pieces);
    } finally {
      void pieces.end().finally(() => (this.#running -= 1));
    }
  }

  async #send(exchange: Exchange, pieces: Pieces): Promise<void> {
    const { timeout, onError } = this.#settings;
    const { op, response } = exchange;
    const next = (): Promise<IteratorResult<string>> => {
      exchange.patience(timeout, () => tooLate(op, timeout));
      return exchange.until(pieces.next());
    };
    let piece = await next(); // its error is still an answer of its own
    const events = new EventStream(exchange);
    let sent = 0;
    try {
      for (; piece.done !== true; piece = await next()) {
        await events.send({ text: piece.value });
        sent += 1;
      }
      events.end({ pieces: sent }, 'end');
    } catch (error) {
      if (error instanceof ClientGone) throw error;
      const told = errorBody(asRequestError(op, error, onError));
      if (response.writableNeedDrain)
        response.destroy(); // the client does not read, and would not read this either
      else events.end(told, 'error');
    }
  }
}

/** The pieces of a text that is being generated. */
class Pieces {
  readonly #pieces: AsyncGenerator<string, void>;
  readonly #settings: ServeSettings;
  /** When the last piece was asked for. */
  #asked = performance.now();

  constructor(task: TextGenerator, options: GenerateOptions, settings: ServeSettings) {
    this.#pieces = piecesOf(task, options, settings.maxGenerated);
    this.#settings = settings;
  }

  next(): Promise<IteratorResult<string, void>> {
    this.#asked = performance.now();
    return this.#pieces.next();
  }

  /**
   * Has the task stop. A piece that it is at work on is waited for, but no longer than anybody waits for a piece: one
   * that never comes keeps no other text from being made.
   */
  async end(): Promise<void> {
    const { timeout, onError } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(this.#asked + timeout - performance.now(), 0));
    });
    await Promise.race([this.#pieces.return().catch(onError), late]);
    clearTimeout(timer);
  }
}

async function* piecesOf(task: TextGenerator, options: GenerateOptions, most: number): AsyncGenerator<string, void> {
  let made = 0;
  for await (const piece of task.generate(options)) {
    yield piece;
    made += 1;
    if (made === most) return;
  }
}

const EXAMPLE = '{"prompt": "Once upon a time"}';

/** What the task does not check itself: how much is asked for. */
function readGenerate(op: string, body: unknown, { maxLength, maxGenerated }: ServeSettings): GenerateOptions {
  if (!isPlainObject(body)) throw unusable(op, noObject(body, `send such as ${EXAMPLE}`));
  checkLength(op, body, maxLength, 'a request');
  const { length = 1 }: { length?: unknown } = body;
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 1 || length > maxGenerated)
    throw unusable(op, {
      given: `"length": ${describe(length)}`,
      expected: `a whole number from 1 to ${maxGenerated}`,
      fix: `send such as {"length": ${Math.min(200, maxGenerated)}}, ${orAllowed('maxGenerated')}`,
    });
  return body;
}
