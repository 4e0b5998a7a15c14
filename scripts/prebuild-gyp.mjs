#!/usr/bin/env node
// prebuildify calls this as if it were node-gyp, `rebuild --target=… --arch=… --release`, in the folder that it will
// take build/Release/*.node from. Builds with cmake-js in build/prebuild, so that the local build stays what it is, and
// lays the result there. prebuildify takes shared libraries beside it too: the CUDA plug-in, which prebuilds.mjs has
// built.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addon, plugin } from './binary.mjs';
import { jobs, root, run, tool } from './toolchain.mjs';

const arch = process.argv.find((arg) => arg.startsWith('--arch='))?.slice('--arch='.length);
const out = join(root, 'build', 'prebuild');
const options = (process.env.STMNET_CMAKE ?? '').split(/\s+/).filter(Boolean);
run(tool('cmake-js'), [
  'configure',
  '--out',
  out,
  ...(arch ? ['--arch', arch] : []),
  `--CDCMAKE_TOOLCHAIN_FILE=${join(root, 'cmake', 'glibc-2.31.cmake')}`,
  ...options.map((option) => `--CD${option}`),
]);
run('cmake', ['--build', out, '--parallel', jobs]);
const target = join(process.cwd(), 'build', 'Release');
mkdirSync(target, { recursive: true });
for (const { file } of [addon, plugin]) copyFileSync(join(out, 'Release', file), join(target, file));
