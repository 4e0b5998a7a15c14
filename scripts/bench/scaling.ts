import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { listOf, type Benchmark, type BenchmarkValues, type Goal, type Outcome, type ShownTable } from './benchmark';
import type { LanguageOptions } from './jobs/language';
import type { RecurrentOptions } from './jobs/recurrent';
import { drawText } from './lm-step';
import { shapes, type RecurrentShape } from './shapes';
import { compared, generalGoals, inDigits, type RowFigures, type Showing } from './turns/comparison';
import { chosenRows, compareSides, turnOptions, type Wanted } from './turns/sides';
import type { Row, RowResult } from './turns/turns';

/** What is varied: each with the sizes that stay. */
const axes = {
  batch: { title: 'batch (T 50, H 128), a train step', values: [1, 4, 16, 64, 256, 1024] },
  steps: { title: 'steps (N 8, H 128), a train step', values: [1, 10, 100, 1000, 10_000] },
  hidden: { title: 'hidden size (T 10, N 16), a train step', values: [32, 128, 512, 2048, 4096] },
  vocabulary: { title: 'words (T 20, N 20, H 128), a step of a language model', values: [1000, 10_000, 100_000] },
} as const;

/** One of them. */
export type Axis = keyof typeof axes;
const axisNames = Object.keys(axes) as Axis[];

/** A point of an axis, for plots. */
export interface ScalingPoint extends RowFigures {
  readonly axis: Axis;
  readonly value: number;
}

/** What `scaling` measures. */
export interface ScalingFigures {
  readonly points: readonly ScalingPoint[];
  /** Rows of the threads: without and with a neighbour. */
  readonly threads: readonly RowFigures[];
}

/** Names of the plots of what was measured: axes, and threads. */
export const plotNames = ({ points, threads }: ScalingFigures): string[] => [
  ...new Set(points.map(({ axis }) => axis)),
  ...(threads.length > 0 ? ['threads'] : []),
];

/** The file of a plot in `docs/performance`. */
export const plotFile = (name: string): string => `scaling-${name}.svg`;

const [own, torch] = ['stmnet', 'PyTorch'] as const;
const peers: readonly Wanted[] = [
  { name: own, program: 'stmnet' },
  { name: torch, program: 'PyTorch' },
];

