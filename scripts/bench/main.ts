// npm run bench -- NAME… [options]: benchmarks; --all: all of them; without either, what there is. They print what they
// measured; where a goal does not hold they exit with 1.
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { runAll } from './all';
import { always, readArguments } from './arguments';
import type { BenchmarkValues, Outcome } from './benchmark';
import { commit, thisMachine } from './machine';
import { plotFolder, reportMarkdown } from './markdown';
import { checkWritable, readReport, writeReport } from './report';
import { table } from './statistics';
import { benchmarks, suiteNames } from './suites';
import { checkPackage, packageEnvironment, packageVersion, repository, unpackPackage } from './tarball';
import { loadNow, othersBetween, quietLimit, usageWithEnded } from './turns/load';
import { usageText } from './usage';

/** @param given  options, of those of the benchmark and those of all */
async function runOne(name: string, given: BenchmarkValues): Promise<boolean> {
  const benchmark = benchmarks.get(name);
  if (benchmark === undefined) throw new Error(`there is no benchmark '${name}'`);
  const options = { ...always, ...benchmark.options };
  const defaults = Object.entries(options).map(([option, { default: value }]) => [option, value] as const);
  const values = { ...Object.fromEntries(defaults), ...given };
  const { json = '', package: tarball = '', ...own } = values;
  if (tarball !== '' && benchmark.besidePackage !== true) return runInside(tarball, name, given);
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
      versions: { node: process.version, commit: commit(), stmnet: packageVersion(), ...outcome.versions },
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
    option === 'package' ? [] : [`--${option}=${value}`],
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

/** Before anything is measured, whether its figures can be written, and of what they are to be. */
function checkFiles({ json = '', package: tarball = '' }: BenchmarkValues): void {
  if (json !== '') checkWritable(json);
  if (tarball !== '') checkPackage(tarball);
}

/** The page that is named, or the usual one. */
const pageOf = (page: string): string => (page === '' ? join(repository, 'docs', 'performance.md') : page);

async function main(args: readonly string[]): Promise<boolean> {
  const asked = readArguments(args, benchmarks, suiteNames);
  switch (asked.kind) {
    case 'usage':
      console.log(usageText(asked.names, benchmarks));
      return true;
    case 'tables':
      console.log(reportMarkdown(readReport(asked.file), pageOf(asked.page)));
      return true;
    case 'plots': {
      const report = readReport(asked.file);
      const { writePlots } = await import('./plots.js'); // draws with a package that takes a while to load
      for (const file of writePlots(report, plotFolder(pageOf(asked.page)))) console.log(file);
      return true;
    }
    case 'run': {
      const { names, values } = asked;
      const [first = '', ...more] = names;
      checkFiles(values);
      if (more.length === 0) return runOne(first, values);
      const { json = '', ...passed } = values;
      return runAll(benchmarks, { json, suites: names, passed });
    }
  }
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
