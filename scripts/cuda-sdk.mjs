// npm run cuda:sdk [-- FOLDER] [--headers] [--libs]: makes FOLDER (default: build/cuda-sdk) a place from which the CUDA
// plug-in can be built, without a GPU, without root. `build:cuda` and `build:standin` call it. Where there is a CUDA
// toolkit of version 12 or 13 (CUDA_HOME, nvcc on the PATH, /usr/local/cuda) that one is used, and only the headers
// that it lacks are fetched; elsewhere the compiler comes too, out of NVIDIA's Python wheels.
//
//   --headers   what the stand-in needs: no compiler
//   --libs      the libraries of cuBLAS, cuDNN and NVRTC too, 2 GB, to run against
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, root } from './toolchain.mjs';

const compiler = ['nvidia-cuda-nvcc==13.0.88', 'nvidia-nvvm==13.0.88']; // these two and crt must be of one release
const runtime = ['nvidia-cuda-crt==13.0.88', 'nvidia-cuda-runtime==13.0.96', 'nvidia-cuda-cccl==13.0.85'];
const libraries = {
  12: {
    'cublas_v2.h': 'nvidia-cublas-cu12==12.9.2.10',
    'cudnn.h': 'nvidia-cudnn-cu12==9.24.0.43',
    nvrtc: 'nvidia-cuda-nvrtc-cu12==12.9.86',
  },
  13: {
    'cublas_v2.h': 'nvidia-cublas==13.1.1.3',
    'cudnn.h': 'nvidia-cudnn-cu13==9.24.0.43',
    nvrtc: 'nvidia-cuda-nvrtc==13.0.88',
  },
};

/** What `command` prints, or nothing if it cannot be run or fails. */
function ask(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: environment() });
  return status === 0 ? `${stdout}${stderr}` : undefined;
}

/** The CUDA toolkit of this machine: { path, major, version }, or undefined. */
function findToolkit(say) {
  for (const nvcc of [
    process.env.CUDA_HOME && join(process.env.CUDA_HOME, 'bin', 'nvcc'),
    'nvcc',
    '/usr/local/cuda/bin/nvcc',
  ].filter(Boolean)) {
    const [, version] = ask(nvcc, '--version')?.match(/release (\d+\.\d+)/) ?? [];
    if (version === undefined) continue;
    const [, folder = ''] = ask(nvcc, '--dryrun', '-E', '-x', 'cu', '/dev/null')?.match(/^#\$ TOP=(.+?)\s*$/m) ?? [];
    const major = Number(version.split('.')[0]);
    const complete =
      existsSync(join(folder, 'include', 'cuda_runtime_api.h')) &&
      existsSync(join(folder, 'lib64', 'libcudart_static.a'));
    if (complete && libraries[major]) return { path: realpathSync(folder), major, version };
    const reason = complete
      ? 'expected version 12 or 13'
      : 'its headers or libcudart_static.a are not where nvcc looks';
    say(`cuda-sdk: passing over ${nvcc}, CUDA ${version}: ${reason}`);
  }
  return undefined;
}

/** The wheels to unpack, each as NAME==VERSION:KIND. */
function wanted(toolkit, { headers, libs }) {
  const available = (header) =>
    toolkit && [join(toolkit.path, 'include'), '/usr/include'].some((folder) => existsSync(join(folder, header)));
  const { nvrtc, ...wheels } = libraries[toolkit?.major ?? 13];
  const list = Object.entries(wheels)
    .filter(([header]) => libs || !available(header))
    .map(([, wheel]) => `${wheel}:${libs ? 'all' : 'headers'}`);
  if (libs) list.push(`${nvrtc}:all`);
  if (toolkit) return list;
  return headers
    ? [...runtime.map((wheel) => `${wheel}:headers`), ...list]
    : [...runtime, ...compiler].map((wheel) => `${wheel}:all`).concat(list);
}

function findPython(wheels) {
  const names = wheels.map((wheel) => wheel.replace(/:.*/, ''));
  const needed = `to unpack ${names.join(', ')}. Only the CUDA plug-in and its tests need it.`;
  const fix =
    "Fix: install python3 with pip; or a CUDA toolkit and cuDNN's headers, with STMNET_CUDA_ROOT naming the toolkit.";
  const python = ['python3', 'python'].find((name) => ask(name, '--version') !== undefined);
  if (python === undefined) throw new Error(`got no python3 on the PATH, expected one ${needed} ${fix}`);
  if (ask(python, '-m', 'pip', '--version') === undefined)
    throw new Error(`got a ${python} without pip, expected one with it ${needed} ${fix}`);
  return python;
}

function fetchWheels(folder, wheels, record, say) {
  const python = findPython(wheels);
  const { status, signal, error, stdout, stderr } = spawnSync(
    python,
    [join(root, 'scripts', 'cuda-sdk.py'), folder, ...wheels],
    { encoding: 'utf8', env: environment(), maxBuffer: 1 << 26 },
  );
  for (const [, wheel, how] of (stdout ?? '').matchAll(/^(\S+==\S+:\S+) (.*)$/gm)) {
    record(wheel);
    say(`cuda-sdk: ${wheel.replace(/:.*/, '').replace('==', ' ')}: ${how}`);
  }
  if (status === 0) return;
  const log = (stderr ?? '')
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('[notice]'));
  const lastLines = log.slice(-6).map((line) => `    ${line.slice(0, 240)}`);
  throw new Error(
    `got ${error?.message ?? signal ?? `exit code ${status}`} from ${python} scripts/cuda-sdk.py, ` +
      `expected it to download and unpack ${wheels.join(', ')}.\n` +
      `${lastLines.join('\n')}\n` +
      "  Fix: connect this machine to the network, or set pip's index and proxy; " +
      "or install a CUDA toolkit and cuDNN's headers, with STMNET_CUDA_ROOT\n" +
      '  naming the toolkit. Only the CUDA plug-in and its tests need it.',
  );
}

