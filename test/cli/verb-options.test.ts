import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addVerbOptions, verbOptions } from '../../src/cli/verb-options';
import { entryOf } from '../../src/tasks/catalogue';

const parsed = (args: readonly string[]): Command =>
  addVerbOptions(new Command('evaluate'), 'evaluating').parse(args, { from: 'user' });

test('gives what was typed, by its name in the API', () => {
  const run = { entry: entryOf('stmnet', 'forecast') };
  expect(verbOptions(parsed(['--folds', '4', '--size', '14']), run, 'evaluating')).toEqual({ folds: 4, size: 14 });
  expect(verbOptions(parsed([]), run, 'evaluating')).toEqual({});
});

test('an option of another task is refused, and those of this one are named', () => {
  const refused = (task: string, ...args: string[]): (() => unknown) => {
    const run = { entry: entryOf('stmnet', task) };
    return () => verbOptions(parsed(args), run, 'evaluating');
  };
  expect(refused('forecast', '--beam-size', '2')).toThrow(
    'got --beam-size, which is no option of the task forecast, which the run holds. ' +
      'Fix: leave it out, or write one of --folds, --size.',
  );
  expect(refused('lm', '--folds', '2')).toThrow(/which the run holds\. Fix: leave it out\.$/);
});

test('an option of several tasks is one option', () => {
  const command = parsed(['--beam-size', '3']);
  for (const task of ['seq2seq', 'speech'])
    expect(verbOptions(command, { entry: entryOf('stmnet', task) }, 'evaluating')).toEqual({ beamSize: 3 });
  expect(command.helpInformation()).toContain('Of seq2seq and speech:\n  --beam-size <n>');
});
