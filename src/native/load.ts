import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { NativeBinding } from './binding.generated';
import { packageFolder } from './folders';

/** Where `loadAddon` looks, and for which machine. */
export interface AddonSearch {
  /** The package's root folder. */
  root: string;
  /** As `process.platform`. */
  platform: string;
  /** As `process.arch`. */
  arch: string;
  /** A file that goes before all others; STMNET_ADDON. */
  override?: string | undefined;
}

/** Thrown when no addon could be loaded: lists every place and what was wrong there. */
export class AddonNotFoundError extends Error {
  override readonly name = 'AddonNotFoundError';
  readonly code = 'ERR_STMNET_ADDON_NOT_FOUND';
}

/**
 * Loads the first addon that can be loaded: `override` (STMNET_ADDON), then the local build, then the one that came
 * with the package. One that is there but does not load, say for another C library, is passed over, and named in the
 * error if none of them loads.
 *
 * @returns what the addon exports, and the file it came from
 * @throws {AddonNotFoundError} if none loads
 * @throws {Error} with a code ERR_STM_… from an addon that loads and cannot start
 */
export function loadAddon({ root, platform, arch, override }: AddonSearch): { exports: object; file: string } {
  const prebuilt = join(root, 'prebuilds', `${platform}-${arch}`, 'stmnet.node');
  const candidates = [join(root, 'build', 'Release', 'stmnet.node'), prebuilt];
  if (override !== undefined && override !== '') candidates.unshift(resolve(override));
  const reasons: string[] = [];
  for (const file of candidates) {
    if (!existsSync(file)) {
      reasons.push(`${file}: not there`);
      continue;
    }
    try {
      return { exports: require(file) as object, file };
    } catch (error) {
      if (isStmnetError(error)) throw error;
      reasons.push(`${file}: ${error instanceof Error ? firstLine(error.message) : String(error)}`);
    }
  }
  const cause = existsSync(prebuilt)
    ? 'No native addon could be loaded'
    : `There is no prebuilt native addon for ${platform}-${arch}`;
  throw new AddonNotFoundError(
    `stmnet: ${cause}. Tried, in this order:\n${reasons.map((reason) => `  ${reason}`).join('\n')}\n` +
      '  Fix: in a checkout of the stmnet repository, at the version of this package, run `npm run setup`, which ' +
      'compiles build/Release/stmnet.node on Linux; elsewhere set STMNET_ADDON to that file.',
  );
}

/**
 * Whether the addon was loaded and then refused to start, as it does where the system gives it no thread: no other file
 * would do better.
 */
const isStmnetError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_STM_');

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

const loaded = loadAddon({
  root: packageFolder,
  platform: process.platform,
  arch: process.arch,
  override: process.env['STMNET_ADDON'],
});

/**
 * The addon's functions. A worker gets a queue and handles of its own. Copies of the package in one environment share
 * them, and differ in the classes that their errors are made of: a test runner may load the package anew for each file.
 */
export const binding = (loaded.exports as { instance(): NativeBinding }).instance();

/** The file that `binding` was loaded from; a device plug-in lies beside it. */
export const addonFile = loaded.file;

/**
 * The device plug-in: STMNET_CUDA_PLUGIN, else the one beside the addon. Loaded when a CUDA device is first asked for.
 */
binding.usePlugin(resolve(process.env['STMNET_CUDA_PLUGIN'] || join(dirname(addonFile), 'libstmnet_cuda.so')));

// process.exit() and uncaught errors skip Node-API's environment cleanup hooks on the main thread and go straight to
// C++ static destructors, under a running executor. The 'exit' event comes first.
process.once('exit', () => binding.shutDown());
