// npm run test:package: packs what would be published, looks into it, installs it into an empty folder with neither
// compiler nor install scripts, and uses it there, from CommonJS, ES modules and TypeScript, on every Node.js that is
// supported, and by its command. What it computes with must be the best of this processor. With --gate it does nothing
// unless CI=true.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { addon, binaryFaults, plugin } from '../../scripts/binary.mjs';
import { results } from '../../scripts/bundle.mjs';
import { read, root, run, tool } from '../../scripts/toolchain.mjs';
import { deadLinks } from './links.mjs';
import { processorsBest } from './processor.mjs';
import { useFromShell } from './shell.mjs';

const nodeVersions = [20, 22, 24, 26];
const compilers = ['5.2', '5.9']; // of TypeScript, beside the repository's own
// A platform, packed: what a user downloads. More than half is the CPU's vectors and products for three generations of
// processors, most of the rest the CUDA kernels for three of GPUs; JavaScript is 0.4 MiB, its typings, the charts of
// reports, the pictures of the docs and the example's data are 0.2 to 0.3 MiB each.
const largestTarball = 10 * 2 ** 20;
const folder = join(root, 'build', 'package');
const prebuilds = join('prebuilds', `${process.platform}-${process.arch}`);
const npm = ['--no-audit', '--no-fund', '--loglevel=error'];

/** npm's own program, so that it runs without a shell's PATH. */
const npmProgram =
  process.env.npm_execpath ?? join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
const runNpm = (args, options) => read(process.execPath, [npmProgram, ...args, ...npm], options);

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const expect = (condition, message) => {
  if (!condition) throw new Error(message);
};

function pack() {
  run(process.execPath, ['scripts/build.mjs', 'ts', '--quiet']);
  run(process.execPath, ['scripts/prebuilds.mjs']);
  for (const binary of [addon, plugin]) {
    const faults = binaryFaults(join(root, prebuilds, binary.file), binary);
    expect(faults.length === 0, `${binary.file}: ${faults.join('. ')}`);
  }
  run(process.execPath, ['scripts/check-prebuilds.mjs']);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [{ filename, files, size, unpackedSize }] = JSON.parse(
    runNpm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder]),
  );
  console.log(
    `package: ${filename}: ${mebibytes(size)} packed, ${mebibytes(unpackedSize)} unpacked, ${files.length} files`,
  );
  checkFiles(files.map(({ path }) => path));
  checkLinks(files.map(({ path }) => path));
  expect(size <= largestTarball, `the tarball has ${size} bytes, expected ${largestTarball} at most`);
  return join(folder, filename);
}

function checkFiles(paths) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const targets = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targets));
  const wanted = [
    ...targets(exports),
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'THIRD-PARTY-NOTICES',
    join(prebuilds, addon.file),
    join(prebuilds, plugin.file),
  ];
  for (const path of wanted.map((path) => path.replace(/^\.\//, '')))
    expect(paths.includes(path), `the tarball lacks ${path}`);
  const foreign = paths.filter(
    (path) =>
      /^(src|native|test|scripts|examples|build|node_modules|dist\/examples)\//.test(path) ||
      /\.tsbuildinfo$|\.stamp$/.test(path),
  );
  expect(foreign.length === 0, `the tarball holds ${foreign.join(', ')}, which no user needs`);
  const [given, expected] = [paths, results].map((files) =>
    files
      .filter((file) => /\.[cm]?js$/.test(file))
      .sort()
      .join(),
  );
  expect(
    given === expected,
    `the JavaScript of the tarball is ${given}, expected the bundle and its stubs, ${expected}`,
  );
}

/** Pages that are packed show pictures and lead to pages that are packed, too. */
function checkLinks(paths) {
  const pages = paths.filter((path) => path.endsWith('.md'));
  const texts = Object.fromEntries(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]));
  const has = (path) => paths.some((one) => one === path || one.startsWith(`${path}/`));
  const dead = deadLinks(texts, has);
  expect(dead.length === 0, `the tarball has no file for these links of its pages: ${dead.join(', ')}`);
}

