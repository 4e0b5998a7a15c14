// npm run prebuilds: makes prebuilds/<platform>-<arch>/, what is published: stmnet.node, the addon, and beside it
// libstmnet_cuda.so, the CUDA plug-in; both stripped, for glibc 2.31 or later. Those that are there and were built from
// these sources, here with these options or elsewhere, are kept.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addon, plugin } from './binary.mjs';
import { buildPlugin } from './build-cuda.mjs';
import { options } from './build-folder.mjs';
import { prebuildsFault } from './check-prebuilds.mjs';
import { environment, root, run, sourceHash, tool } from './toolchain.mjs';

const folder = join('prebuilds', `${process.platform}-${process.arch}`);
const stampFile = join(root, 'build', 'prebuilds.stamp');

/** What they are built from, and how. */
function wantedStamp() {
  const sysroot = createHash('sha256')
    .update(readFileSync(join(root, 'scripts', 'sysroot')))
    .digest('hex');
  return `${sourceHash()} ${options.join(' ')} ${process.env.STMNET_CUDA_ARCHS ?? ''} ${sysroot}`;
}

function build() {
  const started = Date.now();
  const deps = join(root, '.deps', 'glibc-2.31');
  run('sh', ['scripts/sysroot', deps]);
  const stage = join(root, 'build', 'prebuild-stage');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(stage, 'package.json'));
  const env = { ...environment(), STMNET_SYSROOT: join(deps, 'sysroot') };
  buildPlugin({
    folder: join('build', 'prebuild-cuda'),
    output: join('build', 'prebuild', 'Release', plugin.file),
    published: true,
    env,
  });
  rmSync(join(root, folder), { recursive: true, force: true });
  run(
    tool('prebuildify'),
    [
      '--cwd',
      stage,
      '--out',
      root,
      '--napi',
      '--strip',
      '--target',
      process.versions.node,
      '--node-gyp',
      join(root, 'scripts', 'prebuild-gyp.mjs'),
    ],
    { env },
  );
  for (const { file } of [addon, plugin]) {
    const path = join(folder, file);
    console.log(`prebuilds: ${path}, ${(statSync(join(root, path)).size / 2 ** 20).toFixed(1)} MiB`);
  }
  console.log(`prebuilds: built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

try {
  if (process.platform !== 'linux')
    throw new Error(`got ${process.platform}, expected linux: published addons are built for Linux only so far.`);
  const stamp = wantedStamp();
  const alike = !existsSync(stampFile) || readFileSync(stampFile, 'utf8') === stamp;
  if (alike && prebuildsFault() === undefined) console.log(`prebuilds: ${folder} is up to date`);
  else {
    rmSync(stampFile, { force: true });
    build();
    writeFileSync(stampFile, stamp);
  }
} catch (error) {
  console.error(`prebuilds: ${error.message}`);
  process.exitCode = 1;
}
