import { expect, test } from 'vitest';
import { connected, echo, metric, metricIs, post, received, started } from '../support/serving';

test.each([
  [{ 'content-type': 'text/plain' }, "got the content type 'text/plain', expected application/json"],
  [{ 'content-type': 'application/json; charset=latin1' }, "charset=latin1'"],
  [{ 'content-type': 'application/json charset=utf-8' }, 'expected application/json in UTF-8'],
  [{ 'content-encoding': 'gzip' }, "got the content encoding 'gzip'"],
])('a body of another form is a 415: %j', async (headers, message) => {
  const server = await started(echo);
  const { status, body } = await post(server, '/predict', { input: 1 }, { headers });
  expect(status).toBe(415);
  expect(body.error.message).toContain(message);
});

test.each(['application/json; charset="UTF-8"', 'Application/JSON\t;\tcharset=utf-8', 'application/json ; '])(
  'the content type may name UTF-8: %j',
  async (type) => {
    const server = await started(echo);
    const headers = { 'content-type': type };
    expect((await post(server, '/predict', { input: 'ä' }, { headers })).body).toEqual({ prediction: { is: 'ä' } });
  },
);

test.each(['', '{"input":', '{"input":NaN}'])('a body that is no JSON is a 400: %j', async (text) => {
  const server = await started(echo);
  const { status, body } = await post(server, '/predict', text);
  expect(status).toBe(400);
  expect(body.error.message).toContain('POST /predict: got a body that is no JSON: ');
});

const head = (length: string): string =>
  `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
const close = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

test('bytes that are not UTF-8 are a 400', async () => {
  const server = await started(echo);
  const socket = await connected(server);
  socket.write(head('content-length: 13'));
  socket.write(Buffer.concat([Buffer.from('{"input":"'), Buffer.of(0xff), Buffer.from('"}')]));
  socket.write(close);
  expect(await received(socket)).toMatch(/^HTTP\/1\.1 400 [^]*it is not in UTF-8/);
});

test('a body that says it is too large is a 413, and the connection goes on', async () => {
  const server = await started(echo, { maxBody: 100 });
  const { status, body } = await post(server, '/predict', { input: 'x'.repeat(1000) });
  expect(status).toBe(413);
  expect(body.error.message).toContain('got a body of more than 100 bytes, expected 100 bytes at most');
  expect((await post(server, '/predict', { input: 'x'.repeat(80) })).status).toBe(200);
});

test('a body that turns out to be too large is a 413; the rest of it is read over', async () => {
  const server = await started(echo, { maxBody: 100 });
  const socket = await connected(server);
  socket.write(head('transfer-encoding: chunked'));
  const chunk = 'x'.repeat(2 ** 16);
  for (let i = 0; i < 64; i++) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  socket.write(`0\r\n\r\n${close}`);
  expect(await received(socket)).toMatch(/^HTTP\/1\.1 413 [^]*HTTP\/1\.1 200 OK[^]*\{"status":"ok"\}$/);
});

test('a client that sends its body too slowly gets a 408', async () => {
  const server = await started(echo, { bodyTimeout: 30 });
  const socket = await connected(server);
  socket.write(`${head('content-length: 11')}{"input`);
  const answer = await received(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nconnection: close\r\n/i);
  expect(answer).toContain('got a body that is not complete after 30 ms');
  expect(await metric(server, 'stmnet_http_requests_total{route="/predict",status="408"}')).toBe(1);
});

test('what is sent to a request that was refused already has its end, too', async () => {
  const server = await started(echo, { headersTimeout: 2000, bodyTimeout: 20, maxBody: 10 });
  const socket = await connected(server);
  socket.write(head('content-length: 1000'));
  const answer = await received(socket); // the server ends the connection, after headersTimeout + bodyTimeout + 1 s
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  await metricIs(server, 'stmnet_http_requests_in_progress', 1);
});
