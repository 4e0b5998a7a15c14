import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const root = join(__dirname, '..', '..');

/** A process that serves, prints its address, and then what happens to it. */
async function child(): Promise<{ process: ChildProcess; url: string; lines: AsyncIterator<string> }> {
  const process_ = spawn(process.execPath, ['-e', `
    const { serve, stopOnSignals } = require('stmnet/serve');
    const predict = (inputs) => new Promise((resolve) => {
      console.log('computing');
      process.stdin.once('data', () => resolve(inputs)).unref();
    });
    serve({ predict }, { port: 0 }).then(async (server) => {
      console.log(server.url);
      console.log('stopped by ' + await stopOnSignals(server));
      process.stdin.destroy();
    });
  `], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] }); // prettier-ignore
  const lines = createInterface({ input: process_.stdout! })[Symbol.asyncIterator]();
  return { process: process_, url: (await lines.next()).value, lines };
}

const ask = async (url: string): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/predict`, { method: 'POST', headers, body: '{"input":1}' })).json();
};

test.each(['SIGTERM', 'SIGINT'] as const)('%s lets the server answer, and then the process ends', async (signal) => {
  const { process: server, url, lines } = await child();
  const answer = ask(url);
  expect((await lines.next()).value).toBe('computing');
  server.kill(signal);
  await refusal(url);
  server.stdin!.write('go on\n');
  expect(await answer).toEqual({ prediction: 1 });
  expect((await lines.next()).value).toBe(`stopped by ${signal}`);
  expect(await once(server, 'exit')).toEqual([0, null]);
});

test('a second signal ends the process at once', async () => {
  const { process: server, url, lines } = await child();
  const asked = Promise.allSettled([ask(url)]);
  await lines.next();
  server.kill('SIGTERM');
  await refusal(url);
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([null, 'SIGTERM']);
  expect(await asked).toMatchObject([{ status: 'rejected', reason: { message: 'fetch failed' } }]);
});

/** Resolves once nobody listens any more. */
async function refusal(url: string): Promise<void> {
  for (;;) {
    try {
      await fetch(`${url}/healthz`, { headers: { connection: 'close' } });
    } catch {
      return;
    }
  }
}
