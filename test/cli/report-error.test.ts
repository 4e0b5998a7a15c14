import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, InvalidArgumentError } from 'commander';
import { expect, test, vi } from 'vitest';
import { reportError } from '../../src/cli/report-error';
import { dayColumns, stmnet, writeDays } from '../support/cli';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('report-error');
const refused = (task: string, ...args: readonly string[]): string => {
  const { code, stderr } = stmnet(['train', task, ...args, '--output', join(folder, 'run')]);
  expect(code).toBe(1);
  return stderr.slice(stderr.indexOf('stmnet: '));
};

test('what the API says of options is told of flags', () => {
  const days = ['--data', writeDays(folder), ...dayColumns];
  expect(refused('classify', ...days, '--validation-split', '0', '--patience', '2')).toBe(
    'stmnet: got --patience 2 without --validation, expected examples whose loss tells when to stop.\n' +
      '  Fix: pass them: --validation <file> --patience <n>, or leave --patience out.\n',
  );
  const text = join(folder, 'text.txt');
  writeFileSync(text, 'a line of a text\n'.repeat(40));
  expect(refused('lm', '--data', text, '--tokens', 'bytes', '--min-frequency', '2')).toBe(
    'stmnet: got --min-frequency 2 with --tokens bytes, expected no such option: there are 256 bytes.\n' +
      '  Fix: leave it out, or pass --tokens words.\n',
  );
  const device = refused('classify', ...days, '--device', 'cuda:9');
  expect(device).toMatch(/^stmnet: got --device 'cuda:9', expected one of: .*\n {2}Fix: /);
  expect(device.match(/Fix:/g)).toHaveLength(1);
  expect(device).toMatch(/\. To compute on the CPU leave --device out\.\n$/);
  const config = join(folder, 'device.json');
  writeFileSync(config, JSON.stringify({ training: { device: 'cuda:9' } }));
  expect(refused('classify', ...days, '--config', config)).toMatch(/\. To compute on the CPU pass --device cpu\.\n$/);
  expect(device).not.toMatch(/bundler|nothing needs to be done/);
});

test('of what commander ends with only the help and the version are no error', () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(reportError(new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'), undefined, false)).toBe(0);
  expect(written).not.toHaveBeenCalled();
  expect(reportError(new InvalidArgumentError('Expected a number.'), undefined, false)).toBe(2);
  expect(written.mock.calls).toEqual([['stmnet: Expected a number.\n']]);
  written.mockRestore();
});

test('a warning is told in a line, without the process and flags of Node.js', () => {
  const { code, stderr } = stmnet(['doctor'], { NODE_OPTIONS: `--require ${writeWarning()}` });
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'stmnet: warning: take care\n' });
});

test('--trace-warnings of Node.js shows where a warning comes from', () => {
  const { stderr } = stmnet(['doctor'], { NODE_OPTIONS: `--require ${writeWarning()} --trace-warnings` });
  expect(stderr).toMatch(/^stmnet: warning: take care\n {4}at .*warn\.cjs:1:\d+\)?\n(?: {4}at .*\n)*$/);
});

test('a warning that Node.js is told to leave out is left out', () => {
  const options = `--require ${writeWarning()} --disable-warning=STM_X`;
  expect(stmnet(['doctor'], { NODE_OPTIONS: options }).stderr).toBe('');
});

test('where Node.js is told to say no warnings, none is said', () => {
  const { code, stderr } = stmnet(['doctor'], {
    NODE_OPTIONS: `--require ${writeWarning()}`,
    NODE_NO_WARNINGS: '1',
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('the name of the package is said once', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  reportError(new Error('stmnet: there is no addon'), undefined, false);
  expect(write.mock.calls[0]).toEqual(['stmnet: there is no addon\n']);
  write.mockRestore();
});

function writeWarning(): string {
  const file = join(folder, 'warn.cjs');
  writeFileSync(
    file,
    "setImmediate(() => process.emitWarning('take care', { type: 'StmnetWarning', code: 'STM_X' }));",
  );
  return file;
}
