import { setTimeout as sleep } from 'node:timers/promises';
import { devices, numThreads, setNumThreads } from 'stmnet';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { OwnTimer } from './own-timer';
import { forwardFlop, shapes, trainedShapes, type RecurrentShape } from './shapes';
import { geometricMean, median, table } from './statistics';
import { TorchWorker, type Clock, type TimedCell, type TimedKind, type Timer } from './torch-worker';

/** What one row of the table holds; times in milliseconds. */
interface Result {
  cell: TimedCell;
  kind: TimedKind;
  shape: string;
  ms: number;
  gflops: number;
  torchMs?: number;
  /** PyTorch's time divided by ours: above 1 we are faster. */
  ratio?: number;
}

/** A train step and inference against PyTorch's, both taking turns in short bursts so that a noisy machine disturbs both alike. */
export const recurrentSpeed: Benchmark = {
  summary: 'a train step and inference of LSTM and GRU, beside PyTorch where STMNET_PYTHON or python3 has it',
  options: {
    shapes: { type: 'string', default: shapes.map(({ name }) => name).join(','), description: 'which shapes' },
    cell: { type: 'string', default: 'lstm', description: 'lstm, gru or both' },
    kind: { type: 'string', default: 'train,infer', description: 'train, infer or both' },
    rounds: { type: 'string', default: '7', description: 'bursts of each side' },
    burst: { type: 'string', default: '250', description: 'milliseconds of a burst' },
    clock: { type: 'string', default: 'wall', description: 'wall, or cpu: processor time of one thread, for machines that others use too' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<boolean> {
  const chosen = listOf(values, 'shapes', shapes.map(({ name }) => name)).flatMap((name) => shapes.filter((shape) => shape.name === name));
  const cells = listOf<TimedCell>(values, 'cell', ['lstm', 'gru']);
  const kinds = listOf<TimedKind>(values, 'kind', ['train', 'infer']);
  const [rounds, burst] = [wholeNumber(values, 'rounds'), wholeNumber(values, 'burst')];
  const [clock = 'wall'] = listOf<Clock>(values, 'clock', ['wall', 'cpu']);
  if (clock === 'cpu') setNumThreads(1);
  const torch = await TorchWorker.start(numThreads(), clock);
  const own = new OwnTimer(clock);
  const timers: Timer[] = 'worker' in torch ? [own, torch.worker] : [own];
  console.log(`stmnet: ${devices()[0]?.description ?? ''}; ${'worker' in torch ? `PyTorch ${torch.version}` : `no PyTorch (${torch.missing}): set STMNET_PYTHON to a Python that has it`}`);
  const results: Result[] = [];
  for (const cell of cells) {
    for (const kind of kinds) {
      for (const shape of chosen.filter(({ name }) => kind === 'infer' || trainedShapes.includes(name))) {
        const [ms = Number.NaN, torchMs] = await takeTurns(timers, shape, cell, kind, rounds, burst);
        const flop = forwardFlop(shape, cell === 'lstm' ? 4 : 3) * (kind === 'train' ? 3 : 1);
        results.push({ cell, kind, shape: shape.name, ms, gflops: flop / ms / 1e6, ...(torchMs === undefined ? {} : { torchMs, ratio: torchMs / ms }) });
      }
    }
  }
  if ('worker' in torch) torch.worker.stop();
  report(results);
  return true;
}

/** Median milliseconds of each timer. */
async function takeTurns(timers: readonly Timer[], shape: RecurrentShape, cell: TimedCell, kind: TimedKind, rounds: number, burst: number): Promise<number[]> {
  const sides: { timer: Timer; runs: number; times: number[] }[] = [];
  for (const timer of timers) {
    await timer.time(shape, cell, kind, 2);
    const [once = burst] = await timer.time(shape, cell, kind, 1);
    sides.push({ timer, runs: Math.max(2, Math.min(400, Math.floor(burst / once))), times: [] });
  }
  for (let round = 0; round < rounds; ++round) {
    for (const { timer, runs, times } of sides) {
      await timer.time(shape, cell, kind, 1); // warms caches that the other side has emptied
      times.push(...(await timer.time(shape, cell, kind, runs)));
      await sleep(20); // its threads go to sleep
    }
  }
  return sides.map(({ times }) => median(times));
}

function report(results: readonly Result[]): void {
  const rows = results.map(({ cell, kind, shape, ms, gflops, torchMs, ratio }) => [
    `${cell} ${kind} ${shape}`, ms.toFixed(3), gflops.toFixed(1), torchMs?.toFixed(3) ?? '', ratio?.toFixed(2) ?? '',
  ]);
  const means: Record<string, number> = {};
  for (const group of new Set(results.map(({ cell, kind }) => `${cell} ${kind}`))) {
    const ratios = results.flatMap(({ cell, kind, ratio }) => (`${cell} ${kind}` === group && ratio !== undefined ? [ratio] : []));
    if (ratios.length === 0) continue;
    means[group] = geometricMean(ratios);
    rows.push([`${group} geometric mean`, '', '', '', means[group].toFixed(2)]);
  }
  console.log(table(['', 'stmnet ms', 'GFLOP/s', 'PyTorch ms', 'ratio'], rows));
  console.log(JSON.stringify({ results, geometricMeans: means }));
}
