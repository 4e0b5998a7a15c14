// node scripts/gpu/sanitizer.mjs [--standin] [--output=FILE] [--limit=SECONDS]: the few rows of `smoke.mjs --tiny`
// under compute-sanitizer's racecheck, on stmnet's own kernels, then under memcheck, on everything that runs, so that
// what is too small for cuDNN shows too. What either finds fails; both are given half of the time and stopped after it.
// compute-sanitizer is looked for on the PATH, in CUDA_HOME and in /usr/local/cuda, and where there is none the report
// says so. Writes build/gpu/sanitizer.json, and beside it what each tool wrote.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root } from '../toolchain.mjs';
import { optionsOf } from './options.mjs';
import { runWithin } from './processes.mjs';
import { writeReport } from './reports.mjs';

const given = optionsOf('sanitizer', { standin: Boolean, output: String, limit: Number });
const { standin = false, output = join('build', 'gpu', 'sanitizer.json'), limit = 600 } = given;
const end = performance.now() / 1000 + limit;
const found = 97; // the exit status that says so

/** compute-sanitizer, and what it can do; undefined if there is none. */
function sanitizer() {
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    ...[process.env.CUDA_HOME, '/usr/local/cuda']
      .filter(Boolean)
      .flatMap((home) => [join(home, 'bin'), join(home, 'compute-sanitizer')]),
  ];
  const program = folders
    .filter(Boolean)
    .map((folder) => join(folder, 'compute-sanitizer'))
    .find((path) => existsSync(path));
  return (
    program && { program, help: spawnSync(program, ['--help'], { encoding: 'utf8', timeout: 10_000 }).stdout ?? '' }
  );
}

/**
 * Runs the rows under a tool. run_ is in the names of stmnet's kernels (native/backend/cuda/kernel/launch.h), mangled
 * or not.
 */
function check({ program, help }, tool, seconds) {
  const file = resolve(root, dirname(output), `${tool}.log`);
  mkdirSync(dirname(file), { recursive: true });
  const own =
    tool === 'racecheck'
      ? ['--kernel-name', '--kernel-regex']
          .filter((name) => help.includes(name))
          .slice(0, 1)
          .flatMap((name) => [name, 'kns=run_'])
      : [];
  const options = [
    '--tool',
    tool,
    '--error-exitcode',
    String(found),
    '--target-processes',
    'all',
    '--print-limit',
    '50',
    '--log-file',
    file,
    ...own,
    ...(tool === 'memcheck' ? ['--report-api-errors', 'no'] : []),
  ];
  const rows = [process.execPath, '--expose-gc', 'scripts/gpu/smoke.mjs', '--tiny', ...(standin ? ['--standin'] : [])];
  const begun = performance.now();
  const { status, stdout, stderr, error } = runWithin(seconds, program, [...options, ...rows], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, STMNET_CUDNN_AUTOTUNE: '0', STMNET_NUM_THREADS: '2' },
  });
  const log = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const findings = log
    .split('\n')
    .filter(
      (line) =>
        /^=+\s+(Error|Warning|Invalid|Race reported|.*hazard\b.*detected|Program hit|Address)/i.test(line) &&
        !/SUMMARY/.test(line),
    );
  const stopped = [124, 137].includes(status);
  const outcomeOf = () => {
    if (status === found || findings.length > 0) return 'findings';
    if (stopped) return 'stopped';
    return status === 0 ? 'clean' : 'failed';
  };
  const outcome = outcomeOf();
  const after = stopped ? ` after ${Math.floor(seconds)} s` : '';
  const answers = (stdout ?? '').split('\n').filter((line) => line.startsWith('{'));
  const logEnd = log.trim().split('\n').slice(-15).join('\n');
  console.log(`${tool}: ${outcome}${after}, ${answers.length} rows\n${logEnd}`);
  return {
    outcome,
    status: status ?? error?.message,
    seconds: (performance.now() - begun) / 1000,
    findings: findings.slice(0, 20),
    summary: log.match(/SUMMARY.*/g) ?? [],
    rows: (stdout ?? '').slice(-4000),
    stderr: (stderr ?? '').slice(-2000),
  };
}

const tools = ['racecheck', 'memcheck'];
const there = sanitizer();
if (there === undefined) {
  writeReport(output, {
    skipped: true,
    reason: 'no compute-sanitizer on the PATH, in CUDA_HOME or in /usr/local/cuda',
  });
  console.log('sanitizer: skipped: no compute-sanitizer on the PATH, in CUDA_HOME or in /usr/local/cuda');
} else {
  const results = {};
  for (const [index, tool] of tools.entries()) {
    results[tool] = check(there, tool, (end - performance.now() / 1000) / (tools.length - index) - 2);
    writeReport(output, { program: there.program, results });
  }
  console.log(
    `sanitizer: ${Object.entries(results)
      .map(([tool, { outcome, summary }]) => `${tool} ${outcome}${summary.length > 0 ? ` (${summary.at(-1)})` : ''}`)
      .join(', ')}`,
  );
  process.exitCode = Object.values(results).some(({ outcome }) => outcome === 'findings' || outcome === 'failed')
    ? 1
    : 0;
}
