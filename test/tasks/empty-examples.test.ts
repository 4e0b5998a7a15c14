import { afterEach, expect, test, vi } from 'vitest';
import { EventClassifier, LanguageModel, Tagger, TextClassifier } from '../../src/tasks';
import { classify } from '../../src/tasks/catalogue/classify';
import { events } from '../../src/tasks/catalogue/events';
import { fileMaker } from '../support/text-file';

const file = fileMaker();
const refusal = (call: Promise<unknown>): Promise<string> => call.then(() => 'nothing was refused', String);
const quick = { epochs: 1, batchSize: 4, seed: 1, progress: false } as const;
const small = { hiddenSize: 4, embeddingDim: 4 } as const;
const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
afterEach(() => warned.mockClear());

const texts = Array.from({ length: 10 }, (_, at) => ({
  text: at % 3 === 1 ? ' ' : 'a fine day',
  label: at % 2 === 0 ? 'a' : 'b',
}));
const full = texts.map(({ label }) => ({ text: 'a fine day', label }));

test('a TextClassifier tells of empty texts once, and goes on', async () => {
  const classifier = new TextClassifier({ ...small, tokens: 'words' });
  await classifier.fit(texts, { ...quick, validation: [{ text: '', label: 'a' }, ...full] });
  expect(warned.mock.calls).toEqual([
    [
      'TextClassifier.fit: got an empty text in 4 of 21 examples: example 1; example 4; example 7; validation ' +
        'example 0.\n  Fix: look whether the right column was read, or take them out of the data; ' +
        'the training goes on with them.',
      { type: 'StmnetWarning', code: 'STM_EMPTY_EXAMPLES' },
    ],
  ]);
  const { label } = await classifier.predict('');
  expect(['a', 'b']).toContain(label);
  warned.mockClear();
  await classifier.fit(full, quick);
  expect(warned).not.toHaveBeenCalled();
});

test('a Tagger tells of sentences without a token, a LanguageModel of documents without a character', async () => {
  const sentences = Array.from({ length: 8 }, () => ({ tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] }));
  await new Tagger(small).fit([...sentences, { tokens: [], tags: [] }], quick);
  const documents = ['to be or not to be', '', ...Array.from({ length: 7 }, (_, at) => (at < 6 ? '' : 'to be'))];
  await new LanguageModel({ ...small, steps: 4 }).fit(documents, quick);
  expect(warned.mock.calls.map(([message]) => String(message).split('\n')[0])).toEqual([
    'Tagger.fit: got no token in 1 of 9 examples: example 8.',
    'LanguageModel.fit: got nothing to read in 7 of 9 examples: example 1; example 2; example 3; example 4; ' +
      'example 5 and 2 more.',
  ]);
});

test('examples of a file are named by their lines', async () => {
  const lines = texts.map(({ text, label }) => `${text},${label}\n`).join('');
  const from = file('texts.csv', `text,label\n${lines}`);
  await new TextClassifier(small).fit(await classify.examples({ from, settings: {} }), quick);
  expect(String(warned.mock.calls[0]?.[0])).toMatch(/in 3 of 10 examples: .*texts\.csv, line 3; .*texts\.csv, line 6;/);
});

test('labels that are absent or empty are refused together', async () => {
  const message = (examples: readonly object[], options = {}): Promise<string> =>
    refusal(new TextClassifier({ ...small, ...options }).fit(examples as typeof full, quick));
  const odd = [{ text: 'a' }, { text: 'b', label: '' }, { text: 'c', label: ' ' }, { text: 'd', label: null }];
  expect(await message([...full, ...odd])).toBe(
    'OptionError: TextClassifier.fit: got no label in 4 of 14 examples: example 10; example 11; example 12; example ' +
      "13, expected { text: 'free entry!', label: 'spam' }.\n" +
      '  Fix: look at which column holds the labels, or leave such examples out.',
  );
  expect(await message([...full, { text: 'a', label: '' }])).toContain('got no label in example 10, expected');
  const several = full.map(({ text, label }) => ({ text, labels: [label] }));
  expect(await message([...several, { text: 'a' }, { text: 'b', labels: ['a', ''] }], { multiLabel: true })).toContain(
    'got an empty label, or no labels, in 2 of 12 examples: example 10; example 11, expected',
  );
  const none = { text: 'a', labels: [] };
  expect(await message([...several, none], { multiLabel: true })).toBe('nothing was refused');
});

