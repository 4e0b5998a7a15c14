import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { main, stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-serve');
let run = '';
beforeAll(() => {
  run = trainDays(folder);
});

/** Serves the run until the test ends, however it does, and reads where. */
async function started(
  environment: Readonly<Record<string, string>> = {},
): Promise<{ child: ChildProcess; url: string; port: number }> {
  const child = spawn(process.execPath, [main, 'serve', run, '--port', '0', '--json', '--quiet'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { child, ...(JSON.parse(line) as { url: string; port: number }) };
}

test('answers over HTTP until SIGTERM, and refuses a port that is taken', async () => {
  const { child, url, port } = await started();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ input: 'a sad day' });
  const answer = await fetch(`${url}/predict`, { method: 'POST', headers, body });
  expect(await answer.json()).toMatchObject({ prediction: { label: 'bad' } });
  const taken = stmnet(['serve', run, '--port', String(port)]);
  expect(taken).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^stmnet: got port .*\n {2}Fix: /),
  });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('takes a token of the environment, and refuses a run that is none', async () => {
  expect(stmnet(['serve', folder])).toMatchObject({ code: 1, stderr: expect.stringContaining('is no run folder') });
  const { url } = await started({ STMNET_TOKEN: 'secret' });
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
});

test.each([
  ['an empty STMNET_TOKEN', { STMNET_TOKEN: '' }, []],
  ['a token with other characters in STMNET_TOKEN', { STMNET_TOKEN: 'sécret' }, []],
  ['an empty --token', { STMNET_TOKEN: 'secret' }, ['--token', '']],
])('refuses a token that is none: %s', (given, environment, args) => {
  const { code, stdout, stderr } = stmnet(['serve', run, '--port', '0', ...args], environment);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`stmnet: got ${given}, expected letters, digits and -._~+/, as a header can carry. Fix: `);
});

test.each<[name: string, args: readonly string[], token: string | undefined, warns: boolean]>([
  ['all addresses', ['--host', '0.0.0.0'], undefined, true],
  ['all addresses, with a token', ['--host', '0.0.0.0'], 'secret', false],
  ['this machine alone', ['--host', 'localhost'], undefined, false],
])('warns in a line where anybody may ask: %s', async (_, args, token, warns) => {
  const { STMNET_TOKEN: _none, ...environment } = process.env;
  const child = spawn(process.execPath, [main, 'serve', run, '--port', '0', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...environment, ...(token !== undefined && { STMNET_TOKEN: token }) },
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.includes('Ctrl-C ends it.')) child.kill('SIGTERM');
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'close');
  const warning = 'warning: anybody who reaches this machine may ask it. Fix: set STMNET_TOKEN, or pass --token.';
  expect(told.split('\n').filter((line) => line.startsWith('warning: '))).toEqual(warns ? [warning] : []);
});

test('a host that is not this machine, or none, is refused as such', () => {
  expect(stmnet(['serve', run, '--port', '0', '--host', '192.0.2.1'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'stmnet: got --host 192.0.2.1, of which the system says EADDRNOTAVAIL, expected a name or an address of this ' +
      'machine.\n  Fix: leave it out for this machine alone, or pass --host 0.0.0.0 for all of its addresses.\n',
  });
});