/** How time and memory grow with the work, and what threads do with a busy neighbour. */
export const scaling: Benchmark = {
  summary: 'time and memory against batch, steps, hidden size and vocabulary; threads, also beside a busy process',
  options: {
    ...turnOptions,
    rounds: { ...turnOptions.rounds, default: '3' },
    burst: { ...turnOptions.burst, default: '100' },
    most: { ...turnOptions.most, default: '8' },
    axes: { type: 'string', default: [...axisNames, 'threads'].join(','), description: 'what is varied' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const varied = listOf(values, 'axes', [...axisNames, 'threads'] as const);
  const ofAxes = axisNames
    .filter((axis) => varied.includes(axis))
    .map((axis) => ({ axis, rows: axes[axis].values.map((value) => rowOf(axis, value)) }));
  const ofThreads = varied.includes('threads') ? [...threadRows(alone), ...threadRows(besideBusy)] : [];
  const chosen = new Set(chosenRows([...ofAxes.flatMap(({ rows }) => rows), ...ofThreads], values['rows'] ?? ''));
  const tables: ShownTable[] = [];
  const points: ScalingPoint[] = [];
  const versions: Record<string, string> = {};
  for (const { axis, rows } of ofAxes) {
    const some = rows.filter((row) => chosen.has(row));
    if (some.length === 0) continue;
    const measured = await compareSides(values, peers, some, { fresh: true });
    Object.assign(versions, measured.versions);
    const shown = compared(measured.results, growth(axes[axis].title));
    tables.push(shown.table);
    points.push(...shown.rows.map((row) => ({ ...row, axis, value: Number(row.row.split(' ')[1]) })));
  }
  const threads = await measureThreads(
    values,
    ofThreads.filter((row) => chosen.has(row)),
  );
  Object.assign(versions, threads.versions);
  const figures: ScalingFigures = { points, threads: threads.rows };
  return {
    tables: [...tables, ...threads.tables],
    figures,
    goals: [...generalGoals([...points, ...figures.threads]), ...threadGoals(figures.threads)],
    versions,
  };
}

/** Times and memory of both sides. */
const growth = (title: string): Showing => ({
  title,
  sides: [own, torch],
  pairs: [[torch, own]],
  columns: [own, torch].map((side) => ({
    name: `${side} MiB`,
    of: ({ peakBytes }) => (peakBytes[side] === undefined ? '' : inDigits(peakBytes[side] / 2 ** 20)),
  })),
  means: false,
});

function rowOf(axis: Axis, value: number): Row {
  const name = `${axis} ${value}`;
  if (axis === 'vocabulary') {
    const [steps, batch] = [20, 20];
    const text = drawText(batch, 4 * steps + 1, value);
    const options: LanguageOptions = { steps, hidden: 128, layers: 1, vocabulary: value, text };
    return { name, group: axis, job: 'language', options };
  }
  const sizes = { T: 50, N: 16, D: 128, H: 128 };
  if (axis === 'batch') sizes.N = value;
  else if (axis === 'steps') Object.assign(sizes, { T: value, N: 8 });
  else Object.assign(sizes, { T: 10, D: value, H: value });
  const shape: RecurrentShape = { name, about: '', ...sizes, L: 1, bidirectional: false };
  const options: RecurrentOptions = { shape, cell: 'lstm', kind: 'train' };
  return { name, group: axis, job: 'recurrent', options };
}

/** Sides with one thread and with two. */
const threadSides = [1, 2].flatMap((threads) =>
  peers.map(({ name, program }): Wanted => ({ name: threadSide(name, threads), program, threads })),
);

function threadSide(name: string, threads: number): string {
  return `${name}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** Where a step has much to share out, little, and a barrier in each layer. */
const threadShapes = [
  ['S2', 'train'],
  ['S5', 'train'],
  ['S7', 'read'],
] as const;

const alone = 'alone';
const besideBusy = 'beside a busy process';

function threadRows(where: string): Row[] {
  return threadShapes.map(([name, kind]): Row => {
    const shape = shapes.find((one) => one.name === name);
    if (shape === undefined) throw new Error(`shapes.ts has no ${name}`);
    const options: RecurrentOptions = { shape, cell: 'lstm', kind };
    return { name: `${kind} ${name}, ${where}`, group: where, job: 'recurrent', options };
  });
}

/** Rows alone, then those beside a process that computes without end; none where there is one processor. */
async function measureThreads(
  values: BenchmarkValues,
  rows: readonly Row[],
): Promise<{ tables: ShownTable[]; rows: RowFigures[]; versions: Readonly<Record<string, string>> }> {
  if (rows.length === 0 || cpus().length < 2) return { tables: [], rows: [], versions: {} };
  const results: RowResult[] = [];
  const versions: Record<string, string> = {};
  const add = async (group: string, beside: readonly number[]): Promise<void> => {
    const some = rows.filter((row) => row.group === group);
    if (some.length === 0) return;
    const measured = await compareSides(values, threadSides, some, { beside });
    results.push(...measured.results);
    Object.assign(versions, measured.versions);
  };
  await add(alone, []);
  const neighbour = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  try {
    await add(besideBusy, [neighbour.pid ?? 0]);
  } finally {
    neighbour.kill('SIGKILL');
  }
  const shown = compared(results, {
    title: 'one thread and two, alone and beside a process that keeps one processor busy',
    sides: threadSides.map(({ name }) => name),
    pairs: [own, torch].map((name) => [threadSide(name, 2), threadSide(name, 1)] as const),
    means: false,
  });
  return { tables: [shown.table], rows: [...shown.rows], versions };
}

/** How many times one thread's time two may take. */
const mostOfOne = { [alone]: 1.1, [besideBusy]: 1.5 };

function threadGoals(rows: readonly RowFigures[]): Goal[] {
  return rows.flatMap(({ row, group, ratios }) => {
    const ratio = ratios[`${threadSide(own, 2)} / ${threadSide(own, 1)}`];
    const most = group === alone ? mostOfOne[alone] : mostOfOne[besideBusy];
    if (ratio === undefined) return [];
    return [{ text: `${row}: two threads / one, at most ${most}`, got: ratio.toFixed(2), held: ratio <= most }];
  });
}
