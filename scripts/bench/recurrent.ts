import { numThreads } from 'stmnet';
import { listOf, type Benchmark, type BenchmarkValues, type Goal, type Outcome } from './benchmark';
import { recurrentCells, recurrentKinds, type RecurrentOptions } from './jobs/recurrent';
import { compilePeak } from './peak';
import { forwardFlop, shapes, trainedShapes } from './shapes';
import { geometricMean } from './statistics';
import { unpackPackage } from './tarball';
import { generalGoals, atLeast, compared, msOf, type Compared, type Pair, type RowFigures } from './turns/comparison';
import type { Clock } from './turns/protocol';
import { compareSides, turnOptions, type Wanted } from './turns/sides';
import type { Row, RowResult } from './turns/turns';

/** How far the packed addon may be from the tree's: in the geometric mean over all rows, and in one row. */
const limits = { mean: 0.05, row: 0.15 };

/** Sides by name: ours first. */
const own = 'stmnet';
const packed = 'package';
const torch = 'PyTorch';
/** PyTorch in f32 in rows whose products the other sides compute in bf16. */
const torchF32 = 'PyTorch, f32';
const keras = 'Keras (JAX)';
const onnx = 'onnxruntime-node';
const tfjs = 'TensorFlow.js';

/** Rows that TensorFlow.js takes part in: it needs seconds for a step. */
const tfjsRows = ['lstm train S1', 'lstm train S4'];

/**
 * A train step and inference: the tree's addon, a package's and its peers taking turns in short bursts, so that a noisy
 * machine disturbs all alike.
 */
export const recurrentSpeed: Benchmark = {
  summary: 'a train step and inference of LSTM and GRU, beside a package, PyTorch and other peers',
  options: {
    ...turnOptions,
    package: {
      type: 'string',
      default: '',
      description: `a tarball to time beside the tree: mean within ${100 * limits.mean} %, rows ${100 * limits.row} %`,
    },
    shapes: { type: 'string', default: shapes.map(({ name }) => name).join(','), description: 'which shapes' },
    cell: { type: 'string', default: recurrentCells.join(','), description: 'lstm, gru or both' },
    kind: {
      type: 'string',
      default: recurrentKinds.join(','),
      description: 'train; inference until the output is computed; until it is read',
    },
    precision: { type: 'string', default: 'f32', description: 'f32, bf16 or both: what products are computed in' },
    clock: {
      type: 'string',
      default: 'wall',
      description: 'wall, or cpu: processor time of one thread, for machines that others use too',
    },
  },
  besidePackage: true,
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const rows = rowsOf(values);
  const [clock = 'wall'] = listOf<Clock>(values, 'clock', ['wall', 'cpu']);
  const tarball = values['package'] ?? '';
  const wanted: Wanted[] = [
    { name: own, program: 'stmnet' },
    ...(tarball === '' ? [] : [{ name: packed, program: 'stmnet' as const, folder: unpackPackage(tarball) }]),
    { name: torch, program: 'PyTorch' },
    { name: torchF32, program: 'PyTorch', extra: { precision: 'fma' } },
    { name: keras, program: 'Keras (JAX)' },
    { name: onnx, program: 'onnxruntime-node' },
    { name: tfjs, program: 'TensorFlow.js' },
  ];
  const threads = Number(values['threads']) || (clock === 'cpu' ? 1 : numThreads());
  const peak = compilePeak(threads);
  const before = peak?.() ?? Number.NaN;
  const { results, versions } = await compareSides(values, wanted, rows, { clock });
  const most = Math.max(before, peak?.() ?? Number.NaN);
  const best = tarball === '' ? own : packed;
  const shown = compared(results, {
    title: 'LSTM and GRU',
    sides: [own, packed, torch, torchF32, keras, onnx, tfjs],
    pairs: [...[torch, torchF32, keras, onnx, tfjs].map((side): Pair => [side, best]), [packed, own]],
    columns: [
      { name: 'GFLOP/s', of: (result) => gflopsOf(result).toFixed(1) },
      ...(Number.isNaN(most)
        ? []
        : [{ name: 'of the peak', of: (result: RowResult) => `${((100 * gflopsOf(result)) / most).toFixed(0)} %` }]),
    ],
  });
  const goals = [
    ...generalGoals(shown.rows),
    ...(tarball === '' ? [] : packageGoals(shown.rows)),
    ...peerGoals(shown, best),
  ];
  return { tables: [shown.table], figures: { ...shown, peak: most, threads }, goals, versions };
}

