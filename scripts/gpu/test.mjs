// npm run test:gpu [-- --standin] [--output=FILE] [NAME…]: the tests of test/gpu, the golden cases, and the suites of tensors, layers, losses, optimizers and
// training, all on the first CUDA device. NAME is a part of a test file's path. Writes a report, build/gpu/test.json. Without a device it says why and
// passes; STMNET_REQUIRE_CUDA=1 makes it fail. With --standin the tests run on the stand-in.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { environment, root, tool } from '../toolchain.mjs';
import { findDevice, required, useStandin, writeReport } from './device.mjs';

const args = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const output = option('output') ?? join('build', 'gpu', 'test.json');
const filters = args.filter((arg) => !/^--(standin$|output=)/.test(arg));

/** What vitest found, in short: every failure with its message, and how each file fared. */
function summary({ testResults = [] }) {
  const count = (tests, status) => tests.filter((test) => test.status === status).length;
  const files = testResults.map(({ name, message, status, assertionResults: tests, startTime, endTime }) => ({
    file: relative(root, name), passed: count(tests, 'passed'), failed: count(tests, 'failed') + (status === 'failed' && tests.length === 0 ? 1 : 0),
    skipped: count(tests, 'skipped') + count(tests, 'pending'), seconds: Math.round((endTime - startTime) / 100) / 10, ...(message ? { message } : {}),
  }));
  const failures = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName, failureMessages }) => ({ file: relative(root, name), test: fullName, message: failureMessages.join('\n').slice(0, 2000) })));
  const total = (key) => files.reduce((sum, file) => sum + file[key], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped'), failures, files };
}

function runTests(found) {
  const details = join('build', 'gpu', 'vitest.json'); // as vitest.gpu.config.mts says
  rmSync(resolve(root, details), { force: true });
  const started = Date.now();
  const { status, signal } = spawnSync(tool('vitest'), ['run', '--config', 'vitest.gpu.config.mts', ...filters], {
    cwd: root, stdio: 'inherit', env: { ...environment(), STMNET_TEST_DEVICE: 'cuda', STMNET_REQUIRE_CUDA: '1', STMNET_CACHE_DIR: resolve(root, 'build', 'gpu', 'cache') },
  });
  const result = existsSync(resolve(root, details)) ? summary(JSON.parse(readFileSync(resolve(root, details), 'utf8'))) : { passed: 0, failed: 1, skipped: 0, failures: [], files: [] };
  for (const { file, passed, failed, skipped, seconds } of result.files) console.log(`${failed > 0 ? 'FAILED' : 'ok    '} ${file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s`);
  console.log(`test:gpu: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped on ${found.device.model ?? found.device.name}`);
  writeReport(output, { ...found, node: process.version, seconds: (Date.now() - started) / 1000, exit: signal ?? status, ...result });
  return status === 0 && result.failed === 0;
}

if (args.includes('--standin')) useStandin();
const found = findDevice();
if (found.device === undefined) {
  console.log(`test:gpu: ${required() ? 'failed' : 'skipped'}: no CUDA device: ${found.reason}`);
  writeReport(output, { ...found, skipped: true });
  process.exitCode = required() ? 1 : 0;
} else {
  process.exitCode = runTests(found) ? 0 : 1;
}
