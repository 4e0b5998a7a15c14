// npm run test:gpu [-- --standin] [--output=FILE] [--limit=SECONDS] [NAME…]: the tests of test/gpu, the golden cases,
// and the suites of tensors, layers, losses, optimizers and training, all on the first CUDA device. NAME is a part of a
// test file's path. They run in order of worth, one vitest after another, and what the limit stops is in the report as
// not reached. Writes build/gpu/test.json after each, and beside it test.jsonl as tests fail. Without a device it says
// why and passes; STMNET_REQUIRE_CUDA=1 makes it fail. With --standin the tests run on the stand-in.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { environment, root } from '../toolchain.mjs';
import { findDevice, required, useStandin } from './device.mjs';
import { optionsOf } from './options.mjs';
import { objectsIn, runWithin } from './processes.mjs';
import { writeReport } from './reports.mjs';

const given = optionsOf('test:gpu', { standin: Boolean, output: String, limit: Number }, { names: true });
const { standin = false, output = join('build', 'gpu', 'test.json'), limit = 100_000, names } = given;
const lines = resolve(root, output.replace(/\.json$/, '.jsonl'));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const started = Date.now();
const secondsLeft = () => limit - (Date.now() - started) / 1000;

/**
 * Which files a run takes, by the beginning of their path. The algorithms are timed against each other: nothing else
 * may use the device meanwhile.
 */
const runs = [
  { name: 'gpu', takes: (file) => file.startsWith('test/gpu/') && !file.includes('algorithms') },
  { name: 'algorithms', takes: (file) => file.startsWith('test/gpu/algorithms'), tunes: true },
  { name: 'golden', takes: (file) => file.startsWith('test/golden') },
  { name: 'layers and training', takes: (file) => /^test\/(layers|training)\//.test(file) },
  { name: 'rest', takes: () => true },
];

/** All test files below test/ that vitest.gpu.config.mts includes and the names are parts of, by run. */
function filesByRun() {
  const listed = spawnSync(
    process.execPath,
    [vitest, 'list', '--filesOnly', '--config', 'vitest.gpu.config.mts', ...names],
    { cwd: root, env: environment(), encoding: 'utf8' },
  );
  const files = listed.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.endsWith('.test.ts'))
    .map((line) => relative(root, resolve(root, line)));
  if (files.length === 0)
    throw new Error(
      `got no test file${names.length > 0 ? ` for ${names.join(' ')}` : ''}, expected some.\n${listed.stderr}`,
    );
  return runs
    .map((run, index) => ({
      ...run,
      files: files.filter((file) => runs.findIndex(({ takes }) => takes(file)) === index),
    }))
    .filter((run) => run.files.length > 0);
}

/** Runs vitest over these files. @returns how it ended, and which files it did not get through */
function runFiles({ name, files, tunes }, seconds) {
  // Of its own: what is chosen while others compute would last.
  const folder = resolve(root, dirname(output), 'algorithms');
  if (tunes) rmSync(folder, { recursive: true, force: true });
  const choice = tunes ? { STMNET_CACHE_DIR: folder } : { STMNET_CUDNN_AUTOTUNE: '0' };
  const env = {
    ...environment(),
    STMNET_TEST_DEVICE: 'cuda',
    STMNET_REQUIRE_CUDA: '1',
    STMNET_NUM_THREADS: '1',
    STMNET_TEST_LINES: lines,
    ...choice,
  };
  const patience = standin ? [] : ['--testTimeout=60000', '--hookTimeout=60000'];
  const before = findings().files.length;
  const begun = Date.now();
  const { status, signal } = runWithin(
    seconds,
    process.execPath,
    [vitest, 'run', '--config', 'vitest.gpu.config.mts', ...patience, ...files],
    { cwd: root, stdio: 'inherit', env },
  );
  const ended = new Set(
    findings()
      .files.slice(before)
      .map(({ file }) => file),
  );
  const notReached = files.filter((file) => !ended.has(file));
  const stopped = [124, 137].includes(status) ? { stopped: `after ${Math.floor(seconds)} s` } : {};
  return {
    name,
    seconds: (Date.now() - begun) / 1000,
    exit: signal ?? status,
    ...stopped,
    ...(notReached.length > 0 ? { notReached } : {}),
  };
}

/** What the reporter has written so far: how each file fared, and every failure with its message. */
function findings() {
  const all = existsSync(lines) ? objectsIn(readFileSync(lines, 'utf8')) : [];
  return {
    files: all.filter(({ passed }) => passed !== undefined),
    failures: all
      .filter(({ passed }) => passed === undefined)
      .map(({ failed, ...failure }) => ({ test: failed, ...failure })),
  };
}

function runTests(found) {
  mkdirSync(dirname(lines), { recursive: true });
  rmSync(lines, { force: true });
  const groups = filesByRun();
  const done = [];
  let fine = true;
  for (const [index, group] of groups.entries()) {
    const last = index === groups.length - 1;
    const seconds = secondsLeft() * (last ? 1 : 0.6); // one that hangs leaves the following some
    const run =
      seconds < 3
        ? { name: group.name, stopped: 'before it began', notReached: group.files }
        : runFiles(group, seconds);
    done.push(run);
    const { files, failures } = findings();
    const total = (key) => files.reduce((sum, file) => sum + file[key], 0);
    const notReached = done.flatMap((one) => one.notReached ?? []);
    fine =
      failures.length === 0 && total('failed') === 0 && notReached.length === 0 && done.every(({ exit }) => exit === 0);
    writeReport(
      output,
      {
        ...found,
        node: process.version,
        seconds: (Date.now() - started) / 1000,
        passed: total('passed'),
        failed: total('failed'),
        skipped: total('skipped'),
        runs: done,
        failures,
        files,
      },
      { quiet: !last },
    );
    if (!last) continue;
    for (const { file, passed, failed, skipped, seconds: took } of files)
      console.log(
        `${failed > 0 ? 'FAILED' : 'ok    '} ${file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ` +
          `${took} s`,
      );
    for (const file of notReached) console.log(`NOT REACHED ${file}`);
    console.log(
      `test:gpu: ${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped, ` +
        `${notReached.length} files not reached on ${found.device.model ?? found.device.name}`,
    );
  }
  return fine;
}

if (standin) useStandin();
const found = findDevice();
if (found.device === undefined) {
  writeReport(output, { ...found, skipped: true });
  console.log(`test:gpu: ${required() ? 'failed' : 'skipped'}: no CUDA device: ${found.reason}`);
  process.exitCode = required() ? 1 : 0;
} else {
  process.exitCode = runTests(found) ? 0 : 1;
}
