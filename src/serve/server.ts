import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { refuseConnection } from './broken-request';
import { RequestHandler } from './request-handler';
import { checkServable, type Servable } from './servable';
import { readServeOptions, type ServeOptions, type ServeSettings } from './serve-options';

declare global {
  // For `await using`, as of `using` in src/tensor/tensor.ts.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

/** A task that is being served. */
export interface TaskServer {
  /** Where it is, as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The port, also where `port: 0` left the choice. */
  readonly port: number;
  /**
   * Accepts no more connections and requests, answers what it has accepted, and ends. What is not answered after
   * `stopTimeout` is cut. A second call gives the promise of the first.
   */
  stop(): Promise<void>;
  /** For `await using`: `stop()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves a task over HTTP, as JSON:
 *
 *   POST /predict    { input } → { prediction }, { inputs: [ … ] } → { predictions: [ … ] }
 *   POST /generate   { prompt, length, temperature, … } → server-sent events, a piece of text each
 *   GET /healthz     { status: 'ok' }
 *   GET /metrics     requests, times, batches and the queue, for Prometheus
 *
 * The inputs of all requests are gathered into batches, as `maxDelay` and `maxBatch` say. Refused requests get
 * { error: { status, code, message } }.
 *
 *     const server = await serve(await TextClassifier.load('spam.safetensors'), { port: 8080 });
 *     await stopOnSignals(server);
 *
 * @param task     a task, or any object that predicts or generates
 * @param options  where it listens, its limits and its patience
 * @returns the server, once it listens
 * @throws {OptionError} if the task or an option cannot be used, or the port cannot be had (code EADDRINUSE, EACCES, …)
 */
export async function serve(task: Servable, options: ServeOptions = {}): Promise<TaskServer> {
  checkServable('serve', task);
  const settings = readServeOptions('serve', options);
  const handler = new RequestHandler(task, settings);
  const http = httpServer(handler, settings);
  await listen(http, settings);
  return new Running(http, handler, settings);
}

class Running implements TaskServer {
  readonly url: string;
  readonly port: number;
  readonly #http: Server;
  readonly #handler: RequestHandler;
  readonly #stopTimeout: number;
  #stopped: Promise<void> | undefined;

  constructor(http: Server, handler: RequestHandler, { stopTimeout }: ServeSettings) {
    const { address, family, port } = http.address() as AddressInfo;
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    this.port = port;
    this.#http = http;
    this.#handler = handler;
    this.#stopTimeout = stopTimeout;
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    const timer = setTimeout(() => this.#http.closeAllConnections(), this.#stopTimeout);
    await this.#handler.stop();
    this.#http.closeAllConnections(); // what is left has sent no whole request
    await closed;
    clearTimeout(timer);
  }
}

/** How long a connection may be idle beyond all that the options allow. */
const SLACK = 1000;

function httpServer(handler: RequestHandler, { headersTimeout, bodyTimeout, timeout }: ServeSettings): Server {
  const http = createServer({
    headersTimeout,
    requestTimeout: headersTimeout + bodyTimeout + SLACK, // also of a body that nobody reads any more
    connectionsCheckingInterval: Math.min(headersTimeout, 1000),
  });
  http.timeout = Math.max(bodyTimeout, timeout) + SLACK; // of a client that does not read its answer
  const answering = new WeakSet<Duplex>();
  http.on('request', (request, response) => {
    answering.add(request.socket);
    response.once('close', () => answering.delete(request.socket));
    void handler.handle(request, response);
  });
  http.on('clientError', (error, socket) => refuseConnection(error, socket, answering.has(socket)));
  return http;
}

function listen(http: Server, { port, host, onError }: ServeSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(notListening(error, host, port));
    http.once('error', refused);
    http.listen({ port, host }, () => {
      http.off('error', refused).on('error', onError); // of a connection that could not be accepted
      resolve();
    });
  });
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'stop the program that listens there, or choose another port; port: 0 takes one that is free',
  EACCES: 'choose a port of 1024 or above',
};

/** What the system says of a host that is not this machine, or is none. */
const FOREIGN: readonly string[] = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'];

function notListening(error: NodeJS.ErrnoException, host: string, port: number): OptionError {
  const code = error.code ?? 'EUNKNOWN';
  const parts = FOREIGN.includes(code)
    ? {
        given: `host: ${describe(host)}, of which the system says ${code}`,
        expected: 'a name or an address of this machine',
        fix: "leave it out for this machine alone, or pass host: '0.0.0.0' for all of its addresses",
      }
    : {
        given: `port ${port} of ${host}, of which the system says ${code}`,
        expected: 'a port on which nobody listens yet',
        fix: advice[code] ?? `see the error's cause: ${error.message}`,
      };
  const told = new OptionError('serve', parts, code);
  told.cause = error;
  return told;
}
