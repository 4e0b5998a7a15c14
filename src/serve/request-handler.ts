import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClientGone, Exchange } from './exchange';
import { errorBody, replyJson } from './reply';
import { asRequestError, RequestError } from './request-error';
import { routesOf, type Route } from './routes';
import type { ServerMetrics } from './metrics';
import type { Servable } from './servable';
import type { ServeSettings } from './serve-options';
import { bearerCheck } from './token';

/** Answers requests: finds the route, asks for the token, turns errors into answers, and counts. */
export class RequestHandler {
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #metrics: ServerMetrics;
  readonly #mayEnter: (header: string | undefined) => boolean;
  /** Whether a batch takes longer than any request waits for it: none is answered before it ends. */
  readonly #isStuck: () => boolean;
  readonly #onError: (error: unknown) => void;
  readonly #open = new Set<Exchange>();
  /** Called when the last request has been answered; there while the server stops. */
  #emptied: (() => void) | undefined;

  constructor(task: Servable, settings: ServeSettings) {
    const { routes, metrics, batchSeconds } = routesOf(task, settings, () => this.#open.size);
    routes.set('/healthz', { method: 'GET', answer: async (exchange) => this.#tellHealth(exchange) });
    this.#routes = routes;
    this.#metrics = metrics;
    this.#isStuck = () => 1000 * batchSeconds() > settings.timeout;
    this.#mayEnter = settings.token === undefined ? () => true : bearerCheck(settings.token);
    this.#onError = settings.onError;
  }

  /** Answers one request, whatever happens. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const start = performance.now();
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const exchange = new Exchange(`${request.method} ${path.slice(0, 100)}`, request, response);
    this.#open.add(exchange);
    response.once('close', () => {
      this.#open.delete(exchange);
      const status = response.writableFinished ? response.statusCode : 499;
      this.#metrics.answered(this.#routes.has(path) ? path : 'other', status, (performance.now() - start) / 1000);
      if (this.#open.size === 0) this.#emptied?.();
    });
    try {
      await this.#enter(exchange, path).answer(exchange);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** Accepts nothing more. Resolves once all that was accepted before has been answered. */
  stop(): Promise<void> {
    for (const { response } of this.#open) if (!response.headersSent) response.setHeader('connection', 'close');
    return new Promise((resolve) => {
      this.#emptied = resolve;
      if (this.#open.size === 0) resolve();
    });
  }

  /** @throws {RequestError} 404, 405, 401, 503 */
  #enter({ op, request }: Exchange, path: string): Route {
    const route = this.#routes.get(path);
    if (route === undefined)
      throw new RequestError(404, op, {
        given: `the path ${path.slice(0, 100)}`,
        expected: `one of ${[...this.#routes.keys()].join(', ')}`,
        fix: 'check the address',
      });
    const { method } = route;
    const allowed = method === 'GET' ? ['GET', 'HEAD'] : [method];
    if (!allowed.includes(request.method ?? ''))
      throw new RequestError(
        405,
        op,
        { given: `the method ${request.method}`, expected: method, fix: `send ${method} ${path}` },
        { allow: allowed.join(', ') },
      );
    if (path === '/healthz') return route;
    if (!this.#mayEnter(request.headers.authorization)) throw noToken(op, request.headers.authorization !== undefined);
    if (this.#emptied !== undefined) throw stopping(op);
    return route;
  }

  #tellHealth({ response }: Exchange): void {
    if (this.#emptied !== undefined) replyJson(response, { status: 'stopping' }, 503, { connection: 'close' });
    else if (this.#isStuck()) replyJson(response, { status: 'stuck' }, 503);
    else replyJson(response, { status: 'ok' });
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const { op, response } = exchange;
    if (error instanceof ClientGone || response.destroyed) return;
    const told = asRequestError(op, error, this.#onError);
    if (response.headersSent) response.destroy();
    else replyJson(response, errorBody(told), told.status, told.headers);
  }
}

const noToken = (op: string, given: boolean): RequestError =>
  new RequestError(
    401,
    op,
    {
      given: given ? 'another token than the server has' : 'no token',
      expected: "the server's token",
      fix: 'send the header Authorization: Bearer TOKEN',
    },
    { 'www-authenticate': 'Bearer' },
  );

const stopping = (op: string): RequestError =>
  new RequestError(
    503,
    op,
    { given: 'a request while the server stops', expected: 'none any more', fix: 'try again in 1 s' },
    { 'retry-after': '1', connection: 'close' },
  );
