import { expect, test } from 'vitest';
import { connected, echo, HeldTask, post, received, started } from '../support/serving';

test.each([
  ['what is no HTTP', 'hello\r\n\r\n', '400 Bad Request'],
  [
    'a head that is too long',
    `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
  [
    'two lengths',
    'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    '400 Bad Request',
  ],
])('%s', async (_, text, status) => {
  const server = await started(echo);
  const socket = await connected(server);
  socket.write(text);
  const answer = await received(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head.split('\r\n').slice(0, 3)).toEqual([
    `HTTP/1.1 ${status}`,
    'connection: close',
    'content-type: application/json',
  ]);
  expect(JSON.parse(body)).toMatchObject({ error: { status: Number(status.slice(0, 3)), code: 'ERR_STM_REQUEST' } });
  expect((await post(server, '/predict', { input: 1 })).status).toBe(200);
});

test('a client that sends its head too slowly gets a 408, and one that sends nothing as well', async () => {
  const server = await started(echo, { headersTimeout: 30, bodyTimeout: 10_000 });
  const [slow, silent] = [await connected(server), await connected(server)];
  slow.write('POST /predict HTTP/1.1\r\nhost:');
  for (const socket of [slow, silent]) expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

test('an answer that is being written is not garbled', async () => {
  const task = new HeldTask();
  const server = await started(task);
  const socket = await connected(server);
  socket.write(
    'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"input":1}',
  );
  await task.call(0);
  socket.write('hello\r\n\r\n');
  expect(await received(socket)).toBe('');
});
