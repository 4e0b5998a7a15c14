import {
  AdamW,
  ArrayDataset,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  Embedding,
  LSTM,
  Linear,
  Module,
  PaddedSequence,
  Trainer,
  clipGradNorm,
  crossEntropy,
  memory,
  scope,
  synchronize,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { median } from './statistics';

/** The loops that are watched: what tidies up, or when a plain loop awaits. */
export const loopNames = ['trainer', 'scope', 'plain-every-step', 'plain-every-50th', 'plain-never'] as const;
/** One of them. */
export type LoopName = (typeof loopNames)[number];

/** After how many steps a loop is looked at. */
export interface Marks {
  few: number;
  many: number;
  /**
   * Between `many` and here nothing must grow any longer: V8 has then compiled what it compiles, and a queue that fills
   * is full.
   */
  end: number;
}

/** What is alive at one moment. */
export interface Moment {
  usedBytes: number;
  handles: number;
}

/** Bytes of the process, of which V8 chooses the size of its heap: live JavaScript stands apart from the rest. */
export interface Resident {
  /** RSS without V8's heap, the median of the last looks. */
  outsideHeap: number;
  /** What JavaScript holds after a collection. */
  heapLive: number;
}

/** What one loop held. */
export interface LoopReport {
  few: Moment;
  many: Moment;
  residentAtMany: Resident;
  residentAtEnd: Resident;
  peakBytes: number;
  collectedByGc: number;
  stepMs: number;
  /** Whether the loop promises to leave nothing to the garbage collector. */
  tidies: boolean;
}

/** The tagger of the guide, small. */
class Tagger extends Module {
  embedding = new Embedding({ numEmbeddings: 50, embeddingDim: 8, paddingIdx: 0 });
  dropout = new Dropout({ p: 0.5 });
  lstm = new LSTM({ inputSize: 8, hiddenSize: 12, numLayers: 2, bidirectional: true, dropout: 0.3 });
  hidden2tag = new Linear({ inFeatures: 24, outFeatures: 5 });

  forward(words: PaddedSequence): PaddedSequence {
    const { output } = this.lstm.forward(this.dropout.forward(this.embedding.forward(words)));
    return this.hidden2tag.forward(output);
  }
}

interface Sentence {
  input: { data: Int32Array; shape: number[] };
  target: { data: Int32Array; shape: number[] };
}

const rows = 8;
const steps = 12;
const lengths = Array.from({ length: rows }, (_, row) => steps - (row % 4));

const integers = (count: number, below: number, least = 0): Int32Array =>
  Int32Array.from({ length: count }, (_, index) => least + ((index * 7919) % (below - least)));
const sentences = (count: number): Sentence[] =>
  Array.from({ length: count }, (_, index) => {
    const length = lengths[index % rows] ?? steps;
    return {
      input: { data: integers(length, 50, 1), shape: [length] },
      target: { data: integers(length, 5), shape: [length] },
    };
  });

/** Runs `count` more steps of a loop. */
type Continue = (count: number) => Promise<void>;

function plainLoop(everyNth: number, inScope: boolean): Continue {
  const model = new Tagger();
  const optimizer = new AdamW(model.parameters(), { learningRate: 1e-3, weightDecay: 0.01 });
  const step = (): Tensor => {
    const words = new PaddedSequence(tensor({ data: integers(rows * steps, 50, 1), shape: [rows, steps] }), lengths);
    const tags = new PaddedSequence(tensor({ data: integers(rows * steps, 5), shape: [rows, steps] }), lengths);
    const loss = crossEntropy(model.forward(words), tags);
    optimizer.zeroGrad();
    loss.backward();
    clipGradNorm(model.parameters(), { maxNorm: 1 });
    optimizer.step();
    return loss;
  };
  return async (count) => {
    for (let i = 0; i < count; ++i) {
      const loss = inScope ? scope(step) : step();
      if (optimizer.steps % everyNth === 0) finite(await loss.item());
      if (inScope) loss.dispose();
    }
  };
}

function trainerLoop(): Continue {
  const model = new Tagger();
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new AdamW(model.parameters(), { learningRate: 1e-3, weightDecay: 0.01 }),
  });
  const batches = 20;
  const loader = new DataLoader(new ArrayDataset(sentences(batches * rows)), { batchSize: rows, shuffle: true });
  return async (count) => {
    if (count % batches !== 0)
      throw new Error(
        `memory: got ${count} steps of the Trainer, expected a multiple of ${batches}.\n` +
          '  Fix: choose --few, --many and --end so.',
      );
    await trainer.fit(loader, { epochs: count / batches, progress: false });
  };
}

function finite(loss: number): void {
  if (!Number.isFinite(loss)) throw new Error(`memory: got a loss of ${loss}, expected a finite one.`);
}

const loops: Record<LoopName, () => Continue> = {
  trainer: trainerLoop,
  scope: () => plainLoop(50, true),
  'plain-every-step': () => plainLoop(1, false),
  'plain-every-50th': () => plainLoop(50, false),
  'plain-never': () => plainLoop(Number.MAX_SAFE_INTEGER, false),
};

/** Forces collections, lets op calls notice them, and waits until all is computed. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; ++round) {
    globalThis.gc?.();
    scope(() => {
      for (let i = 0; i < 64; ++i) zeros([1]);
    });
    await synchronize();
  }
}

async function look(tidies: boolean): Promise<Moment> {
  await synchronize();
  if (!tidies) await settle();
  const { usedBytes, handles } = memory();
  return { usedBytes, handles };
}

/** Steps between two looks at the process, and how many looks make one figure. */
const stride = 100;
const looks = 10;

/** Runs from one mark to another and returns the bytes outside V8's heap. */
async function advance(proceed: Continue, from: number, to: number): Promise<number> {
  const seen: number[] = [];
  for (let done = from; done < to; done += stride) {
    await proceed(Math.min(stride, to - done));
    const { rss, heapTotal } = process.memoryUsage();
    seen.push(rss - heapTotal);
  }
  return median(seen.slice(-looks));
}

function liveHeap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/**
 * Runs one loop. One that tidies up is looked at as it is, the others after a forced collection.
 *
 * @throws {Error} if the process was started without --expose-gc
 */
export async function runLoop(name: LoopName, { few, many, end }: Marks): Promise<LoopReport> {
  if (globalThis.gc === undefined)
    throw new Error('memory: got a process without gc(), expected one.\n  Fix: start it with node --expose-gc.');
  const tidies = name === 'trainer' || name === 'scope';
  const proceed = loops[name]();
  await advance(proceed, 0, few);
  const early = await look(tidies);
  const start = performance.now();
  const outsideAtMany = await advance(proceed, few, many);
  const late = await look(tidies);
  const residentAtMany = { outsideHeap: outsideAtMany, heapLive: liveHeap() };
  const outsideAtEnd = await advance(proceed, many, end);
  await synchronize();
  const stepMs = (performance.now() - start) / (end - few);
  const { peakBytes, collectedByGc } = memory();
  const residentAtEnd = { outsideHeap: outsideAtEnd, heapLive: liveHeap() };
  return { few: early, many: late, residentAtMany, residentAtEnd, peakBytes, collectedByGc, stepMs, tidies };
}
