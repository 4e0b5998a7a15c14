import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, vi } from 'vitest';
import { serve, type Servable, type ServeOptions, type TaskServer } from 'stmnet/serve';

const servers: TaskServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** Serves a task on a free port until the test ends; what is not answered by then is cut. */
export async function started(task: Servable, options: ServeOptions = {}): Promise<TaskServer> {
  const server = await serve(task, { port: 0, stopTimeout: 0, ...options });
  servers.push(server);
  return server;
}

/** Says of each input what it is. */
export const echo = {
  predict: (inputs: readonly unknown[]) => Promise.resolve(inputs.map((input) => ({ is: input }))),
};

/** A call of a HeldTask's `predict`. */
export interface HeldCall {
  readonly inputs: readonly unknown[];
  /** Answers with the inputs themselves. */
  answer(): void;
  fail(error: unknown): void;
}

/** A task that answers when the test says so. */
export class HeldTask {
  /** All calls so far. */
  readonly calls: HeldCall[] = [];
  #told: (() => void) | undefined;

  predict(inputs: readonly unknown[]): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      this.calls.push({ inputs, answer: () => resolve(inputs), fail: reject });
      this.#told?.();
    });
  }

  /** The call of this number, counted from 0, once it has come. */
  async call(index: number): Promise<HeldCall> {
    for (;;) {
      const call = this.calls[index];
      if (call !== undefined) return call;
      await new Promise<void>((resolve) => (this.#told = resolve));
    }
  }
}

/** An answer, its body read from JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

/** Sends an object as JSON, or a text as it is. */
export async function post(
  server: TaskServer,
  path: string,
  body: unknown,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The value of a line of /metrics, such as `stmnet_queue_inputs`; undefined where there is none. */
export async function metric(server: TaskServer, name: string): Promise<number | undefined> {
  const lines = (await (await fetch(`${server.url}/metrics`)).text()).split('\n');
  const line = lines.find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** Waits until a line of /metrics has this value. */
export const metricIs = (server: TaskServer, name: string, value: number): Promise<void> =>
  vi.waitFor(async () => expect(await metric(server, name)).toBe(value), { timeout: 30_000 });

/** A connection to a server, on which a test writes what it wants. */
export async function connected(server: TaskServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {}); // cut connections are what is tested
  await once(socket, 'connect');
  return socket;
}

/** Resolves once a connection has ended, in whatever way. */
export const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.resume().once('close', () => resolve()));

/** All that a connection is sent until it ends. */
export const received = (socket: Socket): Promise<string> => text(socket);
