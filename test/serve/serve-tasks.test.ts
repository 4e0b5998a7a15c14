import { expect, test } from 'vitest';
import {
  EventClassifier,
  Forecaster,
  LanguageModel,
  Seq2Seq,
  SpanAnswerer,
  Tagger,
  TextClassifier,
} from '../../src/tasks';
import { contexts, smallSpans } from '../support/contexts';
import { numberPairs } from '../support/number-pairs';
import { post, started } from '../support/serving';
import { quickTides, smallTides, tides } from '../support/tides';
import { quickEvents, smallEvents, visits } from '../support/visits';

const quick = { epochs: 2, batchSize: 4, seed: 1, progress: false } as const;

test('a Tagger: a text, the tokens of a sentence, and those of several clients at once', async () => {
  const tagger = new Tagger({ hiddenSize: 4, embeddingDim: 4 });
  await tagger.fit(
    Array.from({ length: 8 }, () => ({ tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] })),
    quick,
  );
  const server = await started(tagger, { maxDelay: 20 });
  const inputs = ['to Oslo', ['to', 'Oslo'], 'Oslo', []];
  const single = await Promise.all(inputs.map((input) => post(server, '/predict', { input })));
  expect(single.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(single.map(({ body }) => body.prediction.tokens)).toEqual([['to', 'Oslo'], ['to', 'Oslo'], ['Oslo'], []]);
  const several = await post(server, '/predict', { inputs: ['to', 'Oslo'] });
  expect(several.body.predictions).toMatchObject([{ tokens: ['to'] }, { tokens: ['Oslo'] }]);
  const wrong = await post(server, '/predict', { inputs: ['to', ['Oslo', 7]] });
  expect(wrong.status).toBe(422);
  expect(wrong.body.error.message).toBe(
    'POST /predict: inputs[1]: got 7 as token 1, expected a text, or an array with the tokens of one sentence, ' +
      'each a text.\n  Fix: send {"input": "to Oslo"} or {"input": ["to", "Oslo"]}, or an array of such as "inputs" ' +
      'for several.',
  );
  const object = await post(server, '/predict', { input: { tokens: ['to'] } });
  expect(object.body.error.message).toContain('POST /predict: input: got { tokens }, expected a text, or an array');
});

test('a Seq2Seq: the sources of several clients at once', async () => {
  const task = new Seq2Seq({ hiddenSize: 4, embeddingDim: 4 });
  await task.fit(numberPairs.slice(0, 8), quick);
  const server = await started(task, { maxDelay: 20 });
  const sources = ['18', '7', ''];
  const answers = await Promise.all(sources.map((input) => post(server, '/predict', { input })));
  const alone = await task.predict(sources);
  expect(answers.map(({ body }) => body.prediction.text)).toEqual(alone.map(({ text }) => text));
  const wrong = await post(server, '/predict', { input: 7 });
  expect(wrong.body.error.message).toContain('POST /predict: input: got 7, expected a text.');
});

test('a SpanAnswerer: contexts and questions', async () => {
  const answerer = new SpanAnswerer(smallSpans);
  await answerer.fit(contexts.slice(0, 40), quick);
  const server = await started(answerer, { maxDelay: 20 });
  const inputs = contexts.slice(0, 3).map(({ context, question }) => ({ context, question }));
  const answers = await Promise.all(inputs.map((input) => post(server, '/predict', { input })));
  const alone = await answerer.predict(inputs);
  expect(answers.map(({ body }) => body.prediction.answer)).toEqual(alone.map(({ answer }) => answer));
  const wrong = await post(server, '/predict', { input: { question: 'Who?' } });
  expect(wrong.status).toBe(422);
  expect(wrong.body.error.message).toContain('POST /predict: input: got no context, expected a context and a question');
});

test('a Forecaster: the rows of a series, up to its last value', async () => {
  const forecaster = new Forecaster({ ...smallTides, known: [] });
  const rows = tides(40);
  await forecaster.fit(rows, { ...quickTides, epochs: 2 });
  const server = await started(forecaster, { maxDelay: 20 });
  const of = (shop: string) => rows.filter((row) => row['shop'] === shop);
  const several = await post(server, '/predict', { inputs: [of('north'), of('south')] });
  const alone = await forecaster.predictAll(rows);
  expect(several.body.predictions.map(({ series }: { series: string }) => series)).toEqual(['north', 'south']);
  expect(several.body.predictions[1].steps[3].values.sales).toBeCloseTo(alone[1]?.steps[3]?.values['sales'] ?? 0, 2);
  const short = await post(server, '/predict', { input: of('north').slice(35) });
  expect(short.status).toBe(422);
  expect(short.body.error.message).toContain('got series "north" of 5 steps up to its last value, expected 12 steps');
});

