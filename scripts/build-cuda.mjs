// The CUDA back end, which no machine needs to have to be built (cmake/cuda.cmake says what is made of which sources):
//
//   npm run build:cuda      libstmnet_cuda.so beside the addon, by nvcc
//   npm run build:standin   build/standin/, the same sources on a CUDA that computes on the CPU, for tests
//   build-cuda.mjs gate     what the gate needs: the stand-in, and with CI=true the prebuilds, addon and plug-in as
//   they are published, the plug-in beside the
//                           tree's addon too. Without CI a machine that cannot get CUDA's headers passes, and its CUDA
//                           tests are skipped.
//
// CUDA comes from STMNET_CUDA_ROOT (a toolkit, or a folder made by cuda:sdk); without it from build/cuda-sdk, which
// cuda-sdk.mjs fills. STMNET_CUDA_ARCHS builds for other architectures than those published, as in
// STMNET_CUDA_ARCHS=90-real.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryFaults, plugin } from './binary.mjs';
import { at, configure, current, locked, options, settings } from './build-folder.mjs';
import { makeCudaSdk } from './cuda-sdk.mjs';
import { environment, jobs, run, sourceHash } from './toolchain.mjs';

/** The folder to give CMake as STMNET_CUDA_ROOT; `headers` asks for no compiler. */
function cudaRoot({ headers }) {
  if (process.env.STMNET_CUDA_ROOT) return resolve(process.env.STMNET_CUDA_ROOT);
  const folder = at('build', 'cuda-sdk');
  makeCudaSdk({ folder, headers });
  return folder;
}

/** CMake's options for a folder that also makes the stand-in. @throws {Error} if CUDA's headers are not to be had */
export const standinOptions = () => ['-DSTMNET_STANDIN=ON', `-DSTMNET_CUDA_ROOT=${cudaRoot({ headers: true })}`];

/** Configures `folder` with these options, unless it is. */
export function configureWith(folder, wanted) {
  const cache = readFileSync(at(folder, 'CMakeCache.txt'), 'utf8');
  const has = (option) => {
    const [, name, value] = option.match(/^-D(\w+)=(.*)$/);
    return new RegExp(`^${name}:\\w+=(.*)$`, 'm').exec(cache)?.[1] === value;
  };
  if (wanted.every(has)) return;
  try {
    run('cmake', ['-S', '.', '-B', folder, ...wanted], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    // it holds the options although what they ask for was not made
    rmSync(at(folder, 'CMakeCache.txt'), { force: true });
    throw error;
  }
}

/** Builds build/standin/. */
function buildStandin(cmakeOptions) {
  configure();
  configureWith('build', cmakeOptions);
  run('cmake', ['--build', 'build', '--parallel', jobs, '--target', 'standin']);
}

/**
 * Builds the plug-in in `folder`, unless it is up to date, and copies it to `output`. `published`: for glibc 2.31 or
 * later, against the sysroot in STMNET_SYSROOT (scripts/sysroot).
 */
export function buildPlugin({
  folder = join('build', 'cuda'),
  output = join('build', 'Release', plugin.file),
  published = false,
  env = environment(),
} = {}) {
  const cuda = cudaRoot({ headers: false });
  const architectures = (process.env.STMNET_CUDA_ARCHS ?? '')
    .split(/[\s,;]+/)
    .filter(Boolean)
    .join(';');
  const sdk = join(cuda, 'sdk.json');
  const configuration = JSON.stringify({
    settings,
    cuda,
    sdk: existsSync(sdk) ? readFileSync(sdk, 'utf8') : '',
    architectures,
    published,
  });
  const stamp = `${sourceHash()} ${configuration}`;
  const stampFile = relative('build', `${folder}.stamp`);
  if (current(stampFile, stamp, [output])) return console.log(`build:cuda: ${output} is up to date`);
  const started = Date.now();
  mkdirSync(at(folder), { recursive: true });
  const configured = at(folder, 'configure.stamp');
  if (!existsSync(configured) || readFileSync(configured, 'utf8') !== configuration) {
    for (const old of ['CMakeCache.txt', 'CMakeFiles']) rmSync(at(folder, old), { recursive: true, force: true });
    const toolchain = published ? [`-DCMAKE_TOOLCHAIN_FILE=${at('cmake', 'glibc-2.31.cmake')}`] : [];
    const wanted = [
      ...toolchain,
      '-DSTMNET_CUDA=ON',
      `-DSTMNET_CUDA_ROOT=${cuda}`,
      `-DCMAKE_CUDA_ARCHITECTURES=${architectures}`,
      ...options.map((option) => `-D${option}`),
    ];
    run('cmake', ['-S', '.', '-B', folder, '-DCMAKE_BUILD_TYPE=Release', ...wanted], { env });
    writeFileSync(configured, configuration);
  }
  run('cmake', ['--build', folder, '--parallel', jobs, '--target', 'stmnet_cuda'], { env });
  const built = join(folder, plugin.file);
  const faults = binaryFaults(at(built), { ...plugin, anyGlibc: !published });
  if (faults.length > 0) throw new Error(`${built}: ${faults.join('. ')}.`);
  mkdirSync(join(at(output), '..'), { recursive: true });
  copyFileSync(at(built), at(output));
  writeFileSync(at('build', stampFile), stamp);
  console.log(
    `build:cuda: ${output}, ${(statSync(at(output)).size / 2 ** 20).toFixed(1)} MiB, ` +
      `${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
}

/**
 * What is published, which test:package packs, and its plug-in beside the tree's addon: nvcc compiles it once for both.
 */
function buildPublished() {
  run(process.execPath, ['scripts/prebuilds.mjs']);
  rmSync(at('build', 'cuda.stamp'), { force: true }); // the plug-in there is not the one that build:cuda made
  const published = at('prebuilds', `${process.platform}-${process.arch}`, plugin.file);
  copyFileSync(published, at('build', 'Release', plugin.file));
}

/** What `npm run check` builds. A stand-in that could not be built again must not be tested in its place. */
function gate() {
  if (process.env.CI === 'true') buildPublished();
  let found;
  try {
    found = standinOptions();
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    rmSync(at('build', 'standin'), { recursive: true, force: true });
    configure();
    configureWith('build', ['-DSTMNET_STANDIN=OFF']);
    return console.log(`build:standin: skipped, and with it the CUDA tests: ${error.message}`);
  }
  buildStandin(found);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what = 'plugin'] = process.argv.slice(2);
  try {
    const actions = { plugin: () => buildPlugin(), standin: () => buildStandin(standinOptions()), gate };
    if (!actions[what]) throw new Error(`got '${what}', expected ${Object.keys(actions).join(', ')}.`);
    await locked(actions[what]);
  } catch (error) {
    console.error(`${what === 'standin' ? 'build:standin' : 'build:cuda'}: ${error.message}`);
    process.exitCode = 1;
  }
}
