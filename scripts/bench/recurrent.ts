import { setTimeout as sleep } from 'node:timers/promises';
import { numThreads } from 'stmnet';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { forwardFlop, shapes, trainedShapes, type RecurrentShape } from './shapes';
import { geometricMean, median, quantile, table } from './statistics';
import { repository, unpackPackage } from './tarball';
import { startOwn, startTorch, type Clock, type TimedCell, type TimedKind, type Timer } from './timer';

const sideNames = ['tree', 'package', 'PyTorch'] as const;
type SideName = (typeof sideNames)[number];

/** How far the packed addon may be from the tree's: in the geometric mean over all rows, and in one row. */
const limits = { mean: 0.05, row: 0.15 };

/** One row of what is measured. */
interface Row {
  cell: TimedCell;
  kind: TimedKind;
  shape: RecurrentShape;
}

/** What each side took in one row: milliseconds of a run, the median of each burst. */
type Bursts = Partial<Record<SideName, number[]>>;

interface Result {
  row: Row;
  bursts: Bursts;
}

interface Sides {
  timers: ReadonlyMap<SideName, Timer>;
  rounds: number;
  burst: number;
}

/**
 * A train step and inference: the tree's addon, a package's and PyTorch taking turns in short bursts, so that a noisy
 * machine disturbs all alike.
 */
