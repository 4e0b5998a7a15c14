import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript, runUnread } from '../support/child';
import { main, stmnet } from '../support/cli';
import { scratchFolder } from '../support/scratch';

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
    code: 2,
    stdout: '',
    stderr:
      'stmnet: got the command dokter, expected one of train, evaluate, predict, generate, inspect, compare, tune, ' +
      'convert, quantize, serve, doctor, bench, completion. Fix: write doctor, if that is meant.\n',
  });
});

test('a reader that has gone is no error', async () => {
  expect(await runUnread([main, 'doctor'])).toEqual({ code: 0, stderr: '' });
});

test('the help is said without the bundle, which is read where a command is called', () => {
  const script = `
    process.argv = [process.argv[0], 'stmnet', '--help'];
    const bundles = () => Object.keys(require.cache).filter((file) => file.includes('bundle'));
    process.on('exit', () => console.error(bundles().length));
    require(${JSON.stringify(main)});`;
  expect(runScript(script)).toMatchObject({ code: 0, stderr: '0\n' });
  expect(runScript(script.replace("'--help'", "'doctor', '--help'")).stderr).toBe('1\n');
});

test('a warning comes before the error, and not at all with --quiet', () => {
  const data = join(scratchFolder('cli-main'), 'empty.tsv');
  writeFileSync(data, 'text\tlabel\n\ta\none\ta\ntwo\tb\n');
  const args = ['train', 'classify', '--data', data, '--validation-split', '0', '--output', `${data}-run`];
  const { code, stderr } = stmnet([...args, '--class-weights', 'c=1,d=2']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/stmnet: warning: got an empty text in 1 of 3 [^]*\nstmnet: got --class-weights [^]*$/);
  expect(stmnet([...args, '--quiet', '--class-weights', 'c=1,d=2']).stderr).not.toContain('warning');
});

test.each([
  [['serve', 'run', '--port', '80000'], 'got --port 80000, expected a whole number from 0 to 65535. Fix: '],
  [['generate', 'run', '--top-p', '2'], 'got --top-p 2, expected a number in (0, 1]. Fix: '],
  [['train', 'events', '--output', 'run', '--horizon', '0'], 'got --horizon 0, expected a number above 0. Fix: '],
  [
    ['evaluate', 'run', '--data', 'a', '--encoding', 'klingon'],
    'got --encoding klingon, expected an encoding, such as',
  ],
  [
    ['train', 'lm', '--data', 'a', '--output', 'run', '--validation', 'b', '--validation-split', '0.2'],
    'got --validation-split 0.2 beside --validation, expected one of them. Fix: leave one out.\n',
  ],
])('values that no option takes are mistakes of usage: %j', (args, told) => {
  const { code, stdout, stderr } = stmnet(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`stmnet: ${told}`);
});
