import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { serve } from 'stmnet/serve';
import { connected, echo, ended, HeldTask, metricIs, post, received, started } from '../support/serving';

const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
};

test('it listens on this machine alone, and says where', async () => {
  const server = await started(echo);
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  expect(await get(`${server.url}/healthz`)).toMatchObject({ status: 200, text: '{"status":"ok"}' });
});

test('the address of IPv6 has brackets', async () => {
  const server = await started(echo, { host: '::1' });
  expect(server.url).toBe(`http://[::1]:${server.port}`);
});

test('other paths and methods', async () => {
  const server = await started(echo);
  const { status, text } = await get(`${server.url}/predictions?x=1`);
  expect(status).toBe(404);
  expect(text).toContain('got the path /predictions, expected one of /predict, /metrics, /healthz');
  for (const [method, path, allow] of [
    ['GET', '/predict', 'POST'],
    ['PUT', '/predict', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/metrics', 'GET, HEAD'],
  ] as const) {
    const told = await get(server.url + path, { method });
    expect([told.status, told.headers.get('allow')]).toEqual([405, allow]);
  }
  expect(await get(`${server.url}/healthz`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  expect((await get(`${server.url}/healthz?probe=1`)).status).toBe(200);
});

test('a taken port is named, with the way out', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(serve(echo, { port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message:
      `serve: got port ${port} of 127.0.0.1, of which the system says EADDRINUSE, ` +
      'expected a port on which nobody listens yet.\n' +
      '  Fix: stop the program that listens there, or choose another port; port: 0 takes one that is free.',
  });
  other.close();
});

test('an address of another machine is refused', async () => {
  await expect(serve(echo, { port: 0, host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
    message:
      'serve: got host: "192.0.2.1", of which the system says EADDRNOTAVAIL, expected a name or an address of this ' +
      "machine.\n  Fix: leave it out for this machine alone, or pass host: '0.0.0.0' for all of its addresses.",
  });
});

test('after stop() nobody listens', async () => {
  const server = await started(echo);
  await post(server, '/predict', { input: 1 }); // leaves a connection that is kept alive
  await server.stop();
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  await server.stop();
});

test('stop() answers what was accepted, and accepts no more', async () => {
  const task = new HeldTask();
  const server = await started(task, { stopTimeout: 10_000 });
  const first = post(server, '/predict', { input: 1 });
  const call = await task.call(0);
  const second = post(server, '/predict', { input: 2 });
  const waiting = await connected(server);
  await metricIs(server, 'stmnet_queue_inputs', 1);
  waiting.write('POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n');
  await metricIs(server, 'stmnet_http_requests_in_progress', 4);
  const stopped = server.stop();
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  waiting.write('{"input":3}');
  call.answer();
  const next = await task.call(1);
  next.answer();
  if (!next.inputs.includes(3)) (await task.call(2)).answer();
  const [one, two, three] = [await first, await second, await received(waiting)];
  expect([one.body, two.body]).toEqual([{ prediction: 1 }, { prediction: 2 }]);
  expect(one.headers.get('connection')).toBe('close');
  expect(three).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"prediction":3\}$/);
  await stopped;
});

test.each([
  ['POST /predict', '{"error":{"status":503,"code":"ERR_STM_REQUEST","message":"POST /predict: got a request while'],
  ['GET /healthz', '{"status":"stopping"}'],
])('%s while it stops, on a connection that is there, is refused', async (line, body) => {
  const task = new HeldTask();
  const server = await started(task, { stopTimeout: 10_000 });
  const asked = post(server, '/predict', { input: 1 });
  const call = await task.call(0);
  const socket = await connected(server);
  const all = received(socket);
  socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n${line} HT`);
  await once(socket, 'readable'); // the server has read both
  const stopped = server.stop();
  socket.write('TP/1.1\r\nhost: x\r\n\r\n');
  const [, , refused = '', told] = (await all).split(/\r\n\r\n|(?=HTTP)/);
  expect(refused).toMatch(/^HTTP\/1\.1 503 /);
  expect(refused.toLowerCase()).toContain('connection: close');
  expect(told).toContain(body);
  call.answer();
  await stopped;
  expect((await asked).body).toEqual({ prediction: 1 });
});

test('stop() cuts what is not answered in time', async () => {
  const task = new HeldTask();
  const server = await started(task, { stopTimeout: 20 });
  const asked = Promise.allSettled([post(server, '/predict', { input: 1 })]);
  await task.call(0);
  await server.stop();
  expect(await asked).toMatchObject([{ status: 'rejected', reason: { message: 'fetch failed' } }]);
});

test('stop() does not wait for connections that have asked for nothing', async () => {
  const server = await started(echo, { stopTimeout: 60_000 });
  const [silent, slow] = [await connected(server), await connected(server)];
  slow.write('POST /predict HT');
  await Promise.all([server.stop(), ended(silent), ended(slow)]);
});

test('it can be disposed of', async () => {
  const server = await started(echo);
  await server[Symbol.asyncDispose]();
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
});

test.each([null, 'a path', {}, { predict: 1 }, [() => 1]])('%j cannot be served', async (task) => {
  await expect(serve(task as unknown as typeof echo)).rejects.toThrow(
    'expected a task, or another object with a method predict or generate.\n  Fix: load a task',
  );
});
