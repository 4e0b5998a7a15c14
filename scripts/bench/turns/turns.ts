import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../statistics';
import { periodMs } from './lag';
import { othersBetween, usageNow, type Usage } from './load';
import type { Answer, JobOptions, Request } from './protocol';

/** One side of a comparison: a process that is asked for bursts, and sleeps between them. */
export interface Side {
  readonly name: string;
  /** Of its process. */
  readonly pid: number;
  /** Whether its event loop is to stay free while it computes. */
  readonly free: boolean;
  /** What it adds to the options of every job. */
  readonly extra: JobOptions;
  ask(request: Request): Promise<Answer>;
}

/** What is measured in a line of a table. */
export interface Row {
  readonly name: string;
  /** Rows of a group have a mean. */
  readonly group: string;
  readonly job: string;
  readonly options: JobOptions;
  /** The sides that can do it; all if left out. */
  readonly sides?: readonly string[];
  /** Whether runs differ from each other: all sides then take equally many, the same ones. Default false. */
  readonly uneven?: boolean;
  /** How far the sides may be from each other, as a part of the largest number that is compared. Default 1e-3. */
  readonly tolerance?: number;
}

/** What came of a row. */
export interface RowResult {
  readonly row: Row;
  /** By side, the median of each burst in milliseconds; NaN in a round that it sat out. */
  readonly bursts: Readonly<Record<string, readonly number[]>>;
  /** By side, bytes that its process held at most up to the end of the row. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /** Of sides whose event loop is to stay free: milliseconds that a timer is late in 99 of 100 cases at most. */
  readonly lagMs: Readonly<Record<string, number>>;
  /** Sides that failed, and why. */
  readonly failures: Readonly<Record<string, string>>;
  /** Processors that other programs used meanwhile, on average. */
  readonly others: number;
}

/** How much is measured. */
export interface Plan {
  /** Bursts of each side. */
  readonly rounds: number;
  /** Milliseconds of a burst. */
  readonly burst: number;
  /** Seconds that a side may take for a row; then it sits out. */
  readonly most: number;
  /** Processes, beside the sides and this one, that belong to what is measured. */
  readonly beside?: readonly number[];
  /** Called as rows come to an end. */
  readonly told?: (text: string) => void;
}

/** A side within a row. */
interface Player {
  readonly side: Side;
  readonly medians: number[];
  runs: number;
  once: number;
  spent: number;
}

/** A row that is being measured. */
interface Running {
  readonly row: Row;
  readonly key: string;
  readonly players: Map<string, Player>;
  readonly bursts: Record<string, number[]>;
  readonly peakBytes: Record<string, number>;
  readonly lagMs: Record<string, number>;
  readonly failures: Record<string, string>;
  readonly spans: [Usage | undefined, Usage | undefined][];
  rounds: number;
}

/** Threads that wait for work spin for a while: those of one side must rest before another is timed. */
const restMs = 20;

/**
 * Bursts of all sides in turn for each row; who begins changes from round to round. Half of the rounds take the rows in
 * their order, the other half from the last to the first, so that no row profits from those before it.
 */
export async function measureRows(rows: readonly Row[], sides: readonly Side[], plan: Plan): Promise<RowResult[]> {
  const running = rows.map((row): Running => ({
    row,
    key: row.name,
    players: new Map(),
    bursts: {},
    peakBytes: {},
    lagMs: {},
    failures: {},
    spans: [],
    rounds: 0,
  }));
  const pids = [process.pid, ...(plan.beside ?? []), ...sides.map(({ pid }) => pid)];
  const passes = [Math.ceil(plan.rounds / 2), Math.floor(plan.rounds / 2)].filter((rounds) => rounds > 0);
  for (const [pass, rounds] of passes.entries()) {
    for (const one of pass === 0 ? running : running.toReversed()) {
      const before = usageNow(pids);
      if (pass === 0) await prepare(one, sides, plan);
      for (let round = 0; round < rounds; ++round) await takeTurns(one, plan);
      one.spans.push([before, usageNow(pids)]);
      plan.told?.(`${one.row.name}${passes.length > 1 ? `, pass ${pass + 1} of 2` : ''}: ${shortly(one)}`);
    }
  }
  for (const one of running) {
    for (const player of [...one.players.values()].filter(({ side }) => side.free)) await watchLag(one, player);
    for (const name of one.players.keys()) await attempt(one, name, { ask: 'drop', key: one.key });
  }
  return running.map(({ row, bursts, peakBytes, lagMs, failures, spans }) => ({
    row,
    bursts,
    peakBytes,
    lagMs,
    failures,
    others: othersBetween(spans),
  }));
}

const shortly = ({ bursts, failures }: Running): string =>
  [
    ...Object.entries(bursts).map(([side, times]) => `${side} ${median(times.filter(Number.isFinite)).toFixed(3)} ms`),
    ...Object.entries(failures).map(([side, why]) => `${side} failed: ${why.split('\n')[0]}`),
  ].join(', ');