/** The file `path` of a package of npm's, which is kept in .deps/ as far as it is `needed`. */
function fromNpm(name, version, path, needed = '') {
  const place = join(root, '.deps', name, version);
  const file = join(place, 'package', path);
  if (!existsSync(file)) {
    mkdirSync(place, { recursive: true });
    const [{ filename }] = JSON.parse(runNpm(['pack', `${name}@${version}`, '--json', '--pack-destination', place]));
    run('tar', ['-xzf', join(place, filename), '-C', place, join('package', needed)]);
    rmSync(join(place, filename));
  }
  return file;
}

/** Each Node.js, from npm: the package of this platform carries the program itself. */
const nodeProgram = (major) =>
  fromNpm(`node-${process.platform}-${process.arch}`, String(major), join('bin', 'node'), join('bin', 'node'));

/** An empty folder, and in it a `bin` with nothing but node, npm and sh. */
function emptyProject() {
  const project = mkdtempSync(join(tmpdir(), 'stmnet-package-'));
  const bin = join(project, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(npmProgram, join(bin, 'npm'));
  symlinkSync(read('sh', ['-c', 'command -v sh']).trim(), join(bin, 'sh'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(STMNET_|BLIS_|NODE_PATH$|npm_)/i.test(name));
  return { project, env: { ...Object.fromEntries(inherited), PATH: bin } };
}

/** Type-checks the TypeScript consumers against what was installed, and compiles the one that runs. */
function compileConsumer(project) {
  for (const file of ['consumer.mts', 'consumer.cts', 'consumer.cjs', 'consumer.mjs', 'items.cjs', 'items.mjs'])
    copyFileSync(join(root, 'test', 'package', file), join(project, file));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    target: 'es2022',
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    outDir: 'compiled',
    rootDir: '.',
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['consumer.mts', 'consumer.cts'] }),
  );
  read(tool('tsc'), ['-p', project, '--pretty', 'false'], { cwd: project });
}

/**
 * Every declaration is checked, without the types of Node, as several compilers and resolutions of modules see them.
 */
function checkDeclarations(project) {
  const files = ['declarations.mts', 'declarations.cts'];
  for (const file of files) copyFileSync(join(root, 'test', 'package', file), join(project, file));
  const config = join(project, 'tsconfig.json');
  const plain = { strict: true, target: 'es2022', types: [], noEmit: true };
  for (const compiler of [
    ...compilers.map((version) => fromNpm('typescript', version, join('bin', 'tsc'))),
    tool('tsc'),
  ]) {
    const tsc = (...args) => read(process.execPath, [compiler, ...args], { cwd: project }).trim();
    const version = tsc('--version').replace('Version ', '');
    for (const [options, files] of [
      [{ ...plain, module: 'nodenext' }, ['declarations.mts', 'declarations.cts']],
      [{ ...plain, target: 'es2020', module: 'node16' }, ['declarations.mts', 'declarations.cts']], // as README says
      [{ ...plain, module: 'esnext', moduleResolution: 'bundler' }, ['declarations.mts']],
    ]) {
      writeFileSync(config, JSON.stringify({ compilerOptions: options, files }));
      tsc('-p', project, '--pretty', 'false');
    }
    if (!version.startsWith('5.2.')) {
      // whose --init asks for ES2016
      rmSync(config);
      tsc('--init');
      tsc('--noEmit', '--skipLibCheck', 'false', '--pretty', 'false');
    }
    console.log(`package: TypeScript ${version}: the declarations stand by themselves`);
  }
  for (const file of [...files, 'tsconfig.json']) rmSync(join(project, file));
}

