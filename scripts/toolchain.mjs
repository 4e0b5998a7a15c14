// What the build scripts share: where the repository is, which compiler and libraries they use, and how they run a
// program.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** How many compilers may run at once. */
export const jobs = String(Number(process.env.STMNET_BUILD_JOBS) || availableParallelism());

/** Compilers run through ccache where it is installed. */
const launchers = (process.env.PATH ?? '').split(':').some((folder) => folder && existsSync(join(folder, 'ccache')))
  ? { CMAKE_CXX_COMPILER_LAUNCHER: 'ccache', CMAKE_CUDA_COMPILER_LAUNCHER: 'ccache' }
  : {};

/**
 * The variables that the tools run under: what scripts/setup may not install it unpacks into .deps/, and there it must
 * be found.
 */
export function environment() {
  const deps = process.env.STMNET_DEPS_FOLDER || join(root, '.deps');
  const usr = join(deps, 'usr');
  if (!existsSync(usr)) return { ...launchers, ...process.env };
  const first = (name, ...paths) => [...paths, process.env[name] ?? ''].filter((path) => path !== '').join(':');
  return {
    ...launchers,
    ...process.env,
    PATH: first('PATH', join(deps, 'bin')),
    CMAKE_PREFIX_PATH: first('CMAKE_PREFIX_PATH', usr),
  };
}

/**
 * Runs a program in the repository's root and shows what it prints.
 *
 * @throws {Error} if it cannot be started or does not exit with 0; the message names the command
 */
export function run(command, args, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: environment(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  const line = [command, ...args].join(' ');
  if (error) throw new Error(`${line}: ${error.message}. Fix: npm run setup.`);
  if (status !== 0) {
    const printed = stdout || stderr ? `\n${stdout ?? ''}${stderr ?? ''}` : '';
    throw new Error(`${line}: ended with ${signal ?? `exit code ${status}`}.${printed}`);
  }
  return stdout ?? '';
}

/** Like `run`, but returns what the program prints. */
export const read = (command, args, options = {}) => run(command, args, { stdio: 'pipe', ...options });

/** Path of a tool that npm installed. */
export const tool = (name) => join(root, 'node_modules', '.bin', name);

/** Hash of the native sources as they are now; equal to the addon's `sourceHash()` unless the addon is stale. */
export const sourceHash = () =>
  read('cmake', [`-DROOT=${root.replace(/\/$/, '')}`, '-P', 'cmake/source-hash.cmake']).trim();
