import type { TaskName } from '../tasks/task-names';

/** Files that the examples in the help of each task name: to learn from, and to test on. */
export const exampleFiles: Readonly<Record<TaskName, { train: string; test: string }>> = {
  classify: { train: 'reviews.csv', test: 'test.csv' },
  tag: { train: 'sentences.conll', test: 'test.conll' },
  lm: { train: 'book.txt', test: 'other-book.txt' },
  events: { train: 'purchases.csv', test: 'others.csv' },
  seq2seq: { train: 'pairs.tsv', test: 'test.tsv' },
  qa: { train: 'questions.jsonl', test: 'others.jsonl' },
  span: { train: 'questions.jsonl', test: 'others.jsonl' },
  speech: { train: 'recordings.csv', test: 'others.csv' },
  forecast: { train: 'sales.csv', test: 'later.csv' },
};
