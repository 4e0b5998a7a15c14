import { expect, test } from 'vitest';
import {
  EventClassifier,
  Forecaster,
  LanguageModel,
  QuestionAnswerer,
  Seq2Seq,
  SpanAnswerer,
  Tagger,
  TextClassifier,
  type ForecastRow,
} from '../../src/tasks';
import { stories } from '../support/stories';
import { quickEvents, smallEvents, visits } from '../support/visits';

const quick = { epochs: 1, progress: false } as const;

/** As from JavaScript, which no type keeps from passing more. */
interface Asked {
  predict(input: unknown, options: unknown): Promise<unknown>;
}
const told = (task: object, input: unknown, options: unknown): Promise<string> =>
  (task as Asked).predict(input, options).then(() => 'no error', String);

test.each<[string, () => Promise<object>, unknown]>([
  [
    'TextClassifier',
    async () => {
      const task = new TextClassifier({ hiddenSize: 4 });
      await task.fit(
        ['a', 'b'].map((label) => ({ text: label, label })),
        quick,
      );
      return task;
    },
    'a',
  ],
  [
    'Tagger',
    async () => {
      const task = new Tagger({ hiddenSize: 4 });
      await task.fit([{ tokens: ['a', 'b'], tags: ['A', 'B'] }], quick);
      return task;
    },
    ['a'],
  ],
  [
    'LanguageModel',
    async () => {
      const task = new LanguageModel({ hiddenSize: 4, tokens: 'characters' });
      await task.fit('abcabcabc'.repeat(20), quick);
      return task;
    },
    'a',
  ],
  [
    'QuestionAnswerer',
    async () => {
      const task = new QuestionAnswerer({ hiddenSize: 4 });
      await task.fit(stories.slice(0, 8), quick);
      return task;
    },
    stories[0],
  ],
  [
    'SpanAnswerer',
    async () => {
      const task = new SpanAnswerer({ hiddenSize: 4 });
      await task.fit([{ context: 'Al sat.', question: 'Who sat?', answer: 'Al' }], quick);
      return task;
    },
    { context: 'Al sat.', question: 'Who sat?' },
  ],
  [
    'Seq2Seq',
    async () => {
      const task = new Seq2Seq({ hiddenSize: 4 });
      await task.fit([{ source: 'a', target: 'b' }], quick);
      return task;
    },
    'a',
  ],
])('%s.predict refuses options that it does not have', async (name, make, input) => {
  const task = await make();
  expect(await told(task, input, { foo: 1 })).toContain(`${name}.predict: got an option foo, expected `);
  expect(await told(task, [input, input], { foo: 1 })).toContain(`${name}.predict: got an option foo, expected `);
  expect(await told(task, input, {})).toBe('no error');
  expect(await told(task, input, undefined)).toBe('no error');
});

test('a second input is no option, and says where it belongs', async () => {
  const task = new TextClassifier({ hiddenSize: 4 });
  await task.fit(
    ['a', 'b'].map((label) => ({ text: label, label })),
    quick,
  );
  expect(await told(task, 'a', 'b')).toContain(
    'TextClassifier.predict: got "b" behind what is asked about, expected nothing there.\n' +
      '  Fix: leave it out; put several inputs into an array.',
  );
});

test('Forecaster and EventClassifier refuse them, too', async () => {
  const rows: ForecastRow[] = Array.from({ length: 40 }, (_, at) => ({
    date: new Date(Date.UTC(2024, 0, 1 + at)).toISOString().slice(0, 10),
    sales: at % 7,
  }));
  const forecaster = new Forecaster({ time: 'date', target: 'sales', window: 7, horizon: 2, hiddenSize: 4 });
  await forecaster.fit(rows, quick);
  expect(await told(forecaster, rows, { foo: 1 })).toContain(
    'Forecaster.predict: got an option foo, expected no options.',
  );
  expect(await told(forecaster, rows, {})).toBe('no error');
  const classifier = new EventClassifier(smallEvents);
  await classifier.fit(
    visits.filter(({ date }) => Number(date) <= 120),
    { ...quickEvents, epochs: 1 },
  );
  const mine = visits.filter(({ customer }) => customer === visits[0]?.customer);
  expect(await told(classifier, mine, { foo: 1 })).toContain(
    'EventClassifier.predict: got an option foo, expected only cutOff.',
  );
});