/** Asks one side; what goes wrong ends its part in the row. @returns undefined if it did */
async function attempt(one: Running, name: string, request: Request): Promise<Answer | undefined> {
  const player = one.players.get(name);
  if (player === undefined) return undefined;
  let why: string | undefined;
  try {
    const answer = await player.side.ask(request);
    if (answer.error === undefined) return answer;
    why = answer.error;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  fail(one, name, why);
  return undefined;
}

function fail(one: Running, name: string, why: string): void {
  one.failures[name] = why;
  one.players.delete(name);
  delete one.bursts[name];
}

/** Makes the job on all sides, with the parameters of the first, compares what they come to, and warms up. */
async function prepare(one: Running, sides: readonly Side[], plan: Plan): Promise<void> {
  const { row, key } = one;
  for (const side of sides.filter(({ name }) => row.sides?.includes(name) ?? true)) {
    one.players.set(side.name, { side, medians: (one.bursts[side.name] = []), runs: 1, once: 0, spent: 0 });
    await attempt(one, side.name, { ask: 'make', key, job: row.job, options: { ...row.options, ...side.extra } });
  }
  await shareParameters(one);
  await compareValues(one);
  for (const name of one.players.keys()) await calibrate(one, name, plan);
  if (row.uneven !== true) return;
  const runs = Math.min(...[...one.players.values()].map((player) => player.runs));
  for (const player of one.players.values()) player.runs = runs;
}

/** Warms a side up and finds how many runs a burst has. */
async function calibrate(one: Running, name: string, plan: Plan): Promise<void> {
  const uneven = one.row.uneven === true;
  const warm = await timed(one, name, uneven ? 2 : 1);
  if (!uneven && warm < plan.burst) await timed(one, name, 1);
  const once = !uneven && warm < 4 * plan.burst ? await timed(one, name, 1) : warm;
  const player = one.players.get(name);
  if (player === undefined) return;
  player.once = once;
  player.runs = Math.max(1, Math.min(400, Math.floor(plan.burst / once)));
}

async function shareParameters(one: Running): Promise<void> {
  const [first, ...others] = one.players.keys();
  if (first === undefined || others.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-bench-'));
  try {
    const file = join(folder, 'weights.safetensors');
    const answer = await attempt(one, first, { ask: 'save', key: one.key, file });
    if (answer?.saved !== true) return;
    for (const name of others) await attempt(one, name, { ask: 'load', key: one.key, file });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A side that comes to other numbers than the first fails. */
async function compareValues(one: Running): Promise<void> {
  if (one.players.size < 2) return;
  let expected: readonly number[] | undefined;
  for (const name of one.players.keys()) {
    const answer = await attempt(one, name, { ask: 'check', key: one.key });
    if (answer === undefined) continue;
    const values = answer.values ?? [];
    if (values.length === 0) continue;
    expected ??= values;
    const far = distance(values, expected);
    const limit = one.row.tolerance ?? 1e-3;
    if (!(far <= limit))
      fail(one, name, `it computes something else: off by ${far.toExponential(1)} of the largest, at most ${limit}`);
  }
}

/** The largest difference, as a part of the largest expected number; infinite if there are more or fewer. */
export function distance(values: readonly number[], expected: readonly number[]): number {
  if (values.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(...expected.map(Math.abs), Number.MIN_VALUE);
  return Math.max(0, ...values.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)))) / scale;
}

/** The median of so many runs in milliseconds; NaN if the side failed. */
async function timed(one: Running, name: string, runs: number): Promise<number> {
  const answer = await attempt(one, name, { ask: 'run', key: one.key, runs });
  const player = one.players.get(name);
  if (answer?.ms === undefined || player === undefined) return Number.NaN;
  player.spent += answer.ms.reduce((sum, ms) => sum + ms, 0) / 1000;
  if (answer.peakBytes !== undefined) one.peakBytes[name] = answer.peakBytes;
  return median(answer.ms);
}

/** How late a timer of a side is during two hundred of its calls. */
async function watchLag(one: Running, { side }: Player): Promise<void> {
  const answer = await attempt(one, side.name, { ask: 'lag', key: one.key, ms: 200 * periodMs });
  if (answer?.lagMs !== undefined) one.lagMs[side.name] = answer.lagMs;
}

/** A burst of each side. */
async function takeTurns(one: Running, plan: Plan): Promise<void> {
  const players = [...one.players];
  const begin = one.rounds++ % Math.max(1, players.length);
  for (const [name, player] of [...players.slice(begin), ...players.slice(0, begin)]) {
    if (player.medians.length > 0 && player.spent > plan.most) {
      player.medians.push(Number.NaN);
      continue;
    }
    // Warms caches that the other sides have emptied.
    if (one.row.uneven !== true && player.once < plan.burst) await timed(one, name, 1);
    player.medians.push(await timed(one, name, player.runs));
    await sleep(restMs);
  }
}