function rowsOf(values: BenchmarkValues): Row[] {
  const names = listOf(
    values,
    'shapes',
    shapes.map(({ name }) => name),
  );
  const chosen = names.flatMap((name) => shapes.filter((shape) => shape.name === name));
  return listOf(values, 'precision', ['f32', 'bf16']).flatMap((precision) =>
    listOf(values, 'cell', recurrentCells).flatMap((cell) =>
      listOf(values, 'kind', recurrentKinds).flatMap((kind) =>
        chosen
          .filter(({ name }) => kind !== 'train' || trainedShapes.includes(name))
          .map((shape) => rowOf({ shape, cell, kind, ...(precision === 'bf16' ? { precision } : {}) })),
      ),
    ),
  );
}

function rowOf(options: RecurrentOptions): Row {
  const { shape, cell, kind, precision } = options;
  const group = [cell, kind, ...(precision === undefined ? [] : [precision])].join(' ');
  const row = { name: `${group} ${shape.name}`, group, job: 'recurrent', options };
  const always = [own, packed, torch];
  if (precision !== undefined) return { ...row, sides: [...always, torchF32], tolerance: 0.05 };
  if (kind === 'read') return { ...row, sides: [...always, onnx] };
  return { ...row, sides: [...always, keras, ...(tfjsRows.includes(row.name) ? [tfjs] : [])] };
}

/** Of the products alone. */
function gflopsOf(result: RowResult): number {
  const { shape, cell, kind } = result.row.options as RecurrentOptions;
  const flop = forwardFlop(shape, cell === 'lstm' ? 4 : 3) * (kind === 'train' ? 3 : 1);
  return flop / msOf(result, own) / 1e6;
}

/** That the package is as fast as the tree. */
function packageGoals(rows: readonly RowFigures[]): Goal[] {
  const ratios = rows.map(({ row, ratios: all }) => ({ row, ratio: all[`${packed} / ${own}`] ?? Number.NaN }));
  const mean = geometricMean(ratios.map(({ ratio }) => ratio));
  const beyond = ratios.filter(({ ratio }) => !(Math.abs(ratio - 1) <= limits.row));
  return [
    {
      text: `package / tree within ${100 * limits.mean} % in the geometric mean`,
      got: mean.toFixed(3),
      held: Math.abs(mean - 1) <= limits.mean,
    },
    {
      text: `package / tree within ${100 * limits.row} % in each row`,
      got: beyond.map(({ row, ratio }) => `${row} ${ratio.toFixed(3)}`).join(', ') || 'all are',
      held: beyond.length === 0,
    },
  ];
}

/** What is asked for beside PyTorch and the faster of the peers; S7 and S8 are a single row and stand apart. */
function peerGoals({ rows, means }: Compared, best: string): Goal[] {
  const ratioTo = (row: RowFigures, side: string): number =>
    row.ratios[`${side} / ${best}`] ?? Number.POSITIVE_INFINITY;
  const worst = (some: readonly RowFigures[], sides: readonly string[]): { ratio: number; name: string } =>
    some
      .map((row) => ({ ratio: Math.min(...sides.map((side) => ratioTo(row, side))), name: row.row }))
      .reduce((least, one) => (one.ratio < least.ratio ? one : least), { ratio: Number.POSITIVE_INFINITY, name: '' });
  const meanOf = (some: readonly RowFigures[], sides: readonly string[]): number =>
    geometricMean(some.map((row) => Math.min(...sides.map((side) => ratioTo(row, side)))));
  const batches = (group: string): RowFigures[] => rows.filter((row) => row.group === group && !/S[78]$/.test(row.row));
  const [train, read] = [batches('lstm train'), batches('lstm read')];
  const [least, slowest] = [worst(train, [torch]), worst(read, [torch, onnx])];
  return [
    ...atLeast(`LSTM train, PyTorch / ours in the worst row (${least.name})`, least.ratio, 1.2),
    ...atLeast('LSTM train, PyTorch / ours in the geometric mean', meanOf(train, [torch]), 1.25),
    ...atLeast(`LSTM read, the faster peer / ours in the worst row (${slowest.name})`, slowest.ratio, 1.05),
    ...atLeast('LSTM read, the faster peer / ours in the geometric mean', meanOf(read, [torch, onnx]), 1.15),
    ...['gru train', 'gru computed'].flatMap((group) =>
      atLeast(`${group}, PyTorch / ours in the geometric mean`, means[group]?.[`${torch} / ${best}`], 2),
    ),
    ...rows
      .filter(({ row }) => /^lstm train bf16 S[356]$/.test(row))
      .flatMap((row) => [
        ...atLeast(`${row.row}, PyTorch in f32 / ours`, row.ratios[`${torchF32} / ${best}`], 1.5),
        ...atLeast(`${row.row}, PyTorch in bf16 / ours`, row.ratios[`${torch} / ${best}`], 1),
      ]),
    ...rows.flatMap((row) => atLeast(`${row.row}, TensorFlow.js / ours`, row.ratios[`${tfjs} / ${best}`], 100)),
  ];
}
