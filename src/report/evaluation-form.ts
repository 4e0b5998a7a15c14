import type { AttentionRecord, ConfusionRecord, EvaluationRecord } from './evaluation-record';
import { FormFault, listIn, membersIn, numberIn, objectIn, oneOfIn, textIn, type Reader } from './json-form';

const figures = membersIn(numberIn);
const numbers = listIn(numberIn);

const anyConfusion = objectIn({ labels: listIn(textIn), counts: listIn(listIn(numberIn)) }, {});

const confusion: Reader<ConfusionRecord> = (value, path) => {
  const read = anyConfusion(value, path);
  const { length } = read.labels;
  if (read.counts.length === length && read.counts.every((row) => row.length === length)) return read;
  throw new FormFault(`${path}.counts`, 'of another size', `${length} rows of ${length} numbers, as there are labels`);
};

const anyAttention = objectIn(
  { source: listIn(textIn), target: listIn(textIn), weights: listIn(listIn(numberIn)) },
  {},
);

const attention: Reader<AttentionRecord> = (value, path) => {
  const read = anyAttention(value, path);
  const [rows, columns] = [read.target.length, read.source.length];
  if (read.weights.length === rows && read.weights.every((row) => row.length === columns)) return read;
  const expected = `${rows} rows of ${columns} numbers, as there are tokens of target and source`;
  throw new FormFault(`${path}.weights`, 'of another size', expected);
};

const examples = listIn(objectIn({ text: textIn }, { label: textIn, predicted: textIn, probability: numberIn }));
const classFigures = { label: textIn, precision: numberIn, recall: numberIn, f1: numberIn, support: numberIn };
const CHANGES = ['none', 'swap', 'drop', 'insert', 'synonyms', 'adversarial'] as const;
const bin = { from: numberIn, to: numberIn, count: numberIn };

/** Reads an EvaluationRecord. Members that it does not know are passed over: a newer version may write more. */
export const evaluationIn: Reader<EvaluationRecord> = objectIn(
  {},
  {
    part: oneOfIn(['validation', 'test']),
    figures,
    confusion,
    perClass: listIn(objectIn(classFigures, {})),
    calibration: listIn(objectIn({ ...bin, predicted: numberIn, observed: numberIn }, {})),
    examples: objectIn({}, { worst: examples, uncertain: examples }),
    attention: listIn(attention),
    lengths: listIn(objectIn(bin, {})),
    labels: listIn(objectIn({ label: textIn, count: numberIn }, {})),
    forecasts: listIn(
      objectIn({ title: textIn, before: numbers, truth: numbers, forecast: numbers }, { low: numbers, high: numbers }),
    ),
    interval: textIn,
    stepErrors: listIn(objectIn({ name: textIn, values: numbers }, {})),
    robustness: listIn(
      objectIn({ change: oneOfIn(CHANGES), amount: numberIn, accuracy: numberIn, f1: numberIn, changed: numberIn }, {}),
    ),
    baselines: listIn(objectIn({ name: textIn, figures }, {})),
  },
);
