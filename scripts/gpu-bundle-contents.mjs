// What is in the bundle of `npm run gpu:bundle`, apart from Node.js and the packages.
import { join } from 'node:path';
import { addon, plugin } from './binary.mjs';

/** What of the repository goes along. */
export const parts = [
  'package.json',
  'LICENSE',
  'tsconfig.json',
  'vitest.config.mts',
  'vitest.gpu.config.mts',
  'CMakeLists.txt',
  'cmake',
  'native',
  'src',
  'dist',
  'scripts/toolchain.mjs',
  'scripts/toolchain.d.mts',
  'scripts/standin.ts',
  'scripts/gpu',
  'scripts/bench',
  'scripts/golden',
  'test/golden.test.ts',
  'test/golden',
  'test/gpu',
  'test/support',
  'test/tensor',
  'test/layers',
  'test/losses',
  'test/optimizers',
  'test/training',
  'test/guide',
  'test/native/cuda-probe',
  'build/js',
];

/** Where the binaries are as they are published. Those in build/Release are for this machine alone. */
export const prebuilds = join('prebuilds', `${process.platform}-${process.arch}`);

/** Binaries, and where the bundle has them. `sources`: the plug-in stays out. */
export const binariesOf = ({ sources = false } = {}) => ({
  [join(prebuilds, addon.file)]: join('build', 'Release', addon.file),
  [join('build', 'gpu', 'cuda-probe')]: join('build', 'gpu', 'cuda-probe'),
  ...(sources ? {} : { [join(prebuilds, plugin.file)]: join('build', 'Release', plugin.file) }),
});

/** What the archive may have at most. */
const limitMiB = 52;

/** Why it is too large; undefined if it is not. */
export const sizeFault = (size) =>
  size > limitMiB ? `the archive has ${size.toFixed(1)} MiB, expected at most ${limitMiB}.` : undefined;
