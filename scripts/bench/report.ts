import { readFileSync, writeFileSync } from 'node:fs';
import type { BenchmarkValues, Outcome } from './benchmark';
import type { Machine } from './machine';

/** What a benchmark measured, and how. */
export interface SuiteReport extends Outcome {
  readonly options: BenchmarkValues;
  /** When it began, and seconds that it took. */
  readonly begun: string;
  readonly seconds: number;
  /** The machine's load average of the minute before it began. */
  readonly loadBefore: number;
  /** Processors that other programs used meanwhile, on average. */
  readonly others: number;
}

/** What `--json FILE` writes. */
export interface BenchReport {
  readonly machine: Machine;
  /** Of Node.js, of stmnet's commit and of whatever took part. */
  readonly versions: Readonly<Record<string, string>>;
  /** By name. */
  readonly suites: Readonly<Record<string, SuiteReport>>;
  /** By name, why a benchmark came to no end. */
  readonly failed: Readonly<Record<string, string>>;
}

/** Writes figures, each number with the digits that it has. */
export const writeReport = (file: string, report: BenchReport): void =>
  writeFileSync(file, `${JSON.stringify(report, undefined, 1)}\n`);

/** @throws {Error} if it is no such file */
export function readReport(file: string): BenchReport {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Partial<BenchReport>;
  if (report.suites === undefined || report.machine === undefined)
    throw new Error(
      `got '${file}', expected a file that bench has written.\n  Fix: npm run bench -- --all --json ${file}`,
    );
  return { versions: {}, failed: {}, ...report, suites: report.suites, machine: report.machine };
}
