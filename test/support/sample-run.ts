import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Accuracy,
  AdamW,
  ConfusionMatrix,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  Embedding,
  F1Score,
  GradientReport,
  LSTM,
  LastStep,
  Linear,
  OneCycleLR,
  Sequential,
  Softmax,
  TextVectorizer,
  Trainer,
  manualSeed,
  noGrad,
  pad,
  type TrainerCallback,
} from 'stmnet';
import { ReportCallback, writeEvaluation, writeReport, type ExampleRecord } from 'stmnet/tasks';
import type { ComparisonRow } from '../../src/report/comparison';
import type { TrialRecord } from '../../src/report/tuning';
import { random } from './random';
import { putFile } from './run-folder';

interface Message {
  readonly text: string;
  readonly label: string;
}

const labels = ['delivery', 'invoice', 'praise', 'cancel'];
/** Words that tell a label, and those that any message has. */
const telling = [
  ['parcel', 'courier', 'waiting', 'arrived', 'late', 'address', 'package', 'doorstep', 'tracking'],
  ['charged', 'twice', 'amount', 'refund', 'bill', 'payment', 'tax', 'receipt', 'card'],
  ['love', 'great', 'thank', 'best', 'wonderful', 'happy', 'friendly', 'perfect', 'again'],
  ['cancel', 'subscription', 'stop', 'account', 'close', 'unsubscribe', 'contract', 'ends', 'leave'],
];
const filling = 'the a my to is it please can you i we for with your this order yesterday today very still on'.split(
  ' ',
);

/** Messages that begin alike, say something, and are sometimes about two things, or labelled as the other. */
function messages(count: number, seed: number): Message[] {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  return Array.from({ length: count }, () => {
    const [about, other] = [Math.floor(next() ** 1.5 * labels.length), Math.floor(next() * labels.length)];
    const length = 4 + Math.floor(next() ** 2 * 26);
    const words = Array.from({ length }, () => {
      if (next() > 0.3) return pick(filling);
      return pick(telling[next() < 0.75 ? about : other]!);
    });
    return { text: words.join(' '), label: labels[next() < 0.93 ? about : other]! };
  });
}

/** Rows of probabilities, and what they come to for the report. */
function examplesOf(rows: readonly Message[], chances: readonly (readonly number[])[]) {
  const told = rows.map(({ text, label }, index) => {
    const row = chances[index]!;
    const probability = Math.max(...row);
    return { text, label, predicted: labels[row.indexOf(probability)]!, probability };
  });
  const wrong = told.filter(({ label, predicted }) => label !== predicted);
  const worst: ExampleRecord[] = wrong.toSorted((a, b) => b.probability - a.probability).slice(0, 8);
  const uncertain: ExampleRecord[] = told.toSorted((a, b) => a.probability - b.probability).slice(0, 8);
  const calibration = Array.from({ length: 10 }, (_, bin) => {
    const [from, to] = [bin / 10, (bin + 1) / 10];
    const inside = told.filter(({ probability }) => probability >= from && (probability < to || bin === 9));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const observed = mean(inside.map(({ label, predicted }) => Number(label === predicted)));
    return { from, to, predicted: mean(inside.map(({ probability }) => probability)), observed, count: inside.length };
  });
  return { worst, uncertain, calibration };
}

const vectorizerOf = (rows: readonly Message[]): TextVectorizer => TextVectorizer.fit(rows.map(({ text }) => text));

const encode = (text: TextVectorizer, rows: readonly Message[]) =>
  rows.map((message) => ({ input: text.encode(message.text), target: labels.indexOf(message.label) }));

