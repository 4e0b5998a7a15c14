// npm run build [-- native|ts] [--quiet]: builds what is out of date, the addon by cmake-js and the JavaScript by tsc. Options of CMake: the
// variable STMNET_CMAKE, as in STMNET_CMAKE="STMNET_SANITIZE=address".
// npm run build:standin: build/standin/, the CUDA plug-in and what stands for CUDA beneath it, for tests (cmake/cuda.cmake). It needs CUDA's headers, from
// STMNET_CUDA_ROOT or the SDK of scripts/cuda-sdk.mjs.
import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobs, read, root, run, sourceHash, tool } from './toolchain.mjs';

const quiet = process.argv.includes('--quiet');
const part = process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? 'all';
const say = (line) => quiet || console.log(line);
const at = (...path) => join(root, ...path);

/** Files below `folder` whose name fits, as paths relative to the root, sorted. */
function filesBelow(folder, fits) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && fits(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Is the stamp in build/ the one of these inputs, and are the results there? */
const current = (name, stamp, results) => results.every((file) => existsSync(at(file))) && existsSync(at('build', name)) && readFileSync(at('build', name), 'utf8') === stamp;

const options = (process.env.STMNET_CMAKE ?? '').split(/\s+/).filter(Boolean);
const settings = JSON.stringify({ root, options }); // a folder that has moved, or another compiler setting, starts afresh

function configure() {
  if (current('configure.stamp', settings, ['build/CMakeCache.txt'])) return;
  for (const old of ['CMakeCache.txt', 'CMakeFiles']) rmSync(at('build', old), { recursive: true, force: true });
  run(tool('cmake-js'), ['configure', ...options.map((option) => `--CD${option}`)]);
  writeFileSync(at('build', 'configure.stamp'), settings);
}

function buildNative() {
  const stamp = `${sourceHash()} ${settings}`;
  const addon = 'build/Release/stmnet.node';
  if (current('native.stamp', stamp, [addon])) return say('build: the addon is up to date');
  configure();
  run('cmake', ['--build', 'build', '--parallel', jobs]);
  writeFileSync(at('build', 'native.stamp'), stamp);
}

function buildStandin() {
  const sdk = process.env.STMNET_CUDA_ROOT || at('build', 'cuda-sdk');
  configure();
  run('cmake', ['-S', '.', '-B', 'build', '-DSTMNET_STANDIN=ON', `-DSTMNET_CUDA_ROOT=${resolve(sdk)}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  run('cmake', ['--build', 'build', '--parallel', jobs, '--target', 'standin']);
}

/** Compiles one project; deletes what an earlier run left in its folder for sources that are gone. Returns whether it had no errors. */
function compile(project, folder, keep) {
  let output = '';
  let fine = true;
  try {
    output = read(tool('tsc'), ['-p', project, '--listEmittedFiles', '--pretty', 'false']);
  } catch (error) {
    fine = false;
    output = error.message;
    console.error(output.replace(/^TSFILE:.*\n/gm, ''));
  }
  const emitted = new Set([...output.matchAll(/^TSFILE:\s*(.*)$/gm)].map(([, file]) => relative(root, file.trim())));
  for (const file of filesBelow(folder, (name) => /\.(c|m)?js$|\.d\.(c|m)?ts$/.test(name))) {
    if (fine && !emitted.has(file) && !keep(file)) rmSync(at(file));
  }
  return fine;
}

const dataFile = (name) => /\.(bin|gz|safetensors|txt|md)$/.test(name);
const entries = ['dist/index', 'dist/datasets/index'];

function buildTypeScript() {
  const projects = [
    { project: 'tsconfig.json', sources: 'src', folder: 'dist', keep: (file) => file.startsWith('dist/examples/') || /\.mjs$|\.d\.mts$/.test(file) },
    { project: 'examples/tsconfig.json', sources: 'examples', folder: 'dist/examples', keep: () => false },
    { project: 'scripts/tsconfig.json', sources: 'scripts', folder: 'build/js', keep: () => false },
  ];
  const hash = createHash('sha256');
  const inputs = [...projects.flatMap(({ project, sources }) => [project, ...filesBelow(sources, (name) => name.endsWith('.ts') || name.endsWith('.mts') || dataFile(name))]), 'scripts/build.mjs', 'package-lock.json'];
  for (const file of inputs) hash.update(`${file}\0`).update(readFileSync(at(file))).update('\0');
  const stamp = hash.digest('hex');
  if (current('typescript.stamp', stamp, ['dist/index.js'])) return say('build: the JavaScript is up to date');
  let fine = true;
  for (const { project, sources, folder, keep } of projects) {
    if (filesBelow(sources, (name) => /\.m?ts$/.test(name)).length > 0) fine = compile(project, folder, keep) && fine;
    if (sources === 'src') finishPackage();
  }
  if (!fine) throw new Error('tsc found errors, listed above.');
  writeFileSync(at('build', 'typescript.stamp'), stamp);
}

/** What tsc does not make: the ESM wrappers (one set of classes for both module systems) and the data files. */
function finishPackage() {
  for (const entry of entries.filter((name) => existsSync(at(`${name}.js`)))) {
    for (const suffix of ['.mjs', '.d.mts']) writeFileSync(at(`${entry}${suffix}`), "export * from './index.js';\n");
  }
  for (const file of filesBelow('src', dataFile)) {
    const target = at(file.replace(/^src/, 'dist'));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(at(file), target);
  }
}

/** Two builds in one folder would tear each other's files apart: the second waits until the first has ended. */
async function locked(action) {
  mkdirSync(at('build'), { recursive: true });
  const lock = at('build', 'build.lock');
  for (let told = false; ; ) {
    try {
      const file = openSync(lock, 'wx');
      writeFileSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (abandoned(lock)) rmSync(lock, { force: true });
      else {
        if (!told) say('build: waiting for another build in this folder');
        told = true;
        await sleep(200);
      }
    }
  }
  try {
    return action();
  } finally {
    rmSync(lock, { force: true });
  }
}

function abandoned(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 2000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

try {
  if (!['all', 'native', 'ts', 'standin'].includes(part)) throw new Error(`got '${part}', expected native, ts, standin or nothing (native and ts).`);
  await locked(() => {
    if (part === 'all' || part === 'native') buildNative();
    if (part === 'all' || part === 'ts') buildTypeScript();
    if (part === 'standin') buildStandin();
  });
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
