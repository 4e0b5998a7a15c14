import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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

/**
 * Leaves the file as it is.
 *
 * @throws {Error} if figures cannot be written into it, which would be lost then
 */
export function checkWritable(file: string): void {
  const isThere = existsSync(file);
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const folder = dirname(file);
    const fix = existsSync(folder) ? 'name a file that can be written' : `mkdir -p ${folder}`;
    throw new Error(`--json: got '${file}', expected a file that can be written: ${reasonOf(error)}.\n  Fix: ${fix}`, {
      cause: error,
    });
  }
  if (!isThere) rmSync(file);
}

/** @throws {Error} if it is no such file */
export function readReport(file: string): BenchReport {
  const report = parsed(file);
  if (report.suites === undefined || report.machine === undefined) throw noReport(file, 'it has no suites or machine');
  return { versions: {}, failed: {}, ...report, suites: report.suites, machine: report.machine };
}

function parsed(file: string): Partial<BenchReport> {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) ?? {}) as Partial<BenchReport>;
  } catch (error) {
    throw noReport(file, reasonOf(error), error);
  }
}

const noReport = (file: string, why: string, cause?: unknown): Error =>
  new Error(
    `got '${file}', expected a file that bench has written: ${why}.\n  Fix: npm run bench -- --all --json FILE`,
    { cause },
  );

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
