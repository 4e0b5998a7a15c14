// npm run test:arm64 [-- --cpu=NAME] [NAME…]: builds the addon and the C++ tests for Linux on 64-bit ARM, in
// build/arm64, and runs the tests under qemu. NAME is a regular expression over the tests' names. --cpu: a processor of
// `qemu-aarch64 -cpu help`; without it an old one and one with all that there is. The emulation takes some ten minutes,
// and says nothing about speed, nor about the order in which other cores see what one writes: for that there is
// `npm run test:races`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { options } from './build-folder.mjs';
import { environment, jobs, root, run } from './toolchain.mjs';

const args = process.argv.slice(2);
const chosen = args.find((arg) => arg.startsWith('--cpu='))?.slice('--cpu='.length);
const names = args.filter((arg) => !arg.startsWith('--'));
const folder = 'build/arm64';
const blis = join(root, '.deps', 'arm64');

/** The programs that are needed, and Debian's packages that hold them. */
const programs = { 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu', 'qemu-aarch64': 'qemu-user' };

function checkPrograms() {
  const missing = Object.keys(programs).filter(
    (program) => spawnSync(program, ['--version'], { env: environment() }).status !== 0,
  );
  if (missing.length === 0) return;
  const packages = missing.map((program) => programs[program]).join(' ');
  throw new Error(`${missing.join(' and ')} cannot be run. Fix, on Debian and Ubuntu: apt-get install ${packages}`);
}

/** CMake's options for BLIS, unless STMNET_CMAKE names another BLAS. */
function blasOptions() {
  if (options.some((option) => option.startsWith('STMNET_BLAS_LIBRARY='))) return [];
  run('sh', ['scripts/blis-arm64', blis]);
  const place = join('aarch64-linux-gnu', 'blis-serial');
  return [
    `-DSTMNET_BLIS_DIR=${join(blis, 'usr', 'include', place)}`,
    `-DSTMNET_BLIS_LIBRARY=${join(blis, 'usr', 'lib', place, 'libblis.a')}`,
  ];
}

try {
  checkPrograms();
  run('cmake', [
    '-S',
    '.',
    '-B',
    folder,
    '-DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake',
    '-DSTMNET_STANDIN=OFF',
    ...blasOptions(),
    ...options.map((option) => `-D${option}`),
  ]);
  run('cmake', ['--build', folder, '--parallel', jobs, '--target', 'native_tests', 'stmnet']);
  for (const cpu of chosen ? [chosen] : ['cortex-a72', 'max']) {
    console.log(`test:arm64: on ${cpu}`);
    run(
      'ctest',
      [
        '--test-dir',
        folder,
        '--output-on-failure',
        '--no-tests=error',
        ...(names.length ? ['-R', names.join('|')] : []),
      ],
      { env: { ...environment(), QEMU_CPU: cpu } },
    );
  }
} catch (error) {
  console.error(`test:arm64: ${error.message}`);
  process.exitCode = 1;
}