test('an EventClassifier: the rows of a customer, each from its own last row', async () => {
  const classifier = new EventClassifier(smallEvents);
  await classifier.fit(visits, { ...quickEvents, epochs: 2 });
  const server = await started(classifier, { maxDelay: 20 });
  const of = (customer: string, until: number) =>
    visits.filter((row) => row['customer'] === customer && Number(row['date']) <= until);
  const [early, late] = [of('c2', 30), of('c4', 200)];
  const answers = await Promise.all([early, late].map((input) => post(server, '/predict', { input })));
  const alone = [await classifier.predict(early), await classifier.predict(late)];
  for (const [place, { body }] of answers.entries())
    expect(body.prediction.probability).toBeCloseTo(alone[place]?.probability ?? Number.NaN, 5);
  const row = await post(server, '/predict', { input: early[0] });
  expect(row.status).toBe(422);
  const fix =
    '\n  Fix: send {"input": [{"customer": "c17", "date": "2024-01-31", "price": 1, "kind": "gift"}]}, a row for ' +
    'each event of one customer, or an array of such arrays as "inputs".';
  expect(row.body.error.message).toBe(
    'POST /predict: input: got { customer, date, price, kind }, expected an array with the rows of one customer, one ' +
      `at least.${fix}`,
  );
  const refused = async (input: unknown): Promise<string> =>
    (await post(server, '/predict', { inputs: [early, input] })).body.error.message;
  const { date: _date, ...undated } = early[0]!;
  const { kind: _kind, ...unkind } = early[0]!;
  for (const [input, told] of [
    [[], 'got [], expected an array with the rows of one customer'],
    [[early[0], 7], 'got 7 as row 1, expected an object for each row'],
    [[undated], 'got no column date in row 0, expected columns that say who and when, among customer, price, kind'],
    [[{ ...early[0], date: 'soon' }], 'got date of row 0: "soon", expected a date as 2024-01-31'],
    [[unkind], 'got rows without the column kind, expected the columns of the training: price, kind'],
    [[{ ...early[0], price: 'much' }], 'got price: "much" in row 0 (customer c2, date 6, price much, kind ticket)'],
    [[early[0], { ...early[0], customer: 'c9' }], 'got rows of "c2" and "c9", expected the rows of one customer'],
  ] as const) {
    const message = await refused(input);
    expect(message).toContain(`POST /predict: inputs[1]: ${told}`);
    expect(message).toContain(fix);
  }
});

test('a TextClassifier: what is no text is refused in words of JSON', async () => {
  const classifier = new TextClassifier({ hiddenSize: 4, embeddingDim: 4 });
  const examples = Array.from({ length: 8 }, (_, i) => ({ text: `text ${i}`, label: i % 2 === 0 ? 'even' : 'odd' }));
  await expect(started(classifier)).rejects.toThrow(
    'serve: got a task that has learned nothing yet, expected one that was trained or loaded.',
  );
  await classifier.fit(examples, quick);
  const server = await started(classifier);
  expect((await post(server, '/predict', { input: 'text 1' })).status).toBe(200);
  const { status, body } = await post(server, '/predict', { inputs: ['text', 5] });
  expect(status).toBe(422);
  expect(body.error.message).toBe(
    'POST /predict: inputs[1]: got 5, expected a text.\n' +
      '  Fix: send {"input": "a text"}, or {"inputs": ["a text", "another"]} for several.',
  );
});

test('a LanguageModel: prompts and options are refused in words of JSON', async () => {
  const model = new LanguageModel({ hiddenSize: 4, embeddingDim: 4, steps: 8 });
  await model.fit('to be or not to be, that is the question '.repeat(4), quick);
  const server = await started(model);
  const { body } = await post(server, '/predict', { input: ['to be'] });
  expect(body.error.message).toContain('POST /predict: input: got ["to be"], expected a text.\n  Fix: send {"input"');
  for (const [options, told, fix] of [
    [{ prompt: 5 }, '"prompt": 5, expected a text', 'send such as {"prompt": "Once upon a time"}'],
    [{ length: 1.5 }, '"length": 1.5, expected a whole number from 1 to 2000', 'send such as {"length": 200}, or have'],
    [{ stop: [''] }, '"stop": [""], expected a text that is not empty', 'send such as {"stop": "\\n\\n"}'],
    [{ temperature: -1 }, '"temperature": -1, expected a number of at least 0', 'send such as {"temperature": 0.8}'],
    [{ topK: 0 }, '"topK": 0, expected a whole number of at least 1', 'send such as {"topK": 40}'],
    [{ topP: 2 }, '"topP": 2, expected a probability in (0, 1]', 'send such as {"topP": 0.95}'],
    [{ seed: 0.5 }, '"seed": 0.5, expected a whole number of at least 0', 'send such as {"seed": 7}'],
    [{ top_k: 4 }, '"top_k": 4, expected only prompt, length, stop', 'send "topK", if that is meant'],
    [{ stream: true }, '"stream": true, expected only prompt, length, stop', 'leave it out'],
  ] as const) {
    const refused = await post(server, '/generate', options);
    expect(refused.status).toBe(422);
    expect(refused.body.error.message).toContain(`POST /generate: got ${told}`);
    expect(refused.body.error.message).toContain(`\n  Fix: ${fix}`);
  }
});
