import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DeviceInfo, MathMode } from 'stmnet';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { gpuCases, gpuShapes, kinds, modes, sides, type GpuCase, type GpuSide, type GpuKind } from './gpu-cases';
import { GpuSides } from './gpu-sides';
import { takeTurns, type Timed, type TurnLimits } from './gpu-turns';
import { geometricMean, table } from './statistics';

/** One row: milliseconds a step, by side. */
interface Result {
  kind: GpuKind;
  shape: string;
  mode: MathMode;
  launchBound: boolean;
  sizes: Pick<GpuCase, 'T' | 'N' | 'D' | 'H' | 'L' | 'bidirectional'>;
  sides: Partial<Record<GpuSide, Timed>>;
  /** PyTorch's eager time divided by ours: above 1 we are faster. */
  eagerRatio?: number;
  compiledRatio?: number;
}

/** Sides that take turns with each other: as they are, then as graphs. */
const pairs: readonly (readonly GpuSide[])[] = [
  ['eager', 'torch'],
  ['compiled', 'torchGraph'],
];

/** What is asked of the figures, and where they fall short. */
interface Goal {
  goal: string;
  of: number;
  missed: string[];
}

/**
 * Steps of recurrent layers and language models on a CUDA device, eager and compiled, beside PyTorch's on the same
 * device, in turns.
 */