function useOn(major, { project, env }) {
  const program = nodeProgram(major);
  const version = read(program, ['--version'], { cwd: project, env }).trim();
  expect(version.startsWith(`v${major}.`), `${program} is ${version}, expected ${major}`);
  const call = (...args) => read(program, args, { cwd: project, env });
  const given = checkDoctor(
    JSON.parse(call(join('node_modules', 'stmnet', 'dist', 'cli', 'main.js'), 'doctor', '--json')),
    project,
  );
  const pairs = [
    ['consumer.cjs', 'consumer.mjs'],
    ['consumer.mjs', 'consumer.cjs'],
    ['compiled/consumer.mjs', 'compiled/consumer.mjs'],
  ];
  for (const [trainer, predictor] of pairs) {
    const trained = predictions(call(trainer, 'train', 'model.safetensors'));
    const loaded = predictions(call(predictor, 'predict', 'model.safetensors'));
    expect(
      trained === loaded,
      `${version}: ${predictor} predicts ${loaded} with the model that ${trainer} saved, expected ${trained}`,
    );
  }
  console.log(
    `package: ${version}: ${given}; trained, saved, loaded and predicted from CommonJS, ES modules and TypeScript`,
  );
}

/**
 * The addon is the package's own and uses the best vectors and matrix kernels of this processor; the CUDA plug-in
 * loads, whether or not there is a GPU: what is missing may be a driver, a library or a device, not the plug-in itself.
 */
function checkDoctor({ addon: file, devices, parts }, project) {
  expect(
    file === join(realpathSync(project), 'node_modules', 'stmnet', prebuilds, addon.file),
    `doctor: got the addon ${file}, expected that of the package`,
  );
  const [cpu, ...others] = devices;
  const { vectors, products } = processorsBest();
  const why = cpu.limit === undefined ? '' : ` (${cpu.limit})`;
  const given = `${cpu.vectors} vectors and ${cpu.products} products${why}`;
  expect(cpu.trial === 'ok', `doctor: the CPU: ${cpu.trial}`);
  expect(
    cpu.vectors === vectors && cpu.products === products,
    `devices(): got ${given}, expected ${vectors} vectors and ${products} products, the best of this processor`,
  );
  const fine = ({ available, reason }) => available || (/Fix: /.test(reason) && !/CUDA plug-in/.test(reason));
  expect(
    others.length > 0 && others.every(fine),
    `devices(): got ${JSON.stringify(devices)}, expected a CUDA device, or what this machine lacks to have one`,
  );
  expect(
    parts.find(({ name }) => name === 'CUDA plug-in')?.found === true,
    `doctor: got ${JSON.stringify(parts)}, expected the CUDA plug-in to be found`,
  );
  return given;
}

/** The scores that a consumer printed in its last line: four utterances, nine speakers. */
function predictions(output) {
  const line = output.trim().split('\n').at(-1) ?? '';
  const scores = JSON.parse(line);
  expect(
    scores.length === 4 && scores.every((row) => row.length === 9 && row.every(Number.isFinite)),
    `got ${line}, expected 4 times 9 scores`,
  );
  return line;
}

/** Nothing that is installed runs a script at that time. */
function checkInstalled(project) {
  const { packages } = JSON.parse(readFileSync(join(project, 'node_modules', '.package-lock.json'), 'utf8'));
  const scripts = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path);
  expect(packages['node_modules/stmnet'] !== undefined, 'npm installed nothing');
  expect(scripts.length === 0, `the packages ${scripts.join(', ')} run scripts when they are installed, expected none`);
  console.log(`package: npm installs ${Object.keys(packages).length} packages, none of them with an install script`);
}

async function testPackage() {
  const started = Date.now();
  const tarball = pack();
  const empty = emptyProject();
  try {
    runNpm(['install', '--ignore-scripts', tarball], { cwd: empty.project, env: empty.env });
    checkInstalled(empty.project);
    checkDeclarations(empty.project);
    compileConsumer(empty.project);
    for (const major of nodeVersions) useOn(major, empty);
    await useFromShell(empty);
  } finally {
    rmSync(empty.project, { recursive: true, force: true });
  }
  console.log(`package: passed in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

try {
  if (process.argv.includes('--gate') && process.env.CI !== 'true')
    console.log('package: left out; with CI=true the gate packs, installs and uses the package too');
  else await testPackage();
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
}
