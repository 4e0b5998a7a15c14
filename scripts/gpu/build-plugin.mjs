// node scripts/gpu/build-plugin.mjs [ARCHITECTURE]: builds libstmnet_cuda.so beside the addon by nvcc alone, for this
// machine's GPU: where there is a CUDA toolkit but nothing else that `npm run build:cuda` needs. ARCHITECTURE is such
// as 90, the default.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, root, sourceHash } from '../toolchain.mjs';
import { cudaFolder, cudaParts } from './cuda-folder.mjs';

const architecture = process.argv[2] ?? '90';
const output = join(root, 'build', 'Release', 'libstmnet_cuda.so');
const objects = join(root, 'build', 'gpu', 'objects');

function build() {
  const { toolkit, includes } = cudaParts(cudaFolder());
  const nvcc = join(toolkit, 'bin', 'nvcc');
  mkdirSync(objects, { recursive: true });
  const hash = join(objects, 'source_hash.cc');
  writeFileSync(
    hash,
    `#include "backend/source_hash.h"\n\nconst char* stmnet_source_hash() { return "${sourceHash()}"; }\n`,
  );
  const folder = join(root, 'native', 'backend', 'cuda');
  const sources = readdirSync(folder, { recursive: true })
    .filter((name) => /\.(cc|cu)$/.test(name))
    .map((name) => join(folder, name))
    .concat(hash);
  const flags = [
    '-O3',
    '-std=c++20',
    '-DNDEBUG',
    '--extended-lambda',
    '--expt-relaxed-constexpr',
    `-gencode=arch=compute_${architecture},code=sm_${architecture}`,
    '-Xcompiler=-fPIC,-fvisibility=hidden,-fvisibility-inlines-hidden',
  ];
  const object = (source) => join(objects, `${source.slice(root.length).replaceAll('/', '_')}.o`);
  const headers = ['-I', join(root, 'native'), ...includes.flatMap((path) => ['-isystem', path])];
  const compile = (source) => [nvcc, ...flags, ...headers, '-c', source, '-o', '$@'].join(' ');
  const rules = sources.map((source) => `${object(source)}: ${source}\n\t${compile(source)}`);
  const linkFlags = [
    `-Xlinker=--version-script=${join(folder, 'plugin.map')}`,
    '-Xcompiler=-static-libstdc++,-static-libgcc',
    '-ldl',
  ];
  const linkAll = [nvcc, '-shared', '-cudart', 'static', '-o', '$@', '$^', ...linkFlags].join(' ');
  const link = `${output}: ${sources.map(object).join(' ')}\n\t${linkAll}`;
  const makefile = join(objects, 'Makefile');
  writeFileSync(makefile, `${link}\n\n${rules.join('\n\n')}\n`);
  execFileSync('make', ['-s', '-f', makefile, `-j${availableParallelism()}`, output], { stdio: 'inherit', cwd: root });
  console.log(`build-plugin: ${output}, ${read('ls', ['-sh', output]).trim().split(' ')[0]}`);
}

try {
  build();
} catch (error) {
  console.error(`build-plugin: ${error.message}`);
  process.exitCode = 1;
}