export const gpuSpeed: Benchmark = {
  summary: 'steps on a CUDA device, eager and compiled, beside PyTorch where STMNET_PYTHON or python3 has it',
  options: {
    shapes: { type: 'string', default: gpuShapes.join(','), description: 'which shapes' },
    kind: {
      type: 'string',
      default: 'language,latency,train,infer',
      description: `some of ${kinds.join(', ')}, in this order, long sequences last`,
    },
    mode: {
      type: 'string',
      default: 'tf32,bf16,fma',
      description: `some of ${modes.join(', ')}, the same on both sides`,
    },
    sides: { type: 'string', default: sides.join(','), description: 'which sides take turns' },
    rounds: { type: 'string', default: '5', description: 'turns of each side' },
    burst: { type: 'string', default: '150', description: 'milliseconds of a turn' },
    most: {
      type: 'string',
      default: '3000',
      description: 'milliseconds that a side may take for a row, with its warm-up',
    },
    limit: {
      type: 'string',
      default: '100000',
      description: 'seconds after which the row that runs is cut short and no further one is begun',
    },
    device: { type: 'string', default: 'cuda', description: 'where stmnet computes' },
    'torch-device': { type: 'string', default: 'cuda', description: 'where PyTorch computes' },
    size: { type: 'string', default: 'full', description: 'full, or tiny: to try the benchmark itself' },
    output: { type: 'string', default: 'build/gpu/bench.json', description: 'where the figures go' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [size] = listOf(values, 'size', ['full', 'tiny']);
  const cases = gpuCases(listOf(values, 'shapes', gpuShapes), listOf(values, 'kind', kinds), size === 'tiny');
  const [rounds, burst, most, limit] = [
    wholeNumber(values, 'rounds'),
    wholeNumber(values, 'burst'),
    wholeNumber(values, 'most'),
    wholeNumber(values, 'limit'),
  ];
  const device = values['device'] ?? 'cuda';
  const programs = new GpuSides(device, values['torch-device'] ?? 'cuda');
  const { own, torch } = await programs.begin();
  const missing = reasonWithout(device, own);
  if (missing !== undefined) {
    programs.stop();
    return { tables: [], figures: undefined, goals: [{ text: 'there is a device', got: missing, held: false }] };
  }
  const environment = { stmnet: own, torch };
  console.log(JSON.stringify(environment));
  const chosen = listOf(values, 'sides', sides).filter((side) => 'greeting' in torch || !side.startsWith('torch'));
  // from the start of the process
  const limits: TurnLimits = { rounds, burst, most, secondsLeft: () => limit - performance.now() / 1000 };
  const results: Result[] = [];
  const leftOut: string[] = [];
  const save = (): void =>
    write(values['output'] ?? '', { environment, rounds, burst, most, results, leftOut, goals: goalsOf(results) });
  for (const [one, mode] of cases.flatMap((each) =>
    listOf(values, 'mode', modes).map((some) => [each, some] as const),
  )) {
    if (limits.secondsLeft() <= 0) {
      leftOut.push(`${one.kind} ${one.name} ${mode}`);
      continue;
    }
    const row = results.length;
    for (const pair of pairs) {
      // What a graph does wrong costs this row its compiled figures alone.
      const timed = await takeTurns(
        (...args) => programs.run(...args),
        one,
        mode,
        chosen.filter((side) => pair.includes(side)),
        limits,
      );
      results[row] = resultOf(one, mode, { ...results[row]?.sides, ...timed });
      save();
    }
    const result = results[row];
    if (result !== undefined) console.log(cellsOf(result).join('  '));
    await programs.release();
  }
  programs.stop();
  report(results);
  if (leftOut.length > 0) console.log(`left out, as ${limit} s were over: ${leftOut.join(', ')}`);
  save();
  console.log(`bench:gpu: ${results.length} rows, ${leftOut.length} left out`);
  return { tables: [], figures: undefined, goals: [] };
}

/** Why there is nothing to measure on this device. */
function reasonWithout(device: string, own: { greeting: unknown } | { missing: string }): string | undefined {
  if ('missing' in own) return own.missing;
  const full = device === 'cuda' ? 'cuda:0' : device;
  const { devices: listed } = own.greeting as { devices: DeviceInfo[] };
  if (listed.some(({ name, available }) => available && name === full)) return undefined;
  const reason = listed.find(({ available }) => !available)?.reason;
  return `no device ${device}: ${reason ?? `devices() lists ${listed.map(({ name }) => name).join(', ')}`}`;
}

function resultOf(
  { kind, name, launchBound, T, N, D, H, L, bidirectional }: GpuCase,
  mode: MathMode,
  timed: Partial<Record<GpuSide, Timed>>,
): Result {
  const [eager, compiled, torch] = [msOf(timed.eager), msOf(timed.compiled), msOf(timed.torch)];
  return {
    kind,
    shape: name,
    mode,
    launchBound,
    sizes: { T, N, D, H, L, bidirectional },
    sides: timed,
    ...(torch === undefined || eager === undefined ? {} : { eagerRatio: torch / eager }),
    ...(torch === undefined || compiled === undefined ? {} : { compiledRatio: torch / compiled }),
  };
}

const msOf = (timed: Timed | undefined): number | undefined =>
  timed !== undefined && 'ms' in timed ? timed.ms : undefined;

function cellsOf({ kind, shape, mode, sides: timed, eagerRatio, compiledRatio }: Result): string[] {
  const cell = (side: GpuSide): string => msOf(timed[side])?.toFixed(4) ?? (timed[side] === undefined ? '' : 'failed');
  return [
    `${kind} ${shape} ${mode}`,
    cell('eager'),
    cell('compiled'),
    cell('torch'),
    cell('torchGraph'),
    eagerRatio?.toFixed(2) ?? '',
    compiledRatio?.toFixed(2) ?? '',
  ];
}

/**
 * A training step is to be as fast as PyTorch's everywhere, and 1.5 times as fast compiled where launches are what
 * takes long.
 */
function goalsOf(results: readonly Result[]): Goal[] {
  const goal = (
    text: string,
    of: readonly Result[],
    ratioOf: (result: Result) => number | undefined,
    least: number,
  ): Goal => {
    const known = of.filter((result) => ratioOf(result) !== undefined);
    const missed = known
      .filter((result) => (ratioOf(result) ?? 0) < least)
      .map((result) => `${result.kind} ${result.shape} ${result.mode}: ${ratioOf(result)?.toFixed(2)}`);
    return { goal: text, of: known.length, missed };
  };
  const steps = results.filter(({ kind }) => kind === 'train' || kind === 'language');
  const bound = results.filter(({ kind, launchBound }) => launchBound && kind !== 'infer');
  return [
    goal('a training step is at least as fast as PyTorch eager', steps, ({ eagerRatio }) => eagerRatio, 1),
    goal(
      'compiled it is 1.5 times as fast as PyTorch eager where launches dominate',
      bound,
      ({ compiledRatio }) => compiledRatio,
      1.5,
    ),
  ];
}

function report(results: readonly Result[]): void {
  const rows = results.map(cellsOf);
  for (const mode of modes) {
    const mean = (ratioOf: (result: Result) => number | undefined): string => {
      const ratios = results
        .flatMap((result) => (result.mode === mode && result.kind === 'train' ? [ratioOf(result) ?? Number.NaN] : []))
        .filter((ratio) => Number.isFinite(ratio));
      return ratios.length === 0 ? '' : geometricMean(ratios).toFixed(2);
    };
    if (results.some((result) => result.mode === mode && result.kind === 'train')) {
      rows.push([
        `train ${mode}, geometric mean`,
        '',
        '',
        '',
        '',
        mean(({ eagerRatio }) => eagerRatio),
        mean(({ compiledRatio }) => compiledRatio),
      ]);
    }
  }
  console.log(`\nMilliseconds a step, medians; the ratios are PyTorch's eager time divided by ours.`);
  console.log(table(['', 'stmnet', 'compiled', 'PyTorch', 'its graph', 'ratio', 'compiled'], rows));
  for (const { goal, of, missed } of goalsOf(results))
    console.log(`${goal}: ${of - missed.length} of ${of}${missed.length > 0 ? `; not ${missed.join(', ')}` : ''}`);
  const remarks = new Map<string, string[]>();
  for (const { kind, shape, mode, sides: timed } of results) {
    for (const [side, one] of Object.entries(timed)) {
      const remark = 'error' in one ? `failed: ${one.error}` : one.fallback && `no graph: ${one.fallback}`;
      if (remark === undefined || remark === '') continue;
      const message = `${side} ${remark.replaceAll('\n', ' ')}`;
      remarks.set(message, [...(remarks.get(message) ?? []), `${kind} ${shape} ${mode}`]);
    }
  }
  for (const [message, of] of remarks)
    console.log(`${message}\n  ${of.length}: ${of.slice(0, 6).join(', ')}${of.length > 6 ? ', …' : ''}`);
}

function write(file: string, contents: object): void {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  // a limit may end the process at any time
  writeFileSync(`${path}.new`, `${JSON.stringify(contents, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}
