// Builds the program that puts the questions, build/gpu/cuda-probe, by the C++ compiler alone: on the machine with the
// GPU there may be no CMake. (For the stand-in it is one of the targets of `npm run build:standin`.)
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { environment, jobs, read, root, run } from '../toolchain.mjs';
import { cudaFolder, cudaParts } from './cuda-folder.mjs';

const folder = join(root, 'build', 'gpu');
export const probe = join(folder, 'cuda-probe');
const stamp = join(folder, 'cuda-probe.flags');

/**
 * What it has in common with the plug-in, so that it opens the libraries as that does: sources without their ending, as
 * in cmake/cuda.cmake.
 */
const shared = [
  'native/backend/cuda/device/folders',
  'native/backend/cuda/device/libraries',
  'native/backend/cuda/device/switches',
];

function sources() {
  const own = join(root, 'test', 'native', 'cuda-probe');
  return [
    ...readdirSync(own).map((name) => join(own, name)),
    ...shared.flatMap((name) => [join(root, `${name}.cc`), join(root, `${name}.h`)]),
  ];
}

/** What makes this machine's compiler build for glibc 2.31: the flags that CMake has for it. */
function sysrootFlags() {
  const deps = join(root, '.deps', 'glibc-2.31');
  run('sh', ['scripts/sysroot', deps]);
  const env = { ...environment(), STMNET_SYSROOT: join(deps, 'sysroot') };
  const lines = read('cmake', ['-P', 'scripts/gpu/sysroot-flags.cmake'], { env }).trim().split('\n');
  const [compile, link] = lines.map((line) => line.split(' '));
  return { compile: [...compile, `-ffile-prefix-map=${root}=.`], link };
}

const compile = (args) =>
  new Promise((done, failed) => {
    const child = spawn('g++', args, { cwd: root, stdio: 'inherit', env: environment() });
    child
      .on('error', failed)
      .on('close', (status) =>
        status === 0 ? done() : failed(new Error(`g++ ${args.join(' ')}: ended with exit code ${status}.`)),
      );
  });

async function check() {
  const { binaryFaults, plugin } = await import('../binary.mjs'); // of the repository, not of its bundle
  const faults = binaryFaults(probe, { libraries: plugin.libraries });
  if (faults.length > 0) throw new Error(`${probe}: ${faults.join('. ')}.`);
}

/**
 * Builds it unless it is newer than its sources. `published`: for glibc 2.31 or later, against the sysroot that
 * scripts/sysroot makes.
 *
 * @throws {Error} if there is no CUDA toolkit, or no compiler
 */
export async function buildProbe({ published = false } = {}) {
  const files = sources();
  const kind = published ? 'published' : 'for this machine';
  const built = existsSync(probe) ? statSync(probe).mtimeMs : 0;
  const fits = !published || (existsSync(stamp) && readFileSync(stamp, 'utf8') === kind);
  if (fits && files.every((file) => statSync(file).mtimeMs <= built)) return;
  const { includes, runtime } = cudaParts(cudaFolder());
  if (runtime === undefined)
    throw new Error(
      "got no libcudart_static.a beside CUDA's headers, expected the toolkit's.\n" +
        '  Fix: set CUDA_HOME to a whole toolkit.',
    );
  const flags = published ? sysrootFlags() : { compile: [], link: [] };
  const objects = join(folder, 'objects', 'cuda-probe');
  mkdirSync(objects, { recursive: true });
  const object = (file) => join(objects, `${basename(file)}.o`);
  const waiting = files.filter((file) => file.endsWith('.cc'));
  const all = waiting.map(object);
  const next = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      await compile([
        '-std=c++20',
        '-O1',
        ...flags.compile,
        '-I',
        join(root, 'native'),
        ...includes.flatMap((path) => ['-isystem', path]),
        '-c',
        file,
        '-o',
        object(file),
      ]);
    }
  };
  await Promise.all(Array.from({ length: Number(jobs) }, next));
  run('g++', [
    ...flags.link,
    '-o',
    probe,
    ...all,
    runtime,
    '-static-libstdc++',
    '-static-libgcc',
    '-Wl,-z,relro,-z,now',
    '-lpthread',
    '-lrt',
    '-ldl',
  ]);
  if (published) await check();
  writeFileSync(stamp, kind);
}
