import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  GRU,
  LSTM,
  numThreads,
  randn,
  scope,
  synchronize,
  type GRUOptions,
  type LSTMOptions,
  type Tensor,
} from 'stmnet';
import { wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { median, quantile, table } from './statistics';
import { repository } from './tarball';

/** How many times the plain cell's time a variant may take. */
const limit = 2;

/** Variants by name; the plain cell is the one without options. */
const variants: Readonly<Record<string, Partial<LSTMOptions & GRUOptions>>> = {
  lstm: {},
  'lstm recurrentDropout': { recurrentDropout: 0.3 },
  'lstm weightDrop': { weightDrop: 0.3 },
  'lstm zoneout': { zoneout: 0.1, zoneoutCell: 0.1 },
  'lstm peephole': { peephole: true },
  'lstm coupledGates': { coupledGates: true },
  'lstm layerNorm': { layerNorm: true },
  gru: {},
  'gru recurrentDropout': { recurrentDropout: 0.3 },
  'gru resetAfter': { resetAfter: false },
  'gru layerNorm': { layerNorm: true },
};

/** A train step of each variant, beside the plain cell, and beside the same written step by step in PyTorch. */
export const cellVariants: Benchmark = {
  summary: `a train step of variants of LSTM and GRU, within ${limit} times the plain ones, beside PyTorch by steps`,
  options: {
    rows: { type: 'string', default: '32', description: 'N' },
    steps: { type: 'string', default: '50', description: 'T' },
    features: { type: 'string', default: '256', description: 'D' },
    hidden: { type: 'string', default: '256', description: 'H' },
    rounds: { type: 'string', default: '15', description: 'steps of each side, in turn' },
  },
  run: measure,
};

/** Runs a train step and says how long it took, in milliseconds. */
type Side = () => Promise<number>;

async function measure(values: BenchmarkValues): Promise<boolean> {
  const sizes = ['rows', 'steps', 'features', 'hidden'].map((name) => wholeNumber(values, name));
  const [rows = 1, steps = 1, features = 1, hidden = 1] = sizes;
  const rounds = wholeNumber(values, 'rounds');
  const x = randn([rows, steps, features]);
  const peer = await startPeer(sizes);
  const sides = Object.entries(variants).map(([name, options]): [string, Side, number[], number[]] => {
    const Layer = name.startsWith('gru') ? GRU : LSTM;
    return [name, ownSide(new Layer({ inputSize: features, hiddenSize: hidden, ...options }), x), [], []];
  });
  for (let round = -2; round < rounds; round++)
    for (const [name, own, times, others] of sides) {
      const [mine, other] = [await own(), name.includes('weightDrop') ? undefined : await peer?.time(name)];
      if (round < 0) continue; // warms up
      times.push(mine);
      if (other !== undefined) others.push(other);
    }
  peer?.stop();
  return report(sides, sizes);
}

function ownSide(layer: LSTM | GRU, x: Tensor): Side {
  return async () => {
    await synchronize();
    const start = performance.now();
    scope(() => layer.forward(x).output.sum().backward());
    await synchronize();
    return performance.now() - start;
  };
}

/** A process of PyTorch that runs what it is told to. */
interface Peer {
  time(name: string): Promise<number>;
  stop(): void;
}

async function startPeer(sizes: readonly number[]): Promise<Peer | undefined> {
  const script = join(repository, 'scripts', 'bench', 'torch_cells.py');
  const child: ChildProcessWithoutNullStreams = spawn(process.env['STMNET_PYTHON'] ?? 'python3', [
    script,
    ...sizes.map(String),
    String(numThreads()),
  ]);
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const time = async (name: string): Promise<number> => {
    child.stdin.write(`${name}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(said.trim().split('\n').at(-1) ?? '');
    return Number(value);
  };
  child.stdin.on('error', () => undefined); // the line that does not come says why
  try {
    await time('lstm');
    return { time, stop: () => child.stdin.end() };
  } catch (error) {
    console.log(`no PyTorch (${String(error)}): set STMNET_PYTHON to a Python that has it`);
    return undefined;
  }
}

/** @returns whether every variant is within the limit */
function report(sides: readonly [string, Side, number[], number[]][], sizes: readonly number[]): boolean {
  const plainOf = (name: string): number[] => sides.find(([other]) => other === name.split(' ')[0])?.[2] ?? [];
  const ratio = (above: readonly number[], below: readonly number[]): number =>
    median(above.map((ms, round) => ms / (below[round] ?? Number.NaN)));
  const figures = sides.map(([name, , times, others]) => ({
    name,
    ms: median(times),
    quarters: [quantile(times, 0.25), quantile(times, 0.75)],
    toPlain: ratio(times, plainOf(name)),
    torch: others.length === 0 ? undefined : ratio(others, times),
  }));
  console.log(`N, T, D, H: ${sizes.join(', ')}; ${numThreads()} threads`);
  console.log(
    table(
      ['a train step', 'median ms', 'quarters', 'to the plain cell', 'PyTorch to it'],
      figures.map(({ name, ms, quarters, toPlain, torch }) => [
        name,
        ms.toFixed(1),
        quarters.map((quarter) => quarter.toFixed(1)).join('-'),
        toPlain.toFixed(2),
        torch === undefined ? '' : torch.toFixed(2),
      ]),
    ),
  );
  console.log(JSON.stringify({ sizes, figures }));
  return figures.every(({ toPlain }) => toPlain <= limit);
}
