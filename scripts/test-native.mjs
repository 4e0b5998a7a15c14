// npm run test:native [-- --sanitize=address|thread] [--engine] [NAME…]: builds and runs the C++ tests,
// test/native/*_test.cc. With a sanitizer in a build folder of their own. NAME is a regular expression over the tests'
// names. Those called cuda_* need CUDA's headers (build-cuda.mjs). --engine: only the tests of the CPU's kernels that
// share work between threads, which need little of the rest to be built; `npm run test:races` runs them under
// ThreadSanitizer.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { configureWith, standinOptions } from './build-cuda.mjs';
import { configure } from './build-folder.mjs';
import { jobs, run } from './toolchain.mjs';

const args = process.argv.slice(2);
const sanitizer = args.find((arg) => arg.startsWith('--sanitize='))?.slice('--sanitize='.length);
const engine = args.includes('--engine');
const names = args.filter((arg) => !arg.startsWith('--'));
const folder = sanitizer ? `build/${sanitizer}` : 'build';

/** CMake's options for the tests of the CUDA plug-in, if they can be had and are wanted. */
function standinIfPossible() {
  if (engine) return [];
  try {
    return standinOptions();
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    console.log(`test:native: the tests called cuda_* are left out: ${error.message}`);
    return ['-DSTMNET_STANDIN=OFF'];
  }
}

/** What to build: the tests that are named, or all of them. */
function targets(standin) {
  if (engine) return ['engine_tests'];
  if (names.length === 0) return ['native_tests'];
  const wanted = new RegExp(names.join('|'));
  const found = readdirSync('test/native', { recursive: true })
    .filter((file) => file.endsWith('_test.cc'))
    .map((file) => basename(file, '.cc'))
    .filter((name) => wanted.test(name) && (!name.startsWith('cuda_') || !standin.includes('-DSTMNET_STANDIN=OFF')));
  if (found.length === 0) throw new Error(`no test of test/native is called ${names.join(' or ')}`);
  return found;
}

try {
  const standin = standinIfPossible();
  if (sanitizer)
    run('cmake', [
      '-S',
      '.',
      '-B',
      folder,
      `-DSTMNET_SANITIZE=${sanitizer}`,
      '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
      ...standin,
    ]);
  else {
    configure();
    configureWith(folder, standin);
  }
  run('cmake', ['--build', folder, '--parallel', jobs, '--target', ...targets(standin)]);
  run('ctest', [
    '--test-dir',
    folder,
    '--output-on-failure',
    '--no-tests=error',
    ...(engine ? ['-L', 'engine'] : []),
    ...(names.length > 0 ? ['-R', names.join('|')] : []),
  ]);
} catch (error) {
  console.error(`test:native: ${error.message}`);
  process.exitCode = 1;
}
