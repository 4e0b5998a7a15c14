import { expect, test } from 'vitest';
import { bearerCheck, isToken } from '../../src/serve/token';
import { connected, echo, post, received, started } from '../support/serving';

const token = 'c2VjcmV0-._~+/==';

test.each([
  [`Bearer ${token}`, true],
  [`bearer   ${token}`, true],
  [`Bearer ${token}=`, false],
  [`Bearer ${token.slice(1)}`, false],
  [`Bearer ${token} ${token}`, false],
  [`Basic ${token}`, false],
  ['Bearer ', false],
  [token, false],
  ['', false],
  [undefined, false],
])('the header %j opens: %s', (header, opens) => {
  expect(bearerCheck(token)(header)).toBe(opens);
});

test.each([
  [token, true],
  ['', false],
  ['a b', false],
  ['ä', false],
  ['a=b', false],
])('%j is a token: %s', (text, is) => {
  expect(isToken(text)).toBe(is);
});

test('all but /healthz ask for the token', async () => {
  const server = await started(echo, { token });
  const authorization = `Bearer ${token}`;
  expect((await post(server, '/predict', { input: 1 }, { headers: { authorization } })).status).toBe(200);
  expect((await fetch(`${server.url}/metrics`, { headers: { authorization } })).status).toBe(200);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  const { status, headers, body } = await post(server, '/predict', { input: 1 });
  expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(body.error.message).toBe(
    "POST /predict: got no token, expected the server's token.\n  Fix: send the header Authorization: Bearer TOKEN.",
  );
  const wrong = await post(server, '/predict', { input: 1 }, { headers: { authorization: 'Bearer x' } });
  expect(wrong.body.error.message).toContain('got another token than the server has');
});

test('nothing of a body is read without the token', async () => {
  const server = await started(echo, { token });
  const socket = await connected(server);
  socket.write('POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1000000000\r\n\r\n{');
  expect(await received(socket)).toMatch(/^HTTP\/1\.1 401 /);
});
