import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, BenchmarkValues } from './benchmark';
import { thisMachine } from './machine';
import { readReport, writeReport, type BenchReport } from './report';

/** What several benchmarks are run with. */
export interface AllOptions {
  /** Where the figures go; they are written anew after each benchmark. */
  readonly json: string;
  /** Names of benchmarks. */
  readonly suites: readonly string[];
  /** Options by name, passed on to the benchmarks that have them. */
  readonly passed: BenchmarkValues;
}

/**
 * Runs benchmarks one after the other, each in a process of its own. One that fails, or misses a goal, does not keep
 * the others from running; both are said at the end.
 *
 * @returns whether all came to an end and every goal holds
 */
export function runAll(benchmarks: ReadonlyMap<string, Benchmark>, { json, suites, passed }: AllOptions): boolean {
  let report: BenchReport = { machine: thisMachine(), versions: {}, suites: {}, failed: {} };
  const failed: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-bench-'));
  try {
    for (const name of suites) {
      const known = benchmarks.get(name)?.options ?? {};
      const args = Object.entries(passed).flatMap(([option, value]) =>
        option in known || option === 'package' ? [`--${option}=${value}`] : [],
      );
      console.log(`\n== ${name}${args.length > 0 ? ` ${args.join(' ')}` : ''}`);
      const file = join(folder, `${name}.json`);
      const { status, signal } = spawnSync(
        process.execPath,
        [...process.execArgv, join(__dirname, 'main.js'), name, ...args, `--json=${file}`],
        { stdio: 'inherit' },
      );
      if (existsSync(file)) report = joined(report, readReport(file));
      else failed[name] = `it ended with ${signal ?? `exit code ${status}`}`;
      if (json !== '') writeReport(json, { ...report, failed });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tellEnd(report, failed);
}

/** Both reports' suites and versions, on the machine of the later one. */
export function joined(before: BenchReport, after: BenchReport): BenchReport {
  return {
    machine: after.machine,
    versions: { ...before.versions, ...after.versions },
    suites: { ...before.suites, ...after.suites },
    failed: { ...before.failed, ...after.failed },
  };
}

function tellEnd(report: BenchReport, failed: Readonly<Record<string, string>>): boolean {
  console.log('');
  const suites = Object.entries(report.suites);
  for (const [name, { goals, seconds }] of suites) {
    const missed = goals.filter(({ held }) => !held);
    console.log(`${name}: ${Math.round(seconds)} s, ${goals.length - missed.length} of ${goals.length} goals hold`);
    for (const { text, got } of missed) console.log(`  not held: ${text}; got ${got}`);
  }
  for (const [name, why] of Object.entries(failed)) console.log(`${name}: ${why}`);
  const held = suites.every(([, { goals }]) => goals.every((goal) => goal.held));
  return held && Object.keys(failed).length === 0;
}
