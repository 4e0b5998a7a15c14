import { expect, test } from 'vitest';
import { synchronize } from 'stmnet';
import { EventClassifier, Forecaster, LanguageModel, Seq2Seq, Tagger, TextClassifier } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { numberPairs } from '../support/number-pairs';
import { smallTides, tides } from '../support/tides';
import { visits } from '../support/visits';

const quick = { epochs: 2, batchSize: 4, seed: 1, progress: false } as const;
const small = { hiddenSize: 4, embeddingDim: 4 } as const;
const texts = Array.from({ length: 12 }, (_, at) => ({ text: `day ${at}`, label: at % 2 === 0 ? 'even' : 'odd' }));
const sentences = Array.from({ length: 12 }, () => ({ tokens: ['to', 'Oslo'], tags: ['O', 'B-city'], label: 'go' }));
const labelled = sentences.map((one, at) => (at % 2 === 0 ? one : { ...one, label: 'stay' }));
const several = texts.map(({ text, label }) => ({ text, labels: [label] }));
const song = 'to be or not to be, that is the question '.repeat(4);

/** What a second training, and questions after it, leave behind; all of them have the same model. */
test.each<[string, () => Record<'fit' | 'ask', () => Promise<unknown>>]>([
  [
    'a TextClassifier with weights',
    () => {
      const task = new TextClassifier({ ...small, classWeights: 'balanced' });
      return {
        fit: () => task.fit(texts, { ...quick, validation: texts }),
        ask: async () => [await task.predict('day 1'), await task.evaluate(texts), await task.examine(texts)],
      };
    },
  ],
  [
    'a TextClassifier of several labels',
    () => {
      const task = new TextClassifier({ ...small, multiLabel: true, classWeights: 'balanced' });
      return {
        fit: () => task.fit(several, { ...quick, validation: several }),
        ask: async () => [await task.predict('day 1'), await task.evaluate(several)],
      };
    },
  ],
  [
    'a Tagger',
    () => {
      const task = new Tagger({ ...small, crf: true });
      return {
        fit: () => task.fit(labelled, { ...quick, validation: labelled }),
        ask: async () => [await task.predict(['to']), await task.evaluate(labelled), await task.examine(labelled)],
      };
    },
  ],
  [
    'a LanguageModel',
    () => {
      const task = new LanguageModel({ ...small, steps: 8 });
      return {
        fit: () => task.fit(song, { ...quick, validation: song }),
        ask: async () => [await task.predict('to'), await task.evaluate(song), await task.generateText({ length: 5 })],
      };
    },
  ],
  [
    'a Seq2Seq',
    () => {
      const task = new Seq2Seq({ ...small, beamSize: 2 });
      return {
        fit: () => task.fit(numberPairs, { ...quick, validation: numberPairs }),
        ask: async () => [await task.predict('12'), await task.evaluate(numberPairs), await task.examine(numberPairs)],
      };
    },
  ],
  [
    'an EventClassifier',
    () => {
      const task = new EventClassifier({ ...small, horizon: 20 });
      return {
        fit: () => task.fit(visits, { ...quick, cutOff: 100, validation: visits }),
        ask: async () => [await task.predictAll(visits), await task.evaluate(visits)],
      };
    },
  ],
  [
    'a Forecaster',
    () => {
      const task = new Forecaster({ ...smallTides, strategy: 'recursive', known: [], quantiles: [0.1, 0.9] });
      const days = tides(30);
      return {
        fit: () => task.fit(days, { ...quick, validation: days }),
        ask: async () => [await task.predictAll(days), await task.evaluate(days)],
      };
    },
  ],
])('%s leaves no tensor to the collector', async (_, make) => {
  const { fit, ask } = make();
  await fit();
  await ask();
  await synchronize();
  const before = handlesKept();
  await fit();
  await synchronize();
  expect(handlesKept() - before).toBe(0);
  await ask();
  await synchronize();
  expect(handlesKept() - before).toBe(0);
});
