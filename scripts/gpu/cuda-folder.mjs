// Where CUDA's headers, static run-time library and compiler are, and the Python packages that hold cuBLAS and cuDNN:
// for what is built and run on the machine with the GPU itself. The repository's own SDK (npm run cuda:sdk) serves
// where there is one; a machine without it needs a toolkit and PyTorch's wheels.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { environment, root } from '../toolchain.mjs';

const ask = (command, ...args) => {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: environment() });
  return status === 0 ? stdout.trim() : undefined;
};

/** The Python that has PyTorch: STMNET_PYTHON, else python3. */
export const python = () => process.env.STMNET_PYTHON || 'python3';

/** The site-packages folder that holds nvidia/cudnn; undefined if there is none. */
export function wheelFolder() {
  if (process.env.STMNET_CUDA_LIBS) return process.env.STMNET_CUDA_LIBS;
  const paths = ask(python(), '-c', 'import json, nvidia; print(json.dumps(list(nvidia.__path__)))');
  const found = paths === undefined ? [] : JSON.parse(paths);
  return found.filter((path) => existsSync(join(path, 'cudnn', 'lib'))).map((path) => dirname(path))[0];
}

/** The folder of a CUDA toolkit: CUDA_HOME, nvcc on the PATH, /usr/local/cuda; undefined if there is none. */
function toolkitFolder() {
  const nvcc = [
    process.env.CUDA_HOME && join(process.env.CUDA_HOME, 'bin', 'nvcc'),
    'nvcc',
    '/usr/local/cuda/bin/nvcc',
  ].filter(Boolean);
  for (const command of nvcc) {
    const top = spawnSync(command, ['--dryrun', '-E', '-x', 'cu', '/dev/null'], { encoding: 'utf8' }).stderr?.match(
      /^#\$ TOP=(.+?)\s*$/m,
    )?.[1];
    if (top && existsSync(join(top, 'include', 'cuda_runtime_api.h'))) return resolve(top);
  }
  return undefined;
}

/**
 * A folder as STMNET_CUDA_ROOT wants it: toolkit/ and nvidia/.
 *
 * @throws {Error} if something is missing; the message says what
 */
export function cudaFolder() {
  if (process.env.STMNET_CUDA_ROOT) return resolve(process.env.STMNET_CUDA_ROOT);
  const sdk = join(root, 'build', 'cuda-sdk');
  if (existsSync(join(sdk, 'sdk.json'))) return sdk;
  const [toolkit, wheels] = [toolkitFolder(), wheelFolder()];
  if (toolkit === undefined)
    throw new Error('got no nvcc, expected a CUDA toolkit.\n  Fix: put its bin folder on the PATH, or set CUDA_HOME.');
  if (wheels === undefined)
    throw new Error(
      `got no nvidia/cudnn among the packages of ${python()}, expected cuDNN's headers there.\n` +
        '  Fix: set STMNET_PYTHON to a Python that has PyTorch.',
    );
  const folder = join(root, 'build', 'gpu', 'cuda');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(toolkit, join(folder, 'toolkit'));
  symlinkSync(join(wheels, 'nvidia'), join(folder, 'nvidia'));
  return folder;
}

/** Folders of headers and the static run-time library in such a folder. */
export function cudaParts(folder) {
  const toolkit = [join(folder, 'toolkit'), join(folder, 'nvidia', 'cu13'), folder].find((path) =>
    existsSync(join(path, 'include', 'cuda_runtime_api.h')),
  );
  if (toolkit === undefined)
    throw new Error(`got no cuda_runtime_api.h below ${folder}, expected a CUDA toolkit.\n  Fix: npm run cuda:sdk`);
  const packages = join(folder, 'nvidia');
  const others = existsSync(packages)
    ? readdirSync(packages)
        .map((name) => join(packages, name, 'include'))
        .filter((path) => existsSync(path))
    : [];
  return {
    toolkit,
    includes: [join(toolkit, 'include'), ...others],
    runtime: ['lib64', 'lib'].map((name) => join(toolkit, name, 'libcudart_static.a')).find((path) => existsSync(path)),
  };
}
