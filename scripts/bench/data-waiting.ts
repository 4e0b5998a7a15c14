import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Adam,
  BucketSampler,
  CrossEntropyLoss,
  DataLoader,
  Embedding,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  Sequential,
  Trainer,
  type Collated,
} from 'stmnet';
import type { Outcome } from './benchmark';
import { median } from './statistics';
import { repository } from './tarball';

interface Message {
  input: Int32Array;
  target: number;
}

const VOCABULARY = 5000;
/** Of a training step, at most so much may be spent on its batch. */
const LIMIT = 0.05;

/**
 * The share of a training step that goes into reading items and making a batch of them, whether or not the device
 * computes meanwhile: messages of sms-spam where they are, else as many of such lengths; 32 of them, a bidirectional
 * LSTM.
 *
 * @param rounds  epochs of each, the median of which counts
 */
export async function measureWaiting(rounds: number): Promise<Outcome> {
  const messages = readMessages();
  const lengths = messages.map(({ input }) => input.length);
  const loaders: [string, () => DataLoader<Message, Collated<Message>>][] = [
    ['shuffled', () => new DataLoader(messages, { batchSize: 32, shuffle: true })],
    ['in buckets', () => new DataLoader(messages, { batchSampler: new BucketSampler(lengths, { batchSize: 32 }) })],
  ];
  const results: { name: string; hiddenSize: number; step: number; share: number }[] = [];
  for (const hiddenSize of [64, 128])
    for (const [name, make] of loaders)
      results.push({ name, hiddenSize, ...(await epochs(make(), hiddenSize, rounds)) });
  const most = Math.max(...results.map(({ share }) => share));
  return {
    tables: [
      {
        title: 'reading items and making a batch of them, in a step of training',
        header: ['batches', 'hiddenSize', 'ms a step', 'of it for the batch'],
        rows: results.map(({ name, hiddenSize, step, share }) => [
          name,
          String(hiddenSize),
          step.toFixed(1),
          `${(100 * share).toFixed(1)} %`,
        ]),
        note: '',
      },
    ],
    figures: results,
    goals: [
      {
        text: `a batch takes less than ${100 * LIMIT} % of a step`,
        got: `${(100 * most).toFixed(1)} %`,
        held: most < LIMIT,
      },
    ],
  };
}

function readMessages(): Message[] {
  const data = process.env['STMNET_DATA'] ?? join(repository, '..', 'shared', 'data');
  const file = join(data, 'sms-spam', 'SMSSpamCollection.tsv');
  if (!existsSync(file)) return madeMessages();
  const numbers = new Map<string, number>();
  const numberOf = (word: string): number => {
    const known = numbers.get(word) ?? numbers.size + 1;
    numbers.set(word, known);
    return known % VOCABULARY;
  };
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const [label, text = ''] = line.split('\t');
    const words = text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];
    return { input: Int32Array.from(words, numberOf), target: label === 'spam' ? 1 : 0 };
  });
}

function madeMessages(): Message[] {
  let state = 1;
  const below = (limit: number): number => (state = (state * 16807) % 2147483647) % limit;
  return Array.from({ length: 5574 }, () => {
    const length = 1 + Math.round(-18 * Math.log((1 + below(1000)) / 1001));
    return { input: Int32Array.from({ length }, () => below(VOCABULARY)), target: below(2) };
  });
}

/** Milliseconds of a step, and the share of it that making the batch takes. */
async function epochs(
  loader: DataLoader<Message, Collated<Message>>,
  hiddenSize: number,
  rounds: number,
): Promise<{ step: number; share: number }> {
  manualSeed(1);
  const model = new Sequential(
    new Embedding({ numEmbeddings: VOCABULARY, embeddingDim: hiddenSize }),
    new LSTM({ inputSize: hiddenSize, hiddenSize, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Linear({ inFeatures: 2 * hiddenSize, outFeatures: 2 }),
  );
  const optimizer = new Adam(model.parameters());
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
  let making = 0;
  const timed = <R>(work: () => R): R => {
    const start = performance.now();
    const result = work();
    making += performance.now() - start;
    return result;
  };
  // As the loader's own, with a clock at each side.
  const batches = {
    *[Symbol.iterator]() {
      const walk = loader[Symbol.iterator]();
      for (let next = timed(() => walk.next()); next.done !== true; next = timed(() => walk.next())) yield next.value;
    },
  };
  const [steps, shares]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    making = 0;
    const start = performance.now();
    await trainer.fit(batches, { epochs: 1, progress: false });
    const seconds = performance.now() - start;
    if (round === 0) continue; // warms up
    steps.push(seconds / loader.length);
    shares.push(making / seconds);
  }
  return { step: median(steps), share: median(shares) };
}
