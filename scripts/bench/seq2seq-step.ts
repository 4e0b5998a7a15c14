import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { numThreads } from 'stmnet';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { LineWorker, startPython } from './line-worker';
import { drawPairs, type PairRequest, type PairSizes } from './seq2seq-case';
import { median, quantile, table } from './statistics';
import { repository, unpackPackage } from './tarball';

/** How many times PyTorch's time a step may take. */
const limit = 1;

/** How far the losses of both sides may be from each other, as a part of them, in the steps that are compared. */
const tolerance = 1e-3;

/** One side: a process that takes steps of the training that both have. */
interface Side {
  readonly name: string;
  readonly worker: LineWorker;
  readonly times: number[];
}

/** A training step of a Seq2Seq, in turn with the same model in PyTorch. */
export const seq2SeqStep: Benchmark = {
  summary: `a training step of a Seq2Seq on ragged sentences, beside PyTorch, within ${limit} times its time`,
  options: {
    rows: { type: 'string', default: '64', description: 'pairs of a batch' },
    tokens: { type: 'string', default: '8000', description: 'tokens of the sources, and of the targets' },
    embedding: { type: 'string', default: '256', description: 'width of the vector of a token' },
    hidden: { type: 'string', default: '256', description: 'H of the decoder; the encoder has half of it each way' },
    layers: { type: 'string', default: '2', description: 'layers of the encoder, and of the decoder' },
    attention: { type: 'string', default: 'additive,multiplicative', description: 'additive, multiplicative or both' },
    rounds: { type: 'string', default: '11', description: 'rounds, in turn for each side' },
    steps: { type: 'string', default: '3', description: 'steps of a round, each on a batch of its own' },
    package: { type: 'string', default: '', description: 'the tarball of a package, in place of the tree' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<boolean> {
  const names = ['rows', 'tokens', 'embedding', 'hidden', 'layers', 'rounds', 'steps'];
  const numbers = names.map((name) => wholeNumber(values, name));
  const [rows = 1, tokens = 1, embeddingDim = 1, hiddenSize = 1, numLayers = 1, rounds = 1, steps = 1] = numbers;
  const attentions = listOf<PairSizes['attention']>(values, 'attention', ['additive', 'multiplicative']);
  const tarball = values['package'] ?? '';
  const folder = tarball === '' ? repository : unpackPackage(tarball);
  const ratios: number[] = [];
  for (const attention of attentions) {
    const sizes = { rows, tokens, embeddingDim, hiddenSize, numLayers, dropout: 0.3, attention };
    const sides = await startSides(folder, sizes);
    try {
      await takeTurns(sides, rounds, steps);
    } finally {
      for (const { worker } of sides) worker.stop();
    }
    ratios.push(report(sides, sizes));
  }
  return ratios.every((ratio) => !(ratio > limit));
}

/** Both sides, with the same threads, batches and weights; one alone where there is no PyTorch. */
async function startSides(folder: string, sizes: PairSizes): Promise<Side[]> {
  const threads = String(numThreads());
  const own = await LineWorker.start({
    name: `stmnet of ${folder}`,
    command: process.execPath,
    args: [...process.execArgv, join(__dirname, 'seq2seq-worker.js'), folder, threads],
    env: folder === repository ? process.env : { ...process.env, STMNET_ADDON: '' },
  });
  if ('missing' in own) throw new Error(`bench: the stmnet of ${folder} does not load: ${own.missing}`);
  const sides: Side[] = [{ name: 'stmnet', worker: own.worker, times: [] }];
  const environment = { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  const torch = await startPython('torch_seq2seq.py', [threads], environment);
  if ('missing' in torch) console.log(`no PyTorch (${torch.missing}): set STMNET_PYTHON to a Python that has it`);
  else sides.push({ name: 'PyTorch', worker: torch.worker, times: [] });
  const pairs = drawPairs(sizes, 8, 1);
  for (const { worker } of sides) await worker.ask({ sizes, pairs });
  await checkEqual(sides);
  return sides;
}

/** Three steps without dropout, from the same weights: both sides must come to the same losses. */
async function checkEqual(sides: readonly Side[]): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'stmnet-seq2seq-'));
  try {
    const request: PairRequest = { kind: 'weights', file: join(place, 'weights.safetensors') };
    for (const { worker } of sides) await worker.ask(request);
  } finally {
    rmSync(place, { recursive: true });
  }
  const losses: number[][] = [];
  for (const side of sides) losses.push((await take(side, { kind: 'check', steps: 3 })).map(({ loss }) => loss));
  const [own = [], other = own] = losses;
  if (own.some((loss, step) => !(Math.abs(loss / (other[step] ?? Number.NaN) - 1) < tolerance)))
    throw new Error(`the sides do not train alike: losses ${own.join(', ')} and ${other.join(', ')}`);
}

const take = async ({ worker }: Side, request: PairRequest): Promise<{ ms: number; loss: number }[]> =>
  (await worker.ask(request)) as { ms: number; loss: number }[];

/** Threads that wait for work spin for a while: the other side's must rest before this side is timed. */
const restMs = 50;

/** Steps of each side in turn, on the same batches; who begins changes from round to round. */
async function takeTurns(sides: readonly Side[], rounds: number, steps: number): Promise<void> {
  for (let round = -1; round < rounds; ++round) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      await sleep(restMs);
      const taken = await take(side, { kind: 'train', steps });
      if (round >= 0) side.times.push(median(taken.map(({ ms }) => ms)));
    }
  }
}

/** Prints the table and a line of JSON. @returns how many times PyTorch's time a step takes; NaN without PyTorch */
function report(sides: readonly Side[], sizes: PairSizes): number {
  const [own, torch] = sides;
  const ratio = median((own?.times ?? []).map((ms, round) => ms / (torch?.times[round] ?? Number.NaN)));
  const { rows, tokens, embeddingDim, hiddenSize, numLayers, attention } = sizes;
  console.log(
    `${attention}: ${rows} pairs of 10 to 30 words, ${tokens} tokens, vectors of ${embeddingDim}, H ${hiddenSize}, ` +
      `${numLayers} layers; ${numThreads()} threads`,
  );
  const figures = sides.map(({ name, times }) => [name, ...[0.5, 0.25, 0.75].map((part) => quantile(times, part))]);
  const shown = figures.map((row) => row.map((figure) => (typeof figure === 'number' ? figure.toFixed(1) : figure)));
  console.log(table(['a training step', 'median ms', 'lower quarter', 'upper quarter'], shown));
  console.log(`stmnet / PyTorch: ${ratio.toFixed(3)}, expected at most ${limit}`);
  const times = Object.fromEntries(sides.map((side) => [side.name, side.times]));
  console.log(JSON.stringify({ sizes, ratio, times }));
  return ratio;
}
