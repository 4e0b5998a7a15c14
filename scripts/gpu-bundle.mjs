// npm run gpu:bundle [-- --standin] [--output=FILE]: packs Node.js, the package as it is published with its CUDA
// plug-in, the tests and what they need into one archive, build/gpu/stmnet-gpu.tar.xz. On an x86-64 Linux machine with
// glibc 2.31 or later, an NVIDIA driver, Python with PyTorch, and no network:
//
//   python3 -m tarfile -e stmnet-gpu.tar.xz && sh stmnet-gpu/run.sh RESULTS      (or tar -xJf, where there is xz)
//
// With --standin the stand-in comes too, to try the archive on this machine: STMNET_GPU_STANDIN=1 sh stmnet-gpu/run.sh.
// With --sources the plug-in stays out, and nvcc builds it there.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { addon, glibcOf, plugin } from './binary.mjs';
import { prebuildsFault } from './check-prebuilds.mjs';
import { binariesOf, parts, prebuilds, sizeFault } from './gpu-bundle-contents.mjs';
import { optionsOf } from './gpu/options.mjs';
import { read, root, run, sourceHash } from './toolchain.mjs';

const given = optionsOf('gpu:bundle', { standin: Boolean, sources: Boolean, output: String });
const at = (...path) => join(root, ...path);
const { standin = false, sources = false, output = join('build', 'gpu', 'stmnet-gpu.tar.xz') } = given;
const folder = at('build', 'gpu', 'bundle', 'stmnet-gpu');
const binaries = binariesOf({ sources });

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
  const needless = (path) =>
    /\.(map|md|markdown|d\.[cm]?ts)$/i.test(path) || /[/\\](docs|test|tests|\.github)$/.test(path);
  const packages = closure(['vitest', ...Object.keys(dependencies)]);
  for (const name of packages)
    cpSync(at('node_modules', name), join(folder, 'node_modules', name), {
      recursive: true,
      filter: (path) => !needless(path.slice(root.length)),
    });
  return packages.length;
}

/** The addon and the plug-in must load together: a pair that does not would be found out on the other machine only. */
function checkPlugin() {
  const paths = { STMNET_ADDON: at(prebuilds, addon.file), STMNET_CUDA_PLUGIN: at(prebuilds, plugin.file) };
  const bundle = JSON.stringify(at('dist', 'bundle', 'stmnet.js'));
  const ask = `console.log(JSON.stringify(require(${bundle})('tensor/device').deviceParts()[0]))`;
  const part = JSON.parse(read(process.execPath, ['-e', ask], { env: { ...process.env, ...paths } }));
  if (!part?.found) throw new Error(`${part?.problem}.\n  Fix: ${part?.fix}.`);
}

function pack() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node', 'bin'), { recursive: true });
  const fault = prebuildsFault();
  if (fault !== undefined) throw new Error(`${fault}.\n  Fix: npm run prebuilds`);
  for (const name of Object.keys(binaries))
    if (!existsSync(at(name))) throw new Error(`got no ${name}.\n  Fix: npm run gpu:bundle`);
  checkPlugin();
  run('strip', ['--strip-all', '-o', join(folder, 'node', 'bin', 'node'), process.execPath]);
  for (const part of parts) cpSync(at(part), join(folder, part), { recursive: true, preserveTimestamps: true });
  for (const [from, to] of Object.entries(binaries)) {
    cpSync(at(from), join(folder, to), { preserveTimestamps: true });
    run('strip', ['--strip-unneeded', '--preserve-dates', join(folder, to)]);
  }
  cpSync(at('scripts', 'gpu', 'run.sh'), join(folder, 'run.sh'));
  const packages = copyPackages();
  checkBinaries();
  if (standin) addStandin();
  return packages;
}

/** The stand-in is for this machine alone. */
function addStandin() {
  const built = join('build', 'standin');
  const own = at(built, 'libstmnet_cuda_standin.so');
  if (!existsSync(own) || !readFileSync(own).includes(sourceHash()))
    throw new Error(`got no ${built} of these sources.\n  Fix: npm run build:standin`);
  cpSync(at(built), join(folder, built), { recursive: true, preserveTimestamps: true });
  for (const name of readdirSync(at(built))) run('strip', ['--strip-unneeded', join(folder, built, name)]);
}

function isBinary(file) {
  const [start, opened] = [Buffer.alloc(4), openSync(file, 'r')];
  readSync(opened, start, 0, 4, 0);
  closeSync(opened);
  return start.toString('latin1') === '\x7fELF';
}

/**
 * The other machine may have an older glibc than this one: nothing in the bundle may need a newer one than the package
 * does, Node.js and vitest's included.
 */
function checkBinaries() {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const needs = files.filter(isBinary).map((file) => ({ file: file.slice(folder.length + 1), ...glibcOf(file) }));
  for (const { file, newest } of needs) console.log(`gpu:bundle: ${file} needs glibc ${newest}`);
  const tooNew = needs.filter((one) => one.tooNew);
  if (tooNew.length > 0) {
    const named = tooNew.map(({ file, newest }) => `${file}, which needs glibc ${newest}`);
    throw new Error(`got ${named.join(', ')}, expected what the package needs at most.`);
  }
}

function archive() {
  const path = resolve(root, output);
  rmSync(path, { force: true });
  const { status } = spawnSync('tar', ['-I', 'xz -9e -T1', '-C', join(folder, '..'), '-cf', path, 'stmnet-gpu'], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`tar ended with exit code ${status}; it needs xz.`);
  return statSync(path).size / 2 ** 20;
}

try {
  const packages = pack();
  const size = archive();
  const sizes = read('du', [
    '-sm',
    ...['node', 'node_modules', 'build', 'test', 'dist'].map((name) => join(folder, name)),
  ])
    .trim()
    .split('\n')
    .map((line) => line.replace(`${folder}/`, '').replace('\t', ' MiB '))
    .join(', ');
  console.log(`gpu:bundle: ${output}, ${size.toFixed(1)} MiB (${sizes}; ${packages} packages)`);
  const fault = sizeFault(size);
  if (fault !== undefined) throw new Error(fault);
} catch (error) {
  console.error(`gpu:bundle: ${error.message}`);
  process.exitCode = 1;
}
