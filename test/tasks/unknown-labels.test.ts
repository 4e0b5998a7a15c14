import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import type { TrainerCallback } from '../../src/index';
import { Tagger, TextClassifier } from '../../src/tasks';

let warned: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})));
afterEach(() => warned.mockRestore());

const small = { hiddenSize: 8, embeddingDim: 8 } as const;
const quick = { epochs: 4, batchSize: 8, seed: 3, progress: false, keep: 'last' } as const;
const firstLines = (): string[] => warned.mock.calls.map(([message]) => String(message).split('\n')[0] ?? '');

/** Trains, and gives the last figures of the validation beside those of an evaluation. */
async function compared<E>(task: TaskOf<E>, train: readonly E[], validation: readonly E[], ...figures: string[]) {
  const history = await task.fit(train, { ...quick, validation });
  const evaluation: object = await task.evaluate(validation);
  const [during, after] = [history.epochs.at(-1)?.validation ?? {}, evaluation].map((from: object) =>
    ['loss', ...figures].map((name) => Number(Reflect.get(from, name)).toFixed(5)),
  );
  return { during, after, evaluation, history };
}

/** What of a task this asks. */
interface TaskOf<E> {
  fit(
    examples: readonly E[],
    options: typeof quick & { validation: readonly E[]; callbacks?: TrainerCallback[] },
  ): Promise<{ readonly epochs: readonly { readonly train: object; readonly validation?: object }[] }>;
  evaluate(examples: readonly E[]): Promise<object>;
}

describe('labels of the validation that training never saw', () => {
  const texts = Array.from({ length: 40 }, (_, at) => ({
    text: `a ${['fine', 'dull', 'odd'][at % 3]} day`,
    label: ['good', 'bad', 'strange'][at % 3] ?? '',
  }));

  it.each([2, 3])('count as wrong in the figures of texts, and not in the loss: %d labels', async (labels) => {
    const train = texts.filter((_, at) => at % 3 < labels);
    const others = [
      { text: 'a fine day', label: 'new' },
      { text: 'a dull day', label: 'newer' },
    ];
    const { during, after, evaluation } = await compared(
      new TextClassifier(small),
      train,
      [...train, ...others],
      'accuracy',
      'f1',
    );
    expect(during).toEqual(after);
    expect(evaluation).toMatchObject({ unknownLabels: ['new', 'newer'] });
    expect((evaluation as { accuracy: number }).accuracy).toBeLessThanOrEqual(train.length / (train.length + 2));
    const all = train.length + 2;
    expect(firstLines()).toEqual([
      `TextClassifier.fit: got 2 labels that training never saw in 2 of ${all} validation examples: "new", "newer". ` +
        'The figures count them as wrong; the loss leaves these examples out.',
    ]);
  });

  it('count as wrong where a text may have several labels, and leave the figures of training as they are', async () => {
    const several = texts.map(({ text, label }, at) => ({ text, labels: at % 4 === 0 ? [label, 'fourth'] : [label] }));
    const others = [
      { text: 'a fine day', labels: ['good', 'new'] },
      { text: 'a day', labels: ['newer'] },
    ];
    const fitted = (validation: typeof several) =>
      compared(new TextClassifier({ ...small, multiLabel: true }), several, validation, 'accuracy', 'f1');
    const { during, after, history } = await fitted([...several, ...others]);
    expect(during).toEqual(after);
    expect(firstLines()).toHaveLength(1);
    const known = await fitted(several);
    expect(firstLines()).toHaveLength(1);
    expect(history.epochs.at(-1)?.train).toEqual(known.history.epochs.at(-1)?.train);
    expect(during?.[0]).toBe(known.during?.[0]);
  });

  it.each([true, false])('count as wrong in tags and labels of sentences (crf: %s)', async (crf) => {
    const sentences = Array.from({ length: 24 }, (_, at) => ({
      tokens: ['to', ['Oslo', 'Bern'][at % 2] ?? '', 'today'],
      tags: ['O', 'B-city', 'O'],
      label: ['book', 'cancel'][at % 2] ?? '',
    }));
    const others = [
      { tokens: ['to', 'Oslo'], tags: ['MOVE', 'B-city'], label: 'book' },
      { tokens: ['to', 'Bern', 'now'], tags: ['O', 'B-city', 'B-day'], label: 'cancel' },
      { tokens: ['to', 'Bern'], tags: ['O', 'B-city'], label: 'ask' },
    ];
    const figures = ['accuracy', 'entityF1', 'labelAccuracy'];
    const tagger = new Tagger({ ...small, crf });
    const { during, after, evaluation } = await compared(tagger, sentences, [...sentences, ...others], ...figures);
    expect(during).toEqual(after);
    expect(evaluation).toMatchObject({ unknownTags: ['B-day', 'MOVE'], unknownLabels: ['ask'] });
    expect(firstLines()).toEqual([
      expect.stringMatching(/^Tagger\.fit: got 2 tags that training never saw in 2 of 27 .*: "B-day", "MOVE"\. /),
      expect.stringMatching(/^Tagger\.fit: got 1 label that training never saw in 1 of 27 .*: "ask"\. /),
    ]);
  });
});

describe('nearly as many labels as examples', () => {
  const numbered = (count: number, labels: number) =>
    Array.from({ length: count }, (_, at) => ({ text: 'a day', label: String(at % labels) }));

  it.each([
    [60, 60, 1],
    [60, 55, 1],
    [60, 50, 0],
    [40, 40, 0],
  ])('are told of: %d with %d', async (count, labels, times) => {
    await new TextClassifier(small).fit(numbered(count, labels), { ...quick, epochs: 1 });
    expect(firstLines()).toEqual(
      Array(times).fill(`TextClassifier.fit: got ${labels} labels in ${count} examples: hardly two have the same.`),
    );
  });
});
