// npm run build [-- native|ts] [--quiet]: builds what is out of date, the addon by cmake-js and the JavaScript by tsc
// and esbuild (bundle.mjs).
// Options of CMake: the variable STMNET_CMAKE, as in STMNET_CMAKE="STMNET_SANITIZE=address". The CUDA plug-in is built
// by build-cuda.mjs.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { at, configure, current, locked, settings } from './build-folder.mjs';
import { makeBundle, modulesFolder, results } from './bundle.mjs';
import { makeReportClient } from './report-client.mjs';
import { jobs, read, root, run, sourceHash, tool } from './toolchain.mjs';

const quiet = process.argv.includes('--quiet');
const part = process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? 'all';
const say = (line) => quiet || console.log(line);

/** Files below `folder` whose name fits, as paths relative to the root, sorted. */
function filesBelow(folder, fits) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && fits(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function buildNative() {
  const stamp = `${sourceHash()} ${settings}`;
  const addon = 'build/Release/stmnet.node';
  if (current('native.stamp', stamp, [addon])) return say('build: the addon is up to date');
  configure();
  run('cmake', ['--build', 'build', '--parallel', jobs]);
  writeFileSync(at('build', 'native.stamp'), stamp);
}

/**
 * Compiles one project; deletes what an earlier run left in its folders for sources that are gone. Returns whether it
 * had no errors.
 */
function compile({ project, options = [], folders, keep = () => false }) {
  let output = '';
  let fine = true;
  try {
    output = read(tool('tsc'), ['-p', project, ...options, '--listEmittedFiles', '--pretty', 'false']);
  } catch (error) {
    fine = false;
    output = error.message;
    console.error(output.replace(/^TSFILE:.*\n/gm, ''));
  }
  const emitted = new Set([...output.matchAll(/^TSFILE:\s*(.*)$/gm)].map(([, file]) => relative(root, file.trim())));
  const made = (name) => /\.(c|m)?js$|\.d\.(c|m)?ts$/.test(name);
  for (const file of folders.flatMap((folder) => filesBelow(folder, made))) {
    if (fine && !emitted.has(file) && !keep(file)) rmSync(at(file));
  }
  return fine;
}

const dataFile = (name) => /\.(bin|gz|safetensors|txt|md)$/.test(name);

async function buildTypeScript() {
  const projects = [
    {
      project: 'tsconfig.json',
      sources: 'src',
      options: ['--outDir', modulesFolder, '--declarationDir', 'dist'],
      folders: [modulesFolder, 'dist'],
      keep: (file) => file.startsWith('dist/examples/') || results.includes(file),
    },
    { project: 'src/report/client/tsconfig.json', sources: 'src/report/client', folders: [] }, // checked; bundled below
    { project: 'examples/tsconfig.json', sources: 'examples', folders: ['dist/examples'] },
    { project: 'scripts/tsconfig.json', sources: 'scripts', folders: ['build/js'] },
  ];
  const hash = createHash('sha256');
  const inputs = [
    ...projects.flatMap(({ project, sources }) => [
      project,
      ...filesBelow(sources, (name) => /\.(m?ts|css)$/.test(name) || dataFile(name)),
    ]),
    'scripts/build.mjs',
    'scripts/bundle.mjs',
    'scripts/report-client.mjs',
    'package.json',
    'package-lock.json',
  ];
  for (const file of inputs)
    hash
      .update(`${file}\0`)
      .update(readFileSync(at(file)))
      .update('\0');
  const stamp = hash.digest('hex');
  if (current('typescript.stamp', stamp, results)) return say('build: the JavaScript is up to date');
  let fine = true;
  for (const project of projects) {
    if (filesBelow(project.sources, (name) => /\.m?ts$/.test(name)).length > 0) fine = compile(project) && fine;
    if (project.sources === 'src' && fine) await finishPackage();
  }
  if (!fine) throw new Error('tsc found errors, listed above.');
  writeFileSync(at('build', 'typescript.stamp'), stamp);
}

/** What tsc does not make: the bundle with its stubs, the program of reports, and the data files. */
async function finishPackage() {
  const modules = filesBelow(modulesFolder, (name) => name.endsWith('.js'));
  await makeBundle(modules.map((file) => file.slice(modulesFolder.length + 1, -'.js'.length)));
  await makeReportClient();
  for (const file of filesBelow('src', dataFile)) {
    const target = at(file.replace(/^src/, 'dist'));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(at(file), target);
  }
}

try {
  if (!['all', 'native', 'ts'].includes(part)) throw new Error(`got '${part}', expected native, ts or nothing (both).`);
  await locked(async () => {
    if (part !== 'ts') buildNative();
    if (part !== 'native') await buildTypeScript();
  }, say);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
