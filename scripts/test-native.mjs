// npm run test:native [-- --sanitize=address|thread] [NAME…]: builds and runs the C++ tests, test/native/*_test.cc. With a sanitizer in a build
// folder of their own. NAME is a regular expression over the tests' names.
import { jobs, run } from './toolchain.mjs';

const args = process.argv.slice(2);
const sanitizer = args.find((arg) => arg.startsWith('--sanitize='))?.slice('--sanitize='.length);
const names = args.filter((arg) => !arg.startsWith('--'));
const folder = sanitizer ? `build/${sanitizer}` : 'build';

try {
  if (sanitizer) run('cmake', ['-S', '.', '-B', folder, `-DSTMNET_SANITIZE=${sanitizer}`, '-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
  run('cmake', ['--build', folder, '--parallel', jobs, '--target', 'native_tests']);
  run('ctest', ['--test-dir', folder, '--output-on-failure', '--no-tests=error', ...(names.length > 0 ? ['-R', names.join('|')] : [])]);
} catch (error) {
  console.error(`test:native: ${error.message}`);
  process.exitCode = 1;
}
