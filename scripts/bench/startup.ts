import { execFileSync } from 'node:child_process';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Goal, type Outcome } from './benchmark';
import { python } from './peers';
import { median, quantile } from './statistics';
import { packageRoot } from './tarball';

/** Milliseconds until the package is there, and until it has a result. */
const limits = { load: 100, result: 300 };

/** What a fresh process tells: milliseconds since its program began. */
interface Times {
  /** Until the package is loaded. */
  readonly load: number;
  /** Until the output of an LSTM is read. */
  readonly result: number;
  /** From outside: until the process has ended. */
  readonly whole: number;
}

/** The same, and of which versions. */
interface Told {
  readonly times: Times;
  /** By the names of packages. */
  readonly versions: Readonly<Record<string, string>>;
}

/** How long it takes to load the package in a fresh process, and to have a first result. */
export const startup: Benchmark = {
  summary:
    `milliseconds of require('stmnet') in a fresh process, below ${limits.load}, and until an LSTM's output is read, ` +
    `below ${limits.result}; beside PyTorch`,
  options: { rounds: { type: 'string', default: '15', description: 'processes of each side' } },
  run: measure,
};

const own = `
  const start = performance.now();
  const { LSTM, noGrad, zeros } = require(${JSON.stringify(packageRoot)});
  const load = performance.now() - start;
  const lstm = new LSTM({ inputSize: 32, hiddenSize: 64 });
  noGrad(() => lstm.forward(zeros([8, 20, 32])).output).data().then(() => {
    const result = performance.now() - start; // before stdout, which takes some milliseconds at its first use
    process.stdout.write(JSON.stringify({ load, result }));
  });`;

const torch = `
import time
start = time.perf_counter()
import torch
load = (time.perf_counter() - start) * 1e3
lstm = torch.nn.LSTM(32, 64, batch_first=True)
with torch.inference_mode():
    lstm(torch.zeros(8, 20, 32))[0].numpy()
result = (time.perf_counter() - start) * 1e3
import json, sys
versions = {"torch": torch.__version__, "python": sys.version.split()[0]}
print(json.dumps({"load": load, "result": result, "versions": versions}))`;

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const rounds = wholeNumber(values, 'rounds');
  const programs: Readonly<Record<string, () => Told>> = {
    stmnet: () => timesOf(process.execPath, ['-e', own]),
    PyTorch: () => timesOf(python(), ['-c', torch]),
  };
  const sides: Record<string, Times[]> = {};
  const versions: Record<string, string> = {};
  for (const [name, run] of Object.entries(programs)) {
    try {
      Object.assign(versions, run().versions); // reads the files into the disk cache
      sides[name] = [];
    } catch (error) {
      if (name === 'stmnet') throw error;
      console.log(`no ${name} (${error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)})`);
    }
  }
  for (let round = 0; round < rounds; ++round)
    for (const [name, times] of Object.entries(sides)) times.push((programs[name] ?? never)().times);
  return { ...outcomeOf(sides, rounds), versions };
}

const never = (): never => {
  throw new Error('a side without a program');
};

function timesOf(command: string, args: readonly string[]): Told {
  const start = performance.now();
  const told = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const whole = performance.now() - start;
  const { versions = {}, ...times } = JSON.parse(told) as Omit<Times, 'whole'> & Partial<Pick<Told, 'versions'>>;
  return { times: { ...times, whole }, versions };
}

function outcomeOf(sides: Readonly<Record<string, readonly Times[]>>, rounds: number): Outcome {
  const kinds = { load: 'loaded', result: 'first result read', whole: 'the whole process' } as const;
  const rows = Object.entries(sides).flatMap(([name, times]) =>
    (['load', 'result', 'whole'] as const).map((kind) => {
      const all = times.map((one) => one[kind]);
      return [`${name}: ${kinds[kind]}`, ...[0.5, 0, 1].map((part) => quantile(all, part).toFixed(1))];
    }),
  );
  const ofOwn = (kind: 'load' | 'result'): number => median((sides['stmnet'] ?? []).map((one) => one[kind]));
  const goal = (kind: 'load' | 'result'): Goal => ({
    text: `${kinds[kind]} in less than ${limits[kind]} ms`,
    got: `${ofOwn(kind).toFixed(1)} ms`,
    held: ofOwn(kind) < limits[kind],
  });
  const title = `milliseconds in ${rounds} fresh processes`;
  return {
    tables: [{ title, header: ['', 'median', 'fastest', 'slowest'], rows, note: '' }],
    figures: sides,
    goals: [goal('load'), goal('result')],
  };
}