/** The names that linkers look for and wheels lack. */
function addLinks(folder, toolkit) {
  const link = (target, path) => {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(target, path);
  };
  if (toolkit) link(toolkit.path, join(folder, 'toolkit'));
  const packages = join(folder, 'nvidia');
  for (const name of existsSync(packages) ? readdirSync(packages) : []) {
    const lib = join(packages, name, 'lib');
    if (!existsSync(lib)) continue;
    link('lib', join(packages, name, 'lib64'));
    for (const file of readdirSync(lib)) {
      const [, plain] = file.match(/^(.+\.so)\.\d/) ?? [];
      if (plain) link(file, join(lib, plain));
    }
  }
}

/**
 * Makes `folder` an SDK, unless it is one; `headers` asks for no compiler, `libs` for the run-time libraries.
 *
 * @throws {Error} if something is missing that cannot be fetched
 */
export function makeCudaSdk({ folder, headers = false, libs = false, say = console.log }) {
  const started = Date.now();
  const toolkit = findToolkit(say);
  const stamp = join(folder, 'sdk.json');
  let state = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : undefined;
  if (
    state === undefined ||
    state.toolkit !== (toolkit?.path ?? null) ||
    state.version !== (toolkit?.version ?? null)
  ) {
    if (state) rmSync(folder, { recursive: true, force: true });
    state = { toolkit: toolkit?.path ?? null, version: toolkit?.version ?? null, wheels: {} };
  }
  const has = (wheel) => {
    const [name, kind] = wheel.split(':');
    return state.wheels[name] === 'all' || state.wheels[name] === kind;
  };
  const save = () => writeFileSync(stamp, `${JSON.stringify(state, undefined, 2)}\n`);
  mkdirSync(folder, { recursive: true });
  const missing = wanted(toolkit, { headers, libs }).filter((wheel) => !has(wheel));
  const record = (wheel) => {
    const [name, kind] = wheel.split(':');
    state.wheels[name] = kind;
    save();
  };
  if (missing.length > 0) fetchWheels(folder, missing, record, say);
  addLinks(folder, toolkit);
  save();
  if (missing.length > 0) {
    const found = toolkit ? `CUDA ${toolkit.version} of ${toolkit.path} and ` : '';
    const seconds = (Date.now() - started) / 1000;
    say(`cuda-sdk: ${folder}: ${found}${missing.length} wheels, ${seconds.toFixed(1)} s`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'build/cuda-sdk'] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  try {
    makeCudaSdk({
      folder: resolve(folder),
      headers: process.argv.includes('--headers'),
      libs: process.argv.includes('--libs'),
    });
  } catch (error) {
    console.error(`cuda-sdk: ${error.message}`);
    process.exitCode = 1;
  }
}
