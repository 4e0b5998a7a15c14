// What the GPU scripts share: the device they run on, and the reports they write.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { root } from '../toolchain.mjs';

/** Lets this process and its children compute on the stand-in (`npm run build:standin`) instead of a GPU. Before the package is loaded. */
export function useStandin() {
  const { standinEnvironment } = createRequire(import.meta.url)(join(root, 'build', 'js', 'scripts', 'standin.js')); // of scripts/standin.ts
  for (const [name, value] of Object.entries(standinEnvironment(root))) process.env[name] ??= value;
}

/**
 * The first CUDA device and what it needs, as `devices()` and `stmnet doctor` say.
 *
 * @returns {{ device?: object, reason?: string, parts: object[] }} the device, or why there is none
 */
export function findDevice() {
  const { devices, deviceParts } = createRequire(import.meta.url)(join(root, 'dist', 'tensor', 'device.js'));
  const listed = devices();
  const device = listed.find(({ name, available }) => available && name.startsWith('cuda'));
  const reason = device ? undefined : (listed.find(({ available }) => !available)?.reason ?? 'devices() lists no CUDA device');
  return { ...(device ? { device } : { reason }), parts: deviceParts() };
}

/** Whether a machine without a CUDA device is a failure. */
export const required = () => process.env.STMNET_REQUIRE_CUDA === '1';

/**
 * Like `spawnSync`, but ends the program after so many seconds, with status 124 or 137, and then whatever it has left
 * running: tests and sanitizers start others.
 */
export function runWithin(seconds, command, args, options) {
  const limit = ['-k', '2', String(Math.max(1, Math.floor(seconds)))];
  const ended = spawnSync('timeout', [...limit, command, ...args], options);
  try {
    process.kill(-ended.pid, 'SIGKILL'); // timeout's group
  } catch {
    // it is empty
  }
  return ended;
}

/** Writes `report` as JSON to `file`, from the repository's root: beside it and then in its place, as a limit may end the process at any time. */
export function writeReport(file, report, { quiet = false } = {}) {
  const path = resolve(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(report, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
  if (!quiet) console.log(`report: ${file}`);
}
