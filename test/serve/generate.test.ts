import { expect, onTestFinished, test, vi } from 'vitest';
import { OptionError } from 'stmnet';
import type { TaskServer } from 'stmnet/serve';
import type { GenerateOptions } from 'stmnet/tasks';
import { connected, metric, metricIs, post, started } from '../support/serving';

/** An event of a stream. */
interface ServerEvent {
  readonly type: string;
  readonly data: unknown;
}

const readEvents = (text: string): ServerEvent[] =>
  text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.replace(/^\w+: ?/, '')]),
      );
      return { type: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? '') as unknown };
    });

const ask = (server: TaskServer, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

/** Makes the words of its prompt, and notes how it ended. */
class Speaker {
  readonly asked: GenerateOptions[] = [];
  readonly ends: string[] = [];
  /** Awaited before each piece but the first. */
  between: () => Promise<void> = () => Promise.resolve();

  async *generate(options: GenerateOptions): AsyncGenerator<string> {
    this.asked.push(options);
    if (options.temperature === 0)
      throw new OptionError('generate', { given: 'temperature: 0', expected: 'more than 0', fix: 'raise it' });
    let end = 'stopped';
    try {
      for (const [i, word] of (options.prompt ?? '').split(' ').entries()) {
        if (i > 0) await this.between();
        if (word === 'fail') throw new Error('a secret');
        yield `${word}\n`;
      }
      end = 'done';
    } finally {
      this.ends.push(end);
    }
  }
}

test('a text comes piece by piece, as events of JSON', async () => {
  const speaker = new Speaker();
  const server = await started(speaker);
  const options = { prompt: 'to be or', length: 3, temperature: 0.8, topK: 5, topP: 0.9, seed: 7 };
  const response = await ask(server, options);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(readEvents(await response.text())).toEqual([
    ...['to\n', 'be\n', 'or\n'].map((text) => ({ type: 'message', data: { text } })),
    { type: 'end', data: { pieces: 3 } },
  ]);
  expect([speaker.asked, speaker.ends]).toEqual([[options], ['done']]);
});

test('a piece is sent before the next one is made', async () => {
  const speaker = new Speaker();
  let goOn = (): void => {};
  speaker.between = () => new Promise((resolve) => (goOn = resolve));
  const server = await started(speaker);
  const { body } = await ask(server, { prompt: 'to be' });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe('data: {"text":"to\\n"}\n\n');
  goOn();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
  expect(rest).toBe('data: {"text":"be\\n"}\n\nevent: end\ndata: {"pieces":2}\n\n');
});

test('a client that goes stops the generation', async () => {
  const speaker = new Speaker();
  let goOn = (): void => {};
  speaker.between = () => new Promise((resolve) => (goOn = resolve));
  const server = await started(speaker);
  const client = new AbortController();
  const { body } = await ask(server, { prompt: 'to be or not to be' }, client.signal);
  await body!.getReader().read();
  expect(await metric(server, 'stmnet_streams')).toBe(1);
  client.abort();
  const gone = 'stmnet_http_requests_total{route="/generate",status="499"}';
  await metricIs(server, gone, 1);
  goOn(); // the piece that it was at work on
  await metricIs(server, 'stmnet_streams', 0);
  expect(speaker.ends).toEqual(['stopped']);
});

test('a client that does not read holds the generation back, and is cut', async () => {
  let made = 0;
  const generate = async function* (): AsyncGenerator<string> {
    for (;;) {
      made += 1;
      yield 'x'.repeat(2 ** 16);
    }
  };
  const server = await started({ generate }, { timeout: 200, maxGenerated: 1e6 });
  const socket = await connected(server);
  socket.pause();
  const head = 'POST /generate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json';
  socket.write(`${head}\r\ncontent-length: 13\r\n\r\n{"prompt":""}`);
  const cut = 'stmnet_http_requests_total{route="/generate",status="499"}';
  await metricIs(server, cut, 1);
  await metricIs(server, 'stmnet_streams', 0);
  expect(made).toBeLessThan(2000); // what buffers of the system hold: some MiB
  socket.destroy();
});

test('what the task refuses before the first piece is a 422', async () => {
  const server = await started(new Speaker());
  const { status, body } = await post(server, '/generate', { prompt: 'to be', temperature: 0 });
  expect([status, body.error.code]).toEqual([422, 'ERR_STM_OPTION']);
  expect(await metric(server, 'stmnet_streams')).toBe(0);
});

test('a task that refuses at the call is answered likewise', async () => {
  const refuse = (): AsyncIterable<string> => {
    throw new OptionError('generate', { given: 'nothing', expected: 'more', fix: 'ask' });
  };
  const server = await started({ generate: refuse }, { maxStreams: 1 });
  for (const _ of [1, 2]) expect((await post(server, '/generate', {})).status).toBe(422);
});

test('an error after the first piece is an event, and tells no secret', async () => {
  const errors: unknown[] = [];
  const server = await started(new Speaker(), { onError: (error) => errors.push(error) });
  const events = readEvents(await (await ask(server, { prompt: 'to fail' })).text());
  expect(events.map(({ type }) => type)).toEqual(['message', 'error']);
  expect(events[1]?.data).toMatchObject({ error: { status: 500, code: 'ERR_STM_REQUEST' } });
  expect(JSON.stringify(events)).not.toContain('secret');
  expect(errors).toEqual([new Error('a secret')]);
});

/** Time-outs pass when the test says so. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

test('a piece that takes too long ends the stream', async () => {
  const speaker = new Speaker();
  let goOn = (): void => {};
  const second = new Promise<void>((isAsked) => {
    speaker.between = () => (isAsked(), new Promise((resolve) => (goOn = resolve)));
  });
  const server = await started(speaker, { timeout: 50 });
  holdTime();
  const answer = await ask(server, { prompt: 'to be' });
  await second;
  vi.advanceTimersByTime(50);
  const events = readEvents(await answer.text());
  expect(events[1]).toMatchObject({ type: 'error', data: { error: { status: 504 } } });
  goOn();
  while ((await metric(server, 'stmnet_streams')) !== 0);
  expect(speaker.ends).toEqual(['stopped']);
});

test('a piece that never comes keeps its place no longer than the time-out', async () => {
  const speaker = new Speaker();
  const second = new Promise<void>((isAsked) => {
    speaker.between = () => (isAsked(), new Promise(() => {}));
  });
  const server = await started(speaker, { timeout: 50, maxStreams: 1 });
  holdTime();
  const answer = await ask(server, { prompt: 'to be' });
  await second;
  vi.advanceTimersByTime(50);
  const events = readEvents(await answer.text());
  expect(events[1]).toMatchObject({ type: 'error', data: { error: { status: 504 } } });
  while ((await metric(server, 'stmnet_streams')) !== 0) vi.advanceTimersByTime(50);
  const client = new AbortController();
  const { body } = await ask(server, { prompt: 'to be' }, client.signal);
  await body!.getReader().read();
  client.abort();
  while ((await metric(server, 'stmnet_streams')) !== 0) vi.advanceTimersByTime(50);
  expect((await ask(server, { prompt: 'to' })).status).toBe(200);
});

test('options at fault are refused, as the task says', async () => {
  const server = await started({
    generate: () => new Speaker().generate({ prompt: 'to be' }),
    generateFault: (options) =>
      'mood' in options ? { given: '"mood"', expected: 'none', fix: 'leave it out' } : undefined,
  });
  const { status, body } = await post(server, '/generate', { mood: 'sad' });
  expect([status, body.error.message]).toEqual([
    422,
    'POST /generate: got "mood", expected none.\n  Fix: leave it out.',
  ]);
  const odd = await post(server, '/generate', ['to be']);
  expect(odd.body.error.message).toBe(
    'POST /generate: got the body ["to be"], expected an object.\n  Fix: send such as {"prompt": "Once upon a time"}.',
  );
  expect((await post(server, '/generate', '{"prompt')).body.error.message).toContain(
    `Fix: send one, as in curl --json '{"prompt": "Once upon a time"}'`,
  );
});

test('no text gets longer than maxGenerated', async () => {
  const speaker = new Speaker();
  const server = await started(speaker, { maxGenerated: 2, maxLength: 20 });
  const events = readEvents(await (await ask(server, { prompt: 'to be or not' })).text());
  expect(events.at(-1)).toEqual({ type: 'end', data: { pieces: 2 } });
  expect(speaker.ends).toEqual(['stopped']);
  const { status, body } = await post(server, '/generate', { length: 3 });
  expect([status, body.error.message]).toEqual([
    422,
    expect.stringContaining('got "length": 3, expected a whole number from 1 to 2'),
  ]);
  expect((await post(server, '/generate', { length: 1.5 })).status).toBe(422);
  expect((await post(server, '/generate', { prompt: 'x'.repeat(21) })).body.error.message).toContain('a text of 21');
});

test('only so many at a time', async () => {
  const speaker = new Speaker();
  let goOn = (): void => {};
  speaker.between = () => new Promise((resolve) => (goOn = resolve));
  const server = await started(speaker, { maxStreams: 1 });
  const first = await ask(server, { prompt: 'to be' });
  const second = await post(server, '/generate', { prompt: 'to be' });
  expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
  goOn();
  await first.text();
  const third = await ask(server, { prompt: 'to' });
  expect(third.status).toBe(200);
  await third.text();
});

test('a server of what generates alone has no /predict', async () => {
  const server = await started(new Speaker());
  expect(await post(server, '/predict', { input: 1 })).toMatchObject({
    status: 404,
    body: { error: { message: expect.stringContaining('expected one of /generate, /metrics, /healthz') } },
  });
});
