// npm run bench -- NAME [options]: one benchmark; --all: all of them; without either, what there is. They print what
// they measured; where a goal does not hold they exit with 1.
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAll } from './all';
import type { Benchmark, BenchmarkOptions, BenchmarkValues, Outcome } from './benchmark';
import { commit, thisMachine } from './machine';
import { reportMarkdown } from './markdown';
import { readReport, writeReport } from './report';
import { table } from './statistics';
import { benchmarks, suiteNames } from './suites';
import { packageEnvironment, repository, unpackPackage } from './tarball';
import { loadNow, othersBetween, quietLimit, usageWithEnded } from './turns/load';

/** What every benchmark takes beside its own options. */
const always: BenchmarkOptions = {
  json: { type: 'string', default: '', description: 'a file for all figures, with machine, versions and options' },
  package: { type: 'string', default: '', description: 'the tarball of a package, in place of the tree' },
};

/** What `--all` takes, beside options that are passed on to the benchmarks which have them. */
const ofAll = {
  all: { type: 'boolean' },
  suites: { type: 'string', default: suiteNames.join(',') },
  json: { type: 'string', default: '' },
  package: { type: 'string' },
  rounds: { type: 'string' },
  burst: { type: 'string' },
  threads: { type: 'string' },
  precision: { type: 'string' },
} as const;

function usage(): string {
  const shown = (options: BenchmarkOptions): string[] =>
    Object.entries(options).map(
      ([option, { default: value, description }]) =>
        `      --${option.padEnd(12)}${description}; ${value === '' ? 'none' : value} if left out`,
    );
  const lines = [...benchmarks].flatMap(([name, { summary, options }]) => [
    `  ${name.padEnd(16)}${summary}`,
    ...shown(options),
  ]);
  return [
    'npm run bench -- NAME [options]',
    'npm run bench -- --all [--suites NAMES] [--json FILE] [--package FILE.tgz] [--rounds N] [--burst MS]',
    'npm run bench -- --tables FILE    what --json wrote, as Markdown',
    'npm run bench -- --plots FILE     what scaling measured, as SVG in docs/performance',
    '  every NAME',
    ...shown(always),
    ...lines,
  ].join('\n');
}

/** @throws {Error} if there is none of that name */
function benchmarkOf(name: string): Benchmark {
  const benchmark = benchmarks.get(name);
  if (benchmark !== undefined) return benchmark;
  throw new Error(
    `got the benchmark '${name}', expected one of: ${[...benchmarks.keys()].join(', ')}.\n` +
      `  Fix: npm run bench -- ${[...benchmarks.keys()][0]}`,
  );
}

async function runOne(name: string, args: readonly string[]): Promise<boolean> {
  const benchmark = benchmarkOf(name);
  const options = { ...always, ...benchmark.options };
  const { values: given } = parseArgs({ args: [...args], options, allowPositionals: false, strict: true });
  const values = Object.fromEntries(Object.entries(given).map(([option, value]) => [option, String(value)]));
  const { json = '', package: tarball = '', ...own } = values;
  if (tarball !== '' && benchmark.besidePackage !== true) return runInside(tarball, name, values);
  const loadBefore = loadNow();
  const begun = new Date();
  const before = usageWithEnded();
  const outcome = await benchmark.run(benchmark.besidePackage === true ? { ...own, package: tarball } : own);
  const seconds = (Date.now() - begun.getTime()) / 1000;
  const others = othersBetween([[before, usageWithEnded()]]);
  tell(outcome);
  if (others > quietLimit) console.log(`other programs used ${others.toFixed(1)} processors meanwhile`);
  if (json !== '') {
    const inside = process.env['STMNET_BENCH_PACKAGE'];
    const chosen = Object.entries({ ...values, ...(inside === undefined ? {} : { package: inside }) }).filter(
      ([option, value]) => option !== 'json' && value !== options[option]?.default,
    );
    writeReport(json, {
      machine: thisMachine(),
      versions: { node: process.version, commit: commit(), ...outcome.versions },
      suites: {
        [name]: {
          options: Object.fromEntries(chosen),
          begun: begun.toISOString(),
          seconds,
          loadBefore,
          others,
          ...outcome,
        },
      },
      failed: {},
    });
  }
  return outcome.goals.every(({ held }) => held);
}

/** The same inside an unpacked package. */
function runInside(tarball: string, name: string, values: BenchmarkValues): boolean {
  const folder = unpackPackage(tarball);
  const script = join(folder, 'build', 'js', 'scripts', 'bench', 'main.js');
  const args = Object.entries(values).flatMap(([option, value]) =>
    option === 'package' ? [] : [`--${option}`, value],
  );
  console.log(`inside ${tarball}`);
  const { status } = spawnSync(process.execPath, [...process.execArgv, script, name, ...args], {
    stdio: 'inherit',
    env: { ...packageEnvironment(), STMNET_BENCH_PACKAGE: basename(tarball) },
  });
  return status === 0;
}

function tell({ tables, figures, goals }: Outcome): void {
  for (const { title, header, rows, note } of tables)
    console.log(['', ...(title === '' ? [] : [title]), table(header, rows), ...(note === '' ? [] : [note])].join('\n'));
  if (figures !== undefined) console.log(JSON.stringify(figures));
  for (const { text, got, held } of goals) {
    if (held) console.log(`held: ${text}: ${got}`);
    else console.error(`not held: ${text}: got ${got}`);
  }
}

async function main(args: readonly string[]): Promise<boolean> {
  const [first] = args;
  if (first === undefined) {
    console.log(usage());
    return true;
  }
  if (first === '--tables') {
    console.log(reportMarkdown(readReport(args[1] ?? '')));
    return true;
  }
  if (first === '--plots') {
    const { writePlots } = await import('./plots.js'); // draws with a package that takes a while to load
    for (const file of writePlots(readReport(args[1] ?? ''), args[2] ?? join(repository, 'docs', 'performance')))
      console.log(file);
    return true;
  }
  if (!args.includes('--all')) return runOne(first, args.slice(1));
  const { values } = parseArgs({ args: [...args], options: ofAll, allowPositionals: false });
  const { all: _all, suites, json, ...passed } = values;
  const names = suites.split(',').map((name) => name.trim());
  for (const name of names) benchmarkOf(name);
  return runAll(benchmarks, { json, suites: names, passed: { ...passed } });
}

main(process.argv.slice(2)).then(
  (fine) => {
    process.exitCode = fine ? 0 : 1;
  },
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
