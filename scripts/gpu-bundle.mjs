// npm run gpu:bundle [-- --standin] [--output=FILE]: packs Node.js, the built package with its CUDA plug-in, the tests and what they need into one archive,
// build/gpu/stmnet-gpu.tar.xz. On an x86-64 Linux machine with an NVIDIA driver, Python with PyTorch, and no network:
//
//   tar -xJf stmnet-gpu.tar.xz && sh stmnet-gpu/run.sh      results in stmnet-gpu/results
//
// With --standin the stand-in comes too, to try the archive on a machine without a GPU; without the plug-in (--sources) nvcc builds it there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { read, root, run } from './toolchain.mjs';

const limitMiB = 60;
const args = process.argv.slice(2);
const at = (...path) => join(root, ...path);
const output = args.find((arg) => arg.startsWith('--output='))?.slice('--output='.length) ?? join('build', 'gpu', 'stmnet-gpu.tar.xz');
const folder = at('build', 'gpu', 'bundle', 'stmnet-gpu');

/** What of the repository goes along. */
const parts = [
  'package.json', 'LICENSE', 'tsconfig.json', 'vitest.config.mts', 'vitest.gpu.config.mts', 'CMakeLists.txt', 'cmake', 'native', 'src', 'dist', 'scripts/toolchain.mjs', 'scripts/toolchain.d.mts', 'scripts/gpu', 'scripts/bench',
  'scripts/golden', 'test/golden.test.ts', 'test/golden', 'test/gpu', 'test/support', 'test/tensor', 'test/layers', 'test/losses', 'test/optimizers', 'test/training', 'test/guide', 'test/native/cuda-probe', 'build/js', 'build/Release/stmnet.node',
];

/** Names of installed packages that these need, themselves included. */
function closure(names) {
  const found = new Set();
  const visit = (name) => {
    const file = at('node_modules', name, 'package.json');
    if (found.has(name) || !existsSync(file)) return; // optional ones of other platforms are not installed
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
    [...Object.keys(dependencies), ...Object.keys(optionalDependencies)].forEach(visit);
  };
  names.forEach(visit);
  return [...found];
}

function copyPackages() {
  const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const needless = (path) => /\.(map|md|markdown|d\.[cm]?ts)$/i.test(path) || /[/\\](docs|test|tests|\.github)$/.test(path);
  const packages = closure(['vitest', ...Object.keys(dependencies)]);
  for (const name of packages) cpSync(at('node_modules', name), join(folder, 'node_modules', name), { recursive: true, filter: (path) => !needless(path.slice(root.length)) });
  mkdirSync(join(folder, 'node_modules', '.bin'));
  symlinkSync('../vitest/vitest.mjs', join(folder, 'node_modules', '.bin', 'vitest'));
  return packages.length;
}

/** The addon and the plug-in must be of one build: a pair that is not would be found out on the other machine only. */
function checkPlugin(plugin) {
  process.env.STMNET_CUDA_PLUGIN = plugin;
  const { deviceParts } = createRequire(import.meta.url)(at('dist', 'tensor', 'device.js'));
  const [part] = deviceParts();
  if (!part?.found) throw new Error(`${part?.problem}.\n  Fix: ${part?.fix}.`);
}

function pack() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node', 'bin'), { recursive: true });
  const plugin = at('build', 'Release', 'libstmnet_cuda.so');
  if (!existsSync(plugin) && !args.includes('--sources')) throw new Error(`got no ${plugin}, expected the CUDA plug-in.\n  Fix: npm run build:cuda, or pass --sources to let nvcc build it on the other machine.`);
  if (existsSync(plugin)) checkPlugin(plugin);
  run('strip', ['--strip-all', '-o', join(folder, 'node', 'bin', 'node'), process.execPath]);
  const extra = ['build/Release/libstmnet_cuda.so', ...(args.includes('--standin') ? ['build/standin'] : []), 'build/gpu/cuda-probe'].filter((name) => existsSync(at(name)));
  for (const part of [...parts, ...extra]) cpSync(at(part), join(folder, part), { recursive: true, preserveTimestamps: true });
  cpSync(at('scripts', 'gpu', 'run.sh'), join(folder, 'run.sh'));
  for (const binary of [...extra, 'build/Release/stmnet.node'].filter((name) => /\.(so|node)$|cuda-probe/.test(name))) run('strip', ['--strip-unneeded', join(folder, binary)]);
  return copyPackages();
}

function archive() {
  const path = at(output);
  rmSync(path, { force: true });
  const { status } = spawnSync('tar', ['-I', 'xz -9e -T1', '-C', join(folder, '..'), '-cf', path, 'stmnet-gpu'], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`tar ended with exit code ${status}; it needs xz.`);
  return statSync(path).size / 2 ** 20;
}

try {
  const packages = pack();
  const size = archive();
  const sizes = read('du', ['-sm', ...['node', 'node_modules', 'build', 'test', 'dist'].map((name) => join(folder, name))]).trim().split('\n').map((line) => line.replace(`${folder}/`, '').replace('\t', ' MiB ')).join(', ');
  console.log(`gpu:bundle: ${output}, ${size.toFixed(1)} MiB (${sizes}; ${packages} packages)`);
  if (size > limitMiB) throw new Error(`the archive has ${size.toFixed(1)} MiB, expected at most ${limitMiB}.`);
} catch (error) {
  console.error(`gpu:bundle: ${error.message}`);
  process.exitCode = 1;
}
