import { expect, test, vi } from 'vitest';
import { serve, type ServeOptions } from 'stmnet/serve';
import { echo, post, started } from '../support/serving';

test.each<[string, object, string]>([
  ['an unknown option', { prot: 80 }, 'got an option prot'],
  ['a port that is too large', { port: 65_536 }, 'got port: 65536, expected a whole number from 0 to 65535'],
  ['a port in words', { port: '80' }, 'got port: "80"'],
  ['no host', { host: ' ' }, 'got host: " ", expected the name or the address of a host'],
  ['a batch of none', { maxBatch: 0 }, 'got maxBatch: 0, expected a whole number of at least 1'],
  ['a negative delay', { maxDelay: -1 }, 'got maxDelay: -1, expected whole milliseconds from 0 to 2147483647'],
  ['a delay without end', { maxDelay: Infinity }, 'got maxDelay: Infinity'],
  ['half a millisecond', { headersTimeout: 10.5 }, 'got headersTimeout: 10.5, expected whole milliseconds from 0'],
  ['half a millisecond of a body', { bodyTimeout: 0.5 }, 'got bodyTimeout: 0.5, expected whole milliseconds from 0'],
  ['no patience', { timeout: 0 }, 'got timeout: 0, expected a time above 0 for timeout'],
  ['a token for no header', { token: 'a secret' }, 'got a token with other characters, expected letters, digits'],
  ['an empty token', { token: '' }, 'got token: "", expected letters'],
  ['a token that is not there', { token: undefined }, 'got token: undefined'],
  ['a number as token', { token: 7 }, 'got token: 7'],
  ['a listener that is none', { onError: 'log' }, 'got onError: "log", expected a function'],
])('%s', async (_, options, message) => {
  await expect(serve(echo, options as ServeOptions)).rejects.toThrow(message);
});

test('a request may not have more inputs than the queue', async () => {
  const server = await started(echo, { maxQueue: 2 });
  const { status, body } = await post(server, '/predict', { inputs: [1, 2, 3] });
  expect([status, body.error.message]).toEqual([422, expect.stringContaining('expected an array of 1 to 2')]);
});

test('errors of the server are written to standard error, with their stack', async () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const server = await started({ predict: () => Promise.reject(new Error('broken')) });
  expect((await post(server, '/predict', { input: 1 })).status).toBe(500);
  expect(written.mock.calls[0]?.[0]).toMatch(/^stmnet serve: Error: broken\n {4}at /);
  written.mockRestore();
});

test.each<[string, (error: unknown) => void]>([
  [
    'throws',
    () => {
      throw new Error('full disk');
    },
  ],
  ['rejects', () => Promise.reject(new Error('full disk'))],
])('a listener that %s ends nothing: both errors are written to standard error', async (_, onError) => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const task = {
    predict: () => Promise.reject(new Error('broken')),
    async *generate() {
      yield 'a piece';
      throw new Error('broken');
    },
  };
  const server = await started(task, { onError });
  expect((await post(server, '/predict', { input: 1 })).status).toBe(500);
  expect((await post(server, '/predict', { input: 1 })).status).toBe(500);
  const headers = { 'content-type': 'application/json' };
  const text = await (await fetch(`${server.url}/generate`, { method: 'POST', headers, body: '{}' })).text();
  expect(text).toMatch(/"a piece"[^]*event: error\ndata: .*an error of the task/);
  const lines = written.mock.calls.map(([line]) => String(line).split('\n')[0]);
  written.mockRestore();
  expect(lines).toEqual(
    Array.from({ length: 3 }, () => [
      'stmnet serve: Error: broken',
      'stmnet serve: onError failed: Error: full disk',
    ]).flat(),
  );
});
