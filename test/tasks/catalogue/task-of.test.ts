import { expect, test } from 'vitest';
import { Tagger, TextClassifier } from '../../../src/tasks';
import { taskOf } from '../../../src/tasks/catalogue/task-of';

test('a task is taken as one of its class alone', () => {
  const task = new Tagger();
  expect(taskOf('tag', task, Tagger)).toBe(task);
  expect(() => taskOf('robustness', task, TextClassifier)).toThrow(
    'robustness: got the task tag, expected a TextClassifier.\n  Fix: ask it by its own entry of the catalogue',
  );
});
