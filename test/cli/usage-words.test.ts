import { expect, test } from 'vitest';
import { TASK_CLASSES } from '../../src/tasks/task-names';
import { stmnet } from '../support/cli';

const tasks = Object.keys(TASK_CLASSES).join(', ');

const mistake = (...args: readonly string[]): string => {
  const { code, stdout, stderr } = stmnet(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
};

test.each([
  ['predict run --foo', 'got --foo, which is no option of stmnet predict. Fix: stmnet predict --help lists them.'],
  ['train lm --lr=3', 'got --lr, which is no option of stmnet train lm. Fix: write --learning-rate, if that is meant.'],
  ['train lm --out x', 'got --out, which is no option of stmnet train lm. Fix: write --output, if that is meant.'],
  [
    'predict',
    'got no <run>, expected one: run folder or model file. Fix: write stmnet predict [options] <run> [inputs...].',
  ],
  ['tune lm --epochs', 'got --epochs without a value, expected --epochs <n>. Fix: write one behind it.'],
  [
    'evaluate run',
    'got no --data, expected --data <file>: examples to measure on; - for standard input. ' + 'Fix: add --data <file>.',
  ],
  [
    'inspect run other',
    'got other behind stmnet inspect, expected <run> alone. ' +
      'Fix: leave it out; a value with blanks in it stands in quotes.',
  ],
  [
    'compare lm --cells lstm,lstm',
    'got --cells lstm,lstm, expected cells that differ. Fix: write such a value, or leave --cells out.',
  ],
  ['completion tcl', 'got <shell> tcl, expected one of bash, zsh, fish. Fix: write such a value.'],
  ['completion fisch', 'got <shell> fisch, expected one of bash, zsh, fish. Fix: write fish, if that is meant.'],
  [
    'train',
    `got stmnet train by itself, expected one of ${tasks} behind it. ` + 'Fix: stmnet train --help says what they do.',
  ],
  ['train clasify', `got the command clasify, expected one of ${tasks}. ` + 'Fix: write classify, if that is meant.'],
])('a mistake of usage is told as all others are: stmnet %s', (line, message) => {
  expect(mistake(...line.split(' '))).toBe(`stmnet: ${message}\n`);
});

test('help of a command that is not there is a mistake, too', () => {
  expect(mistake('help', 'tran')).toMatch(
    /^stmnet: got the command tran, expected .* Fix: write train, if that is meant/,
  );
});
