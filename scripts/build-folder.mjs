// The folder build/, which the build scripts share: its lock, the stamps that say what is up to date, and its
// configuration by cmake-js.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, run, tool } from './toolchain.mjs';

/** A path below the repository's root. */
export const at = (...path) => join(root, ...path);

/** Options for CMake, from the variable STMNET_CMAKE: NAME=value each. */
export const options = (process.env.STMNET_CMAKE ?? '').split(/\s+/).filter(Boolean);

/** What a configured folder was configured with: one that has moved, or other options, start afresh. */
export const settings = JSON.stringify({ root, options });

/** Is the stamp in build/ the one of these inputs, and are the results there? */
export const current = (name, stamp, results) =>
  results.every((file) => existsSync(at(file))) &&
  existsSync(at('build', name)) &&
  readFileSync(at('build', name), 'utf8') === stamp;

/** Configures build/ for the addon and what is tested beside it, unless it is. */
export function configure() {
  if (current('configure.stamp', settings, ['build/CMakeCache.txt'])) return;
  for (const old of ['CMakeCache.txt', 'CMakeFiles']) rmSync(at('build', old), { recursive: true, force: true });
  run(tool('cmake-js'), ['configure', ...options.map((option) => `--CD${option}`)]);
  writeFileSync(at('build', 'configure.stamp'), settings);
}

/** Two builds in one folder would tear each other's files apart: the second waits until the first has ended. */
export async function locked(action, say = console.log) {
  mkdirSync(at('build'), { recursive: true });
  const lock = at('build', 'build.lock');
  for (let told = false; ;) {
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
    return await action();
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
