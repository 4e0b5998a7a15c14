// The device that the GPU scripts run on.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../toolchain.mjs';

const require = createRequire(import.meta.url);

/**
 * Lets this process and its children compute on the stand-in (`npm run build:standin`) instead of a GPU. Before the
 * package is loaded.
 */
export function useStandin() {
  const { standinEnvironment } = require(join(root, 'build', 'js', 'scripts', 'standin.js')); // of scripts/standin.ts
  for (const [name, value] of Object.entries(standinEnvironment(root))) process.env[name] ??= value;
}

/**
 * The first CUDA device and what it needs, as `devices()` and `stmnet doctor` say.
 *
 * @returns {{ device?: object, reason?: string, parts: object[] }} the device, or why there is none
 */
export function findDevice() {
  const { devices, deviceParts } = require(join(root, 'dist', 'bundle', 'stmnet.js'))('tensor/device');
  const listed = devices();
  const parts = deviceParts();
  const device = listed.find(({ name, available }) => available && name.startsWith('cuda'));
  if (device) return { device, parts };
  const reason = listed.find(({ available }) => !available)?.reason ?? 'devices() lists no CUDA device';
  return { reason, parts };
}

/** Whether a machine without a CUDA device is a failure. */
export const required = () => process.env.STMNET_REQUIRE_CUDA === '1';
