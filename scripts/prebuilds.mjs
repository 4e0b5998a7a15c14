// npm run prebuilds: makes prebuilds/<platform>-<arch>/, what is published: stmnet.node, the addon, and beside it libstmnet_cuda.so, the CUDA plug-in; both
// stripped, for glibc 2.31 or later.
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addon, plugin } from './binary.mjs';
import { buildPlugin } from './build-cuda.mjs';
import { environment, root, run, tool } from './toolchain.mjs';

try {
  if (process.platform !== 'linux') throw new Error(`got ${process.platform}, expected linux: published addons are built for Linux only so far.`);
  const deps = join(root, '.deps', 'glibc-2.31');
  run('sh', ['scripts/sysroot', deps]);
  const stage = join(root, 'build', 'prebuild-stage');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(stage, 'package.json'));
  const env = { ...environment(), STMNET_SYSROOT: join(deps, 'sysroot') };
  buildPlugin({ folder: join('build', 'prebuild-cuda'), output: join('build', 'prebuild', 'Release', plugin.file), published: true, env });
  rmSync(join(root, 'prebuilds', `${process.platform}-${process.arch}`), { recursive: true, force: true });
  run(tool('prebuildify'), ['--cwd', stage, '--out', root, '--napi', '--strip', '--target', process.versions.node, '--node-gyp', join(root, 'scripts', 'prebuild-gyp.mjs')], { env });
  for (const { file } of [addon, plugin]) {
    const path = join('prebuilds', `${process.platform}-${process.arch}`, file);
    console.log(`prebuilds: ${path}, ${(statSync(join(root, path)).size / 2 ** 20).toFixed(1)} MiB`);
  }
} catch (error) {
  console.error(`prebuilds: ${error.message}`);
  process.exitCode = 1;
}
