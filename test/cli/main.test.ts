import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { runUnread } from '../support/child';
import { main, stmnet } from '../support/cli';

test('the help lists a command for each file of commands/', () => {
  const files = readdirSync(join(__dirname, '..', '..', 'src', 'cli', 'commands'));
  const { code, stdout } = stmnet(['--help']);
  expect(code).toBe(0);
  const [, list = ''] = stdout.split('\nCommands:\n');
  const listed = new Set([...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name));
  expect(listed).toEqual(new Set(['help', ...files.map((file) => basename(file, '.ts'))]));
});

test('a command that is not there is refused', () => {
  expect(stmnet(['dokter'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: "error: unknown command 'dokter'\n(Did you mean doctor?)\n",
  });
});

test('a reader that has gone is no error', async () => {
  expect(await runUnread([main, 'doctor'])).toEqual({ code: 0, stderr: '' });
});