const classifier = (text: TextVectorizer): Sequential =>
  new Sequential(
    new Embedding({ numEmbeddings: text.vocabulary.size, embeddingDim: 16, paddingIdx: text.paddingIdx }),
    new Dropout({ p: 0.2 }),
    new LSTM({ inputSize: 16, hiddenSize: 24, bidirectional: true }),
    new LSTM({ inputSize: 48, hiddenSize: 24, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Linear({ inFeatures: 48, outFeatures: labels.length }),
  );

const config = (epochs: number): object => ({
  stmnet: '0.1.0',
  task: 'classify',
  seed: 1,
  options: { cell: 'lstm', hiddenSize: 24, numLayers: 2, bidirectional: true, pooling: 'last', dropout: 0.2, labels },
  training: { epochs, batchSize: 32, learningRate: 8e-3, weightDecay: 0.01, clipGradNorm: 1 },
  data: { file: 'messages.tsv', columns: { text: 'message', label: 'topic' }, examples: { train: 640, test: 240 } },
  environment: { node: process.version, platform: 'linux x64', threads: 2, simd: 'avx2', started: '2026-11-30T09:12' },
});

/**
 * Trains a small classifier of texts for some seconds, and leaves a run folder as a task does: configuration, history
 * with gradients, an evaluation of the test part, and the report.
 */
export async function makeSampleRun(folder: string, { epochs = 8 }: { epochs?: number } = {}): Promise<void> {
  manualSeed(1);
  mkdirSync(folder, { recursive: true });
  putFile(folder, 'config.json', config(epochs));
  const [train, validation] = [messages(640, 1), messages(160, 2)];
  const text = vectorizerOf(train);
  const model = classifier(text);
  const loader = new DataLoader(encode(text, train), { batchSize: 32, shuffle: true });
  const optimizer = new AdamW(model.parameters(), { learningRate: 8e-3, weightDecay: 0.01 });
  const trainer = new Trainer({
    model,
    optimizer,
    schedule: new OneCycleLR(optimizer, { maxLearningRate: 8e-3, totalSteps: epochs * loader.length }),
    scheduleEvery: 'step',
    clipGradNorm: 1,
    loss: new CrossEntropyLoss(),
    metrics: [new Accuracy(), new F1Score({ labels, average: 'macro' })],
  });
  const writer: TrainerCallback = { onEpochEnd: (_, { history }) => putFile(folder, 'history.json', history) };
  await trainer.fit(loader, {
    epochs,
    progress: false,
    validation: new DataLoader(encode(text, validation), { batchSize: 80 }),
    callbacks: [new GradientReport({ print: false }), writer, new ReportCallback(folder)],
  });
  await evaluate(folder, trainer, model, text);
  await writeReport(folder);
}

async function evaluate(folder: string, trainer: Trainer, model: Sequential, text: TextVectorizer): Promise<void> {
  const test = messages(240, 3);
  const items = encode(text, test);
  const figures = await trainer.evaluate(new DataLoader(items, { batchSize: 80 }));
  const scores = noGrad(() => new Softmax().forward(model.eval().forward(pad(items.map(({ input }) => input)))));
  const chances = (await scores.array()) as number[][];
  const { worst, uncertain, calibration } = examplesOf(test, chances);
  const matrix = new ConfusionMatrix({ labels });
  const said = chances.map((row) => labels[row.indexOf(Math.max(...row))]!);
  const truth = test.map(({ label }) => label);
  matrix.update(said, truth);
  const [counts, report] = [await matrix.matrix(), await matrix.report()];
  const words = test.map((row) => row.text.split(' ').length);
  await writeEvaluation(folder, {
    part: 'test',
    figures,
    confusion: { labels, counts },
    perClass: labels.map((label) => ({ label, ...report.classes[label]! })),
    calibration,
    examples: { worst, uncertain },
    labels: labels.map((label) => ({ label, count: truth.filter((other) => other === label).length })),
    lengths: Array.from({ length: 8 }, (_, bin) => {
      const [from, to] = [4 * bin, 4 * bin + 4];
      return { from, to, count: words.filter((length) => length >= from && length < to).length };
    }),
    baselines: [
      { name: 'most frequent label', figures: { accuracy: truth.filter((one) => one === labels[0]).length / 240 } },
    ],
  });
}

/** Where a test leaves what people look at. */
export const screenshots = join(__dirname, '..', '..', 'build', 'screenshots');

/** Models as they may come out of a comparison. */
export const comparisonRows: readonly ComparisonRow[] = (
  [
    ['LSTM-64', 82, 0.0011, 310e3, 0.972, 0.09],
    ['LSTM-128', 141, 0.0016, 540e3, 0.981, 0.071],
    ['LSTM-256', 322, 0.0034, 1.42e6, 0.984, 0.069],
    ['GRU-64', 71, 0.0009, 265e3, 0.974, 0.085],
    ['GRU-128', 118, 0.0014, 451e3, 0.98, 0.073],
    ['GRU-256', 260, 0.0029, 1.1e6, 0.982, 0.07],
  ] as const
).map(([name, trainingSeconds, predictionSeconds, parameters, accuracy, loss]) => ({
  name,
  trainingSeconds,
  predictionSeconds,
  parameters,
  figures: { accuracy, loss },
}));

/** Twenty trials as of a search; one has failed, and most were stopped early. */
export function tuningTrials(): TrialRecord[] {
  const next = random(4);
  return Array.from({ length: 20 }, (_, index) => {
    const [rate, hidden, dropout] = [10 ** (-4 + 2 * next()), 64 * 2 ** Math.floor(3 * next()), next() / 2];
    const settings = { cell: next() < 0.5 ? 'lstm' : 'gru', hiddenSize: hidden, learningRate: rate, dropout };
    const value = 0.985 - 0.01 * Math.abs(Math.log10(rate) + 2.6) - 0.02 * Math.abs(dropout - 0.3) + 0.004 * next();
    const common = { number: index + 1, settings, seconds: 10 + 80 * next() };
    if (index === 11) return { ...common, epochs: 0, state: 'failed' };
    return { ...common, value, epochs: index % 3 === 0 ? 8 : 2, state: index % 3 === 0 ? 'finished' : 'stopped' };
  });
}
