import { join } from 'node:path';
import { numThreads } from 'stmnet';
import { wholeNumber, type BenchmarkOptions, type BenchmarkValues } from '../benchmark';
import { LineWorker, startPython } from '../line-worker';
import { nodePeers } from '../peers';
import { packageEnvironment, packageRoot } from '../tarball';
import { loadNow } from './load';
import type { Answer, Clock, Greeting, JobOptions, Request } from './protocol';
import { measureRows, type Plan, type Row, type RowResult, type Side } from './turns';

/** A side that is wanted. */
export interface Wanted {
  readonly name: string;
  readonly program: 'stmnet' | 'PyTorch' | 'Keras (JAX)' | 'onnxruntime-node' | 'TensorFlow.js';
  /** Threads that it computes with; those of the comparison if left out. */
  readonly threads?: number;
  /** What it adds to the options of every job. */
  readonly extra?: JobOptions;
  /** Of stmnet: the folder of an unpacked package, in place of the code that runs. */
  readonly folder?: string;
}

/** What all comparisons let choose. */
export const turnOptions = {
  rounds: { type: 'string', default: '7', description: 'bursts of each side' },
  burst: { type: 'string', default: '250', description: 'milliseconds of a burst' },
  most: { type: 'string', default: '30', description: 'seconds that a side may take for a row' },
  rows: { type: 'string', default: '', description: 'texts, with commas between: rows that have one in their names' },
  threads: { type: 'string', default: '0', description: 'of each side; as many as stmnet takes if 0' },
  peer: {
    type: 'string',
    default: '',
    description: 'a folder whose node_modules have onnxruntime-node and TensorFlow.js, in place of build/peers/node',
  },
} as const satisfies BenchmarkOptions;

/** How sides are compared. */
export interface Comparing {
  readonly clock?: Clock;
  /** Each row in processes of its own: their memory is then that of the row. */
  readonly fresh?: boolean;
  /** Processes that belong to what is measured. */
  readonly beside?: readonly number[];
}

/** What was measured, and by whom. */
export interface Comparison {
  readonly results: readonly RowResult[];
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Starts sides, measures the rows that are asked for, and ends them. Peers that are not there are said and left out.
 *
 * @throws {Error} if stmnet does not start, or no row has such a name
 */
export async function compareSides(
  values: BenchmarkValues,
  wanted: readonly Wanted[],
  rows: readonly Row[],
  { clock = 'wall', fresh = false, beside = [] }: Comparing = {},
): Promise<Comparison> {
  const plan: Plan = {
    rounds: wholeNumber(values, 'rounds'),
    burst: wholeNumber(values, 'burst'),
    most: wholeNumber(values, 'most'),
    beside,
    told: (text) => console.log(text),
  };
  const chosen = chosenRows(rows, values['rows'] ?? '');
  const threads = wholeNumber(values, 'threads', 0) || (clock === 'cpu' ? 1 : numThreads());
  const setting = { threads, clock, peer: nodePeers(values['peer'] ?? '') };
  console.log(`load average ${loadNow().toFixed(2)} before`);
  const results: RowResult[] = [];
  const versions: Record<string, string> = {};
  const missing = new Set<string>();
  for (const some of fresh ? chosen.map((row) => [row]) : [chosen]) {
    const needed = wanted.filter(({ name }) => some.some(({ sides }) => sides?.includes(name) ?? true));
    const sides = await startSides(
      needed.filter(({ name }) => !missing.has(name)),
      setting,
      missing,
      results.length === 0,
    );
    try {
      for (const { greeting } of sides) Object.assign(versions, greeting.versions);
      results.push(...(await measureRows(some, sides, plan)));
    } finally {
      for (const side of sides) await side.stop();
    }
  }
  return { results, versions };
}

/**
 * Rows that have one of the texts, separated by commas, in their names.
 *
 * @throws {Error} if there is none
 */
export function chosenRows(rows: readonly Row[], texts: string): readonly Row[] {
  const wanted = texts.split(',').map((text) => text.trim());
  const chosen = rows.filter(({ name }) => wanted.some((text) => name.includes(text)));
  if (chosen.length > 0) return chosen;
  const names = rows.map(({ name }) => name).join(', ');
  throw new Error(`--rows: got '${texts}', expected parts of: ${names}.\n  Fix: --rows '${rows[0]?.name ?? ''}'`);
}

interface Setting {
  readonly threads: number;
  readonly clock: Clock;
  readonly peer: string;
}

/** A process that takes part. */
class WorkerSide implements Side {
  readonly name: string;
  readonly free: boolean;
  readonly extra: JobOptions;
  readonly greeting: Greeting;
  readonly #worker: LineWorker;

  constructor({ name, program, extra = {} }: Wanted, worker: LineWorker, greeting: Greeting) {
    this.name = name;
    this.free = program === 'stmnet';
    this.extra = extra;
    this.greeting = greeting;
    this.#worker = worker;
  }

  get pid(): number {
    return this.#worker.pid;
  }

  async ask(request: Request): Promise<Answer> {
    return (await this.#worker.ask(request)) as Answer;
  }

  async stop(): Promise<void> {
    this.#worker.stop();
    await this.#worker.ended();
  }
}

/** @param missing  is told the names of those that are not there */
async function startSides(
  wanted: readonly Wanted[],
  setting: Setting,
  missing: Set<string>,
  aloud: boolean,
): Promise<WorkerSide[]> {
  const sides: WorkerSide[] = [];
  for (const one of wanted) {
    const threads = one.threads ?? setting.threads;
    const started = await start(one, { ...setting, threads });
    if ('missing' in started) {
      if (one.program === 'stmnet') throw new Error(`${one.name} does not load: ${started.missing}`);
      console.log(`no ${one.name} (${started.missing}): npm run bench:peers`);
      missing.add(one.name);
      continue;
    }
    const side = new WorkerSide(one, started.worker, started.greeting as Greeting);
    sides.push(side);
    if (aloud) console.log(`${one.name}: ${side.greeting.description}; ${threads} threads`);
  }
  return sides;
}

function start(
  { name, program, folder = packageRoot }: Wanted,
  { threads, clock, peer }: Setting,
): ReturnType<typeof LineWorker.start> {
  const node = (root: string, script: string, args: readonly string[]): ReturnType<typeof LineWorker.start> =>
    LineWorker.start({
      name,
      command: process.execPath,
      args: [...process.execArgv, join(root, 'build', 'js', 'scripts', 'bench', script), ...args],
      env: root === packageRoot ? process.env : packageEnvironment(),
    });
  switch (program) {
    case 'stmnet':
      return node(folder, 'own-worker.js', [String(threads), clock]);
    case 'onnxruntime-node':
      return node(packageRoot, join('peers', 'onnx-worker.js'), [String(threads), clock, peer]);
    case 'TensorFlow.js':
      return node(packageRoot, join('peers', 'tfjs-worker.js'), [String(threads), clock, peer]);
    case 'PyTorch':
      return startPython('peers/torch_worker.py', [String(threads), clock], {
        OMP_NUM_THREADS: String(threads),
        MKL_NUM_THREADS: String(threads),
      });
    case 'Keras (JAX)':
      return startPython('peers/keras_worker.py', [String(threads), clock]);
  }
}