export const recurrentSpeed: Benchmark = {
  summary:
    'a train step and inference of LSTM and GRU, beside a package and PyTorch where STMNET_PYTHON or python3 has it',
  options: {
    package: {
      type: 'string',
      default: '',
      description: `a tarball to time beside the tree: mean within ${100 * limits.mean} %, rows ${100 * limits.row} %`,
    },
    shapes: { type: 'string', default: shapes.map(({ name }) => name).join(','), description: 'which shapes' },
    cell: { type: 'string', default: 'lstm', description: 'lstm, gru or both' },
    kind: { type: 'string', default: 'train,infer', description: 'train, infer or both' },
    rounds: { type: 'string', default: '7', description: 'bursts of each side' },
    burst: { type: 'string', default: '250', description: 'milliseconds of a burst' },
    clock: {
      type: 'string',
      default: 'wall',
      description: 'wall, or cpu: processor time of one thread, for machines that others use too',
    },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<boolean> {
  const names = listOf(
    values,
    'shapes',
    shapes.map(({ name }) => name),
  );
  const chosen = names.flatMap((name) => shapes.filter((shape) => shape.name === name));
  const cells = listOf<TimedCell>(values, 'cell', ['lstm', 'gru']);
  const kinds = listOf<TimedKind>(values, 'kind', ['train', 'infer']);
  const [rounds, burst] = [wholeNumber(values, 'rounds'), wholeNumber(values, 'burst')];
  const [clock = 'wall'] = listOf<Clock>(values, 'clock', ['wall', 'cpu']);
  const suited = (kind: TimedKind): RecurrentShape[] =>
    chosen.filter(({ name }) => kind === 'infer' || trainedShapes.includes(name));
  const rows = cells.flatMap((cell) =>
    kinds.flatMap((kind) => suited(kind).map((shape): Row => ({ cell, kind, shape }))),
  );
  const timers = new Map<SideName, Timer>();
  try {
    await startSides(timers, values['package'] ?? '', clock);
    const results: Result[] = [];
    for (const row of rows) results.push({ row, bursts: await measureRow(row, { timers, rounds, burst }) });
    return report(results);
  } finally {
    for (const timer of timers.values()) timer.stop();
  }
}

/** A row of the package that is too far from the tree's is measured once more: the second time counts. */
async function measureRow(row: Row, sides: Sides): Promise<Bursts> {
  const bursts = await takeTurns(row, sides);
  const ratio = ratioOf(bursts, 'package', 'tree');
  if (!(Math.abs(ratio - 1) > limits.row)) return bursts;
  console.log(`${nameOf(row)}: package/tree ${ratio.toFixed(3)}; measured once more`);
  return takeTurns(row, sides);
}

/** Starts the sides that there are, with one number of threads for all, and says what they are. */
async function startSides(timers: Map<SideName, Timer>, tarball: string, clock: Clock): Promise<void> {
  const threads = clock === 'cpu' ? 1 : numThreads();
  const tree = await startOwn(repository, threads, clock);
  timers.set('tree', tree.timer);
  console.log(`tree: ${tree.description}`);
  if (tarball !== '') {
    const packed = await startOwn(unpackPackage(tarball), threads, clock);
    timers.set('package', packed.timer);
    console.log(`package: ${packed.description}; ${tarball}`);
  }
  const torch = await startTorch(threads, clock);
  if ('timer' in torch) timers.set('PyTorch', torch.timer);
  console.log(
    'timer' in torch
      ? `PyTorch: ${torch.version}, ${threads} threads`
      : `no PyTorch (${torch.missing}): set STMNET_PYTHON to a Python that has it`,
  );
}

/** Bursts of each side in turn; who begins changes from round to round. */
async function takeTurns({ shape, cell, kind }: Row, { timers, rounds, burst }: Sides): Promise<Bursts> {
  const sides: { timer: Timer; runs: number; medians: number[] }[] = [];
  const bursts: Bursts = {};
  for (const [name, timer] of timers) {
    await timer.time({ shape, cell, kind, runs: 2 });
    const [once = burst] = await timer.time({ shape, cell, kind, runs: 1 });
    const medians = (bursts[name] = []);
    sides.push({ timer, runs: Math.max(2, Math.min(400, Math.floor(burst / once))), medians });
  }
  for (let round = 0; round < rounds; ++round) {
    for (const { timer, runs, medians } of [
      ...sides.slice(round % sides.length),
      ...sides.slice(0, round % sides.length),
    ]) {
      await timer.time({ shape, cell, kind, runs: 1 }); // warms caches that the other sides have emptied
      medians.push(median(await timer.time({ shape, cell, kind, runs })));
      await sleep(20); // its threads go to sleep
    }
  }
  return bursts;
}

/**
 * What one side took divided by what another took, the median over the rounds, as both were disturbed alike in each;
 * NaN if one is not there.
 */
function ratioOf(bursts: Bursts, side: SideName, other: SideName): number {
  const [above = [], below = []] = [bursts[side], bursts[other]];
  return median(above.map((ms, round) => ms / (below[round] ?? Number.NaN)));
}

/** How far the middle half of the bursts lies from their median, as a part of it. */
const spreadOf = (bursts: readonly number[]): number =>
  (quantile(bursts, 0.75) - quantile(bursts, 0.25)) / 2 / median(bursts);

const nameOf = ({ cell, kind, shape }: Row): string => `${cell} ${kind} ${shape.name}`;

/** Prints the table and a line of JSON. @returns whether the package, if there is one, is as fast as the tree */
function report(results: readonly Result[]): boolean {
  const sides = sideNames.filter((side) => results.some(({ bursts }) => bursts[side] !== undefined));
  const pairs = (
    [
      ['PyTorch', 'tree'],
      ['PyTorch', 'package'],
      ['package', 'tree'],
    ] as const
  ).filter((pair) => pair.every((side) => sides.includes(side)));
  const figures = results.map(({ row, bursts }) => ({
    row: nameOf(row),
    gflops:
      (forwardFlop(row.shape, row.cell === 'lstm' ? 4 : 3) * (row.kind === 'train' ? 3 : 1)) /
      median(bursts.tree ?? []) /
      1e6,
    sides: Object.fromEntries(
      sides.map((side) => [
        side,
        { ms: median(bursts[side] ?? []), spread: spreadOf(bursts[side] ?? []), bursts: bursts[side] ?? [] },
      ]),
    ),
    ratios: Object.fromEntries(pairs.map(([side, other]) => [`${side}/${other}`, ratioOf(bursts, side, other)])),
  }));
  const rows = figures.map(({ row, gflops, sides: timed, ratios }) => [
    row,
    ...Object.values(timed).flatMap(({ ms, spread }) => [ms.toFixed(3), `${(100 * spread).toFixed(1)} %`]),
    gflops.toFixed(1),
    ...Object.values(ratios).map((ratio) => ratio.toFixed(3)),
  ]);
  const means: Record<string, Record<string, number>> = {};
  const groups = new Set(results.map(({ row: { cell, kind } }) => `${cell} ${kind}`));
  for (const group of pairs.length === 0 ? [] : [...groups, ...(groups.size > 1 ? [''] : [])]) {
    const members = figures.filter(({ row }) => row.startsWith(group));
    const mean = Object.fromEntries(
      pairs.map((pair) => [
        pair.join('/'),
        geometricMean(members.map(({ ratios }) => ratios[pair.join('/')] ?? Number.NaN)),
      ]),
    );
    means[group === '' ? 'all' : group] = mean;
    rows.push([
      `${group === '' ? 'all' : group}, geometric mean`,
      ...sides.flatMap(() => ['', '']),
      '',
      ...Object.values(mean).map((ratio) => ratio.toFixed(3)),
    ]);
  }
  console.log(
    table(
      ['', ...sides.flatMap((side) => [`${side} ms`, '±']), 'GFLOP/s', ...pairs.map((pair) => pair.join(' / '))],
      rows,
    ),
  );
  console.log(JSON.stringify({ figures, means }));
  return !sides.includes('package') || withinLimits(figures);
}

function withinLimits(figures: readonly { row: string; ratios: Readonly<Record<string, number>> }[]): boolean {
  const ratios = figures.map(({ row, ratios: all }) => ({ row, ratio: all['package/tree'] ?? Number.NaN }));
  const mean = geometricMean(ratios.map(({ ratio }) => ratio));
  const beyond = ratios
    .filter(({ ratio }) => !(Math.abs(ratio - 1) <= limits.row))
    .map(({ row, ratio }) => `${row} ${ratio.toFixed(3)}`);
  const fine = Math.abs(mean - 1) <= limits.mean && beyond.length === 0;
  const line =
    `package/tree: geometric mean ${mean.toFixed(3)}, expected within ${100 * limits.mean} % of 1; ` +
    `rows beyond ${100 * limits.row} %: ${beyond.join(', ') || 'none'}`;
  if (fine) console.log(line);
  else console.error(line);
  return fine;
}