test('empty tags, and sentences without a label among others, are refused together', async () => {
  const good = { tokens: ['to', 'Oslo'], tags: ['O', 'B-city'], label: 'go' };
  const message = (examples: readonly object[]): Promise<string> =>
    refusal(new Tagger(small).fit(examples as (typeof good)[], quick));
  const untagged = { ...good, tags: ['O', ''] };
  expect(await message([good, untagged, good, untagged])).toContain(
    'got an empty tag in 2 of 4 examples: example 1; example 3, expected a tag for each token, such as O for none',
  );
  const { label: _, ...without } = good;
  expect(await message([without, good, { ...good, label: '' }, good])).toContain(
    'got no label in 2 of 4 examples: example 0; example 2, expected one in each example',
  );
});

test('examples of the validation are called so', async () => {
  const empty = { text: 'a', label: '' };
  const texts = (validation: readonly (typeof empty)[]): Promise<string> =>
    refusal(new TextClassifier(small).fit(full, { ...quick, validation }));
  expect(await texts([...full, empty])).toContain('got no label in validation example 10, expected');
  expect(await texts([empty, ...full, empty])).toContain(
    'got no label in 2 of 12 validation examples: validation example 0; validation example 11, expected',
  );
  const good = { tokens: ['to', 'Oslo'], tags: ['O', 'B-city'], label: 'go' };
  const { label: _, ...without } = good;
  const train = [good, { ...good, label: 'stay' }];
  const tagged = (validation: readonly object[]): Promise<string> =>
    refusal(new Tagger(small).fit(train, { ...quick, validation: validation as typeof train }));
  expect(await tagged([good, { ...good, tags: ['O', ''] }])).toContain('got an empty tag in validation example 1,');
  expect(await tagged([good, good, without])).toContain('got no label in validation example 2, expected');
});

test('rows that do not say who or when are refused together', async () => {
  const row = { customer: 'a', date: '2024-01-31' };
  const rows = [row, { ...row, customer: ' ' }, { ...row, customer: null }];
  expect(await refusal(new EventClassifier().fit(rows, quick))).toBe(
    'OptionError: EventClassifier.fit: got no customer in 2 of 3 rows: row 1; row 2, expected a value of customer in ' +
      'each row.\n  Fix: leave such rows out.',
  );
  const from = file('events.csv', 'customer,date\na,2024-01-31\nb,\nc,\n');
  const read = await events.examples({ from, settings: {} });
  expect(await refusal(new EventClassifier().fit(read, quick))).toMatch(
    /got no date in 2 of 3 rows: .*events\.csv, line 3; .*events\.csv, line 4, expected a value of date/,
  );
});

test('a file tells of all lines without a label at once', async () => {
  const from = file('labels.csv', `text,label\n${'a,b\nc,\n'.repeat(7)}`);
  expect(await refusal(classify.examples({ from, settings: {} }))).toMatch(
    /got no label in 7 lines of .*labels\.csv: 3; 5; 7; 9; 11 and 2 more, expected a label in each\.\n {2}Fix: mend th/,
  );
  const lines = file('labels.jsonl', '{"text":"a"}\n{"text":"b","label":"x"}\n{"text":"c","label":null}\n');
  expect(await refusal(classify.examples({ from: lines, settings: {} }))).toContain(
    'labels.jsonl: 1; 3, expected a label',
  );
});
