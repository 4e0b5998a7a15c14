import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { devices, setDefaultDevice, type MathMode } from 'stmnet';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { gpuCases, gpuShapes, kinds, modes, sides, type GpuCase, type GpuKind, type GpuSide } from './gpu-cases';
import { OwnGpu } from './gpu-own';
import { startPython, type LineWorker } from './line-worker';
import { geometricMean, median, table } from './statistics';

/** What one side took for one case. */
type Timed = { ms: number; lowest: number; steps: number } | { error: string };

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

/** What is asked of the figures, and where they fall short. */
interface Goal {
  goal: string;
  of: number;
  missed: string[];
}

/** Steps of recurrent layers and language models on a CUDA device, eager and compiled, beside PyTorch's on the same device, in turns. */
export const gpuSpeed: Benchmark = {
  summary: 'steps on a CUDA device, eager and compiled, beside PyTorch where STMNET_PYTHON or python3 has it',
  options: {
    shapes: { type: 'string', default: gpuShapes.join(','), description: 'which shapes' },
    kind: { type: 'string', default: 'train,language,latency,infer', description: `some of ${kinds.join(', ')}` },
    mode: { type: 'string', default: 'fma,tf32,bf16', description: `some of ${modes.join(', ')}, the same on both sides` },
    sides: { type: 'string', default: sides.join(','), description: 'which sides take turns' },
    rounds: { type: 'string', default: '5', description: 'turns of each side' },
    burst: { type: 'string', default: '150', description: 'milliseconds of a turn' },
    limit: { type: 'string', default: '100000', description: 'seconds after which no further row is begun' },
    device: { type: 'string', default: 'cuda', description: 'where stmnet computes' },
    'torch-device': { type: 'string', default: 'cuda', description: 'where PyTorch computes' },
    size: { type: 'string', default: 'full', description: 'full, or tiny: to try the benchmark itself' },
    output: { type: 'string', default: 'build/gpu/bench.json', description: 'where the figures go' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<boolean> {
  const [size] = listOf(values, 'size', ['full', 'tiny']);
  const cases = gpuCases(listOf(values, 'shapes', gpuShapes), listOf(values, 'kind', kinds), size === 'tiny');
  const [rounds, burst, limit] = [wholeNumber(values, 'rounds'), wholeNumber(values, 'burst'), wholeNumber(values, 'limit')];
  const device = values['device'] ?? 'cuda';
  const missing = reasonWithout(device);
  if (missing !== undefined) {
    console.log(`bench:gpu: ${missing}`);
    return process.env['STMNET_REQUIRE_CUDA'] !== '1';
  }
  setDefaultDevice(device);
  const torch = await startPython('torch_gpu.py', [values['torch-device'] ?? 'cuda']);
  const environment = { stmnet: devices(), node: process.version, torch: 'worker' in torch ? torch.greeting : torch.missing };
  console.log(JSON.stringify(environment));
  const chosen = listOf(values, 'sides', sides).filter((side) => 'worker' in torch || !side.startsWith('torch'));
  const turns = new Turns(new OwnGpu(), 'worker' in torch ? torch.worker : undefined, rounds, burst);
  const results: Result[] = [];
  const save = (): void => write(values['output'] ?? '', { environment, rounds, burst, results, goals: goalsOf(results) });
  const started = performance.now();
  for (const one of cases) {
    for (const mode of listOf(values, 'mode', modes)) {
      if ((performance.now() - started) / 1000 > limit) {
        console.log(`${one.kind} ${one.name} ${mode}: left out, ${limit} s are over`);
        continue;
      }
      const result = resultOf(one, mode, await turns.take(one, mode, chosen));
      results.push(result);
      console.log(cellsOf(result).join('  '));
      save();
    }
  }
  if ('worker' in torch) torch.worker.stop();
  report(results);
  save();
  return true;
}

/** Why there is nothing to measure on this device. */
function reasonWithout(device: string): string | undefined {
  const full = device === 'cuda' ? 'cuda:0' : device;
  const listed = devices();
  if (listed.some(({ name, available }) => available && name === full)) return undefined;
  return `no device ${device}: ${listed.find(({ available }) => !available)?.reason ?? `devices() lists ${listed.map(({ name }) => name).join(', ')}`}`;
}

/** Lets the sides take turns on one case, so that a busy machine and a warm device serve all alike. */
class Turns {
  constructor(
    private readonly own: OwnGpu,
    private readonly torch: LineWorker | undefined,
    private readonly rounds: number,
    private readonly burst: number,
  ) {}

  async take(one: GpuCase, mode: MathMode, chosen: readonly GpuSide[]): Promise<Partial<Record<GpuSide, Timed>>> {
    const timed: Partial<Record<GpuSide, Timed>> = {};
    const running: { side: GpuSide; steps: number; times: number[] }[] = [];
    for (const side of chosen) {
      try {
        running.push({ side, steps: await this.#calibrate(one, mode, side), times: [] });
      } catch (error) {
        timed[side] = { error: error instanceof Error ? error.message : String(error) };
      }
    }
    for (let round = 0; round < this.rounds; ++round) {
      for (const { side, steps, times } of running) {
        try {
          await this.#run(one, mode, side, Math.min(3, steps)); // back to speed, and whatever another side's turn has let go
          times.push((await this.#run(one, mode, side, steps)) / steps);
        } catch (error) {
          timed[side] = { error: error instanceof Error ? error.message : String(error) };
        }
      }
    }
    for (const { side, steps, times } of running) timed[side] ??= { ms: median(times), lowest: Math.min(...times), steps };
    this.own.release();
    await this.torch?.ask({ release: true });
    return timed;
  }

  /** Warms a side up: algorithms are chosen, graphs captured. @returns how many steps fill a turn */
  async #calibrate(one: GpuCase, mode: MathMode, side: GpuSide): Promise<number> {
    await this.#run(one, mode, side, 3);
    const once = (await this.#run(one, mode, side, 3)) / 3;
    return Math.max(3, Math.min(3000, Math.round(this.burst / once)));
  }

  async #run(one: GpuCase, mode: MathMode, side: GpuSide, steps: number): Promise<number> {
    if (side === 'eager' || side === 'compiled') return this.own.time(one, mode, side === 'compiled', steps);
    const answer = (await this.torch?.ask({ case: one, mode, graph: side === 'torchGraph', steps })) as { ms: number } | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer.ms;
  }
}

function resultOf({ kind, name, launchBound, T, N, D, H, L, bidirectional }: GpuCase, mode: MathMode, timed: Partial<Record<GpuSide, Timed>>): Result {
  const [eager, compiled, torch] = [msOf(timed.eager), msOf(timed.compiled), msOf(timed.torch)];
  return {
    kind, shape: name, mode, launchBound, sizes: { T, N, D, H, L, bidirectional }, sides: timed,
    ...(torch === undefined || eager === undefined ? {} : { eagerRatio: torch / eager }), ...(torch === undefined || compiled === undefined ? {} : { compiledRatio: torch / compiled }),
  };
}

const msOf = (timed: Timed | undefined): number | undefined => (timed !== undefined && 'ms' in timed ? timed.ms : undefined);

function cellsOf({ kind, shape, mode, sides: timed, eagerRatio, compiledRatio }: Result): string[] {
  const cell = (side: GpuSide): string => msOf(timed[side])?.toFixed(4) ?? (timed[side] === undefined ? '' : 'failed');
  return [`${kind} ${shape} ${mode}`, cell('eager'), cell('compiled'), cell('torch'), cell('torchGraph'), eagerRatio?.toFixed(2) ?? '', compiledRatio?.toFixed(2) ?? ''];
}

/** A training step is to be as fast as PyTorch's everywhere, and 1.5 times as fast compiled where launches are what takes long. */
function goalsOf(results: readonly Result[]): Goal[] {
  const goal = (text: string, of: readonly Result[], ratioOf: (result: Result) => number | undefined, least: number): Goal => {
    const known = of.filter((result) => ratioOf(result) !== undefined);
    const missed = known.filter((result) => (ratioOf(result) ?? 0) < least).map((result) => `${result.kind} ${result.shape} ${result.mode}: ${ratioOf(result)?.toFixed(2)}`);
    return { goal: text, of: known.length, missed };
  };
  const steps = results.filter(({ kind }) => kind === 'train' || kind === 'language');
  const bound = results.filter(({ kind, launchBound }) => launchBound && kind !== 'infer');
  return [
    goal('a training step is at least as fast as PyTorch eager', steps, ({ eagerRatio }) => eagerRatio, 1),
    goal('compiled it is 1.5 times as fast as PyTorch eager where launches dominate', bound, ({ compiledRatio }) => compiledRatio, 1.5),
  ];
}

function report(results: readonly Result[]): void {
  const rows = results.map(cellsOf);
  for (const mode of modes) {
    const mean = (ratioOf: (result: Result) => number | undefined): string => {
      const ratios = results.flatMap((result) => (result.mode === mode && result.kind === 'train' ? [ratioOf(result) ?? Number.NaN] : [])).filter((ratio) => Number.isFinite(ratio));
      return ratios.length === 0 ? '' : geometricMean(ratios).toFixed(2);
    };
    if (results.some((result) => result.mode === mode && result.kind === 'train')) {
      rows.push([`train ${mode}, geometric mean`, '', '', '', '', mean(({ eagerRatio }) => eagerRatio), mean(({ compiledRatio }) => compiledRatio)]);
    }
  }
  console.log(`\nMilliseconds a step, medians; the ratios are PyTorch's eager time divided by ours.`);
  console.log(table(['', 'stmnet', 'compiled', 'PyTorch', 'its graph', 'ratio', 'compiled'], rows));
  for (const { goal, of, missed } of goalsOf(results)) console.log(`${goal}: ${of - missed.length} of ${of}${missed.length > 0 ? `; not ${missed.join(', ')}` : ''}`);
  const failures = new Map<string, string[]>();
  for (const { kind, shape, mode, sides: timed } of results) {
    for (const [side, one] of Object.entries(timed)) {
      if (!('error' in one)) continue;
      const message = `${side}: ${one.error.replaceAll('\n', ' ')}`;
      failures.set(message, [...(failures.get(message) ?? []), `${kind} ${shape} ${mode}`]);
    }
  }
  for (const [message, rows] of failures) console.log(`failed, ${rows.length}: ${rows.slice(0, 6).join(', ')}${rows.length > 6 ? ', …' : ''}\n  ${message}`);
}

function write(file: string, contents: object): void {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(contents, undefined, 2)}\n`);
}
