// npm run prebuilds: makes prebuilds/<platform>-<arch>/stmnet.node, the addon that is published: stripped, for glibc 2.31 or later.
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
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
  run(tool('prebuildify'), ['--cwd', stage, '--out', root, '--napi', '--strip', '--target', process.versions.node, '--node-gyp', join(root, 'scripts', 'prebuild-gyp.mjs')], { env });
  const file = join('prebuilds', `${process.platform}-${process.arch}`, 'stmnet.node');
  console.log(`prebuilds: ${file}, ${(statSync(join(root, file)).size / 2 ** 20).toFixed(1)} MiB`);
} catch (error) {
  console.error(`prebuilds: ${error.message}`);
  process.exitCode = 1;
}
