// npm run test:package: packs what would be published, looks into it, installs it into an empty folder with neither compiler nor install scripts, and
// uses it there, from CommonJS, ES modules and TypeScript, on every Node.js that is supported.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { addon, binaryFaults, plugin } from '../../scripts/binary.mjs';
import { read, root, run, tool } from '../../scripts/toolchain.mjs';

const nodeVersions = [20, 22, 24, 26];
const largestTarball = 8 * 2 ** 20; // a platform, packed: what a user downloads
const folder = join(root, 'build', 'package');
const prebuilds = join('prebuilds', `${process.platform}-${process.arch}`);
const npm = ['--no-audit', '--no-fund', '--loglevel=error'];

/** npm's own program, so that it runs without a shell's PATH. */
const npmProgram = process.env.npm_execpath ?? join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
const runNpm = (args, options) => read(process.execPath, [npmProgram, ...args, ...npm], options);

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
  const [{ filename, files, size, unpackedSize }] = JSON.parse(runNpm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder]));
  console.log(`package: ${filename}: ${(size / 2 ** 20).toFixed(2)} MiB packed, ${(unpackedSize / 2 ** 20).toFixed(1)} MiB unpacked, ${files.length} files`);
  checkFiles(files.map(({ path }) => path));
  expect(size <= largestTarball, `the tarball has ${size} bytes, expected ${largestTarball} at most`);
  return join(folder, filename);
}

function checkFiles(paths) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const targets = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targets));
  const wanted = [...targets(exports), 'README.md', 'CHANGELOG.md', 'LICENSE', 'THIRD-PARTY-NOTICES', join(prebuilds, addon.file), join(prebuilds, plugin.file)];
  for (const path of wanted.map((path) => path.replace(/^\.\//, ''))) expect(paths.includes(path), `the tarball lacks ${path}`);
  const foreign = paths.filter((path) => /^(src|native|test|scripts|examples|build|node_modules|dist\/examples)\//.test(path) || /\.tsbuildinfo$|\.stamp$/.test(path));
  expect(foreign.length === 0, `the tarball holds ${foreign.join(', ')}, which no user needs`);
}

/** Each Node.js, from npm: the package of this platform carries the program itself. Kept in .deps/node/. */
function nodeProgram(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const place = join(root, '.deps', 'node', String(major));
  const program = join(place, 'package', 'bin', 'node');
  if (!existsSync(program)) {
    mkdirSync(place, { recursive: true });
    const [{ filename }] = JSON.parse(runNpm(['pack', `${name}@${major}`, '--json', '--pack-destination', place]));
    run('tar', ['-xzf', join(place, filename), '-C', place, 'package/bin/node']);
    rmSync(join(place, filename));
  }
  return program;
}

/** An empty folder, and in it a `bin` with nothing but node, npm and sh. */
function emptyProject() {
  const project = mkdtempSync(join(tmpdir(), 'stmnet-package-'));
  const bin = join(project, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(npmProgram, join(bin, 'npm'));
  symlinkSync(read('sh', ['-c', 'command -v sh']).trim(), join(bin, 'sh'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(STMNET_|NODE_PATH$|npm_)/i.test(name));
  return { project, env: { ...Object.fromEntries(inherited), PATH: bin } };
}

/** Type-checks the TypeScript consumers against what was installed, and compiles the one that runs. */
function compileConsumer(project) {
  for (const file of ['consumer.mts', 'consumer.cts', 'consumer.cjs', 'consumer.mjs']) copyFileSync(join(root, 'test', 'package', file), join(project, file));
  const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', types: ['node'], typeRoots: [join(root, 'node_modules', '@types')], outDir: 'compiled', rootDir: '.' };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.mts', 'consumer.cts'] }));
  read(tool('tsc'), ['-p', project, '--pretty', 'false'], { cwd: project });
}

function useOn(major, { project, env }) {
  const program = nodeProgram(major);
  const version = read(program, ['--version'], { cwd: project, env }).trim();
  expect(version.startsWith(`v${major}.`), `${program} is ${version}, expected ${major}`);
  const call = (...args) => read(program, args, { cwd: project, env });
  checkDevices(JSON.parse(call('-p', 'JSON.stringify(require("stmnet").devices())')));
  const pairs = [
    ['consumer.cjs', 'consumer.mjs'],
    ['consumer.mjs', 'consumer.cjs'],
    ['compiled/consumer.mjs', 'compiled/consumer.mjs'],
  ];
  for (const [trainer, predictor] of pairs) {
    const trained = predictions(call(trainer, 'train', 'model.safetensors'));
    const loaded = predictions(call(predictor, 'predict', 'model.safetensors'));
    expect(trained === loaded, `${version}: ${predictor} predicts ${loaded} with the model that ${trainer} saved, expected ${trained}`);
  }
  console.log(`package: ${version}: trained, saved, loaded and predicted from CommonJS, ES modules and TypeScript`);
}

/** The CUDA plug-in loads, whether or not there is a GPU: what is missing may be a driver, a library or a device, not the plug-in itself. */
function checkDevices(devices) {
  const cuda = devices.filter(({ name }) => name.startsWith('cuda'));
  const fine = ({ available, reason }) => available || (/Fix: /.test(reason) && !/CUDA plug-in/.test(reason));
  expect(cuda.length > 0 && cuda.every(fine), `devices(): got ${JSON.stringify(devices)}, expected a CUDA device, or what this machine lacks to have one`);
}

/** The scores that a consumer printed in its last line: four utterances, nine speakers. */
function predictions(output) {
  const line = output.trim().split('\n').at(-1) ?? '';
  const scores = JSON.parse(line);
  expect(scores.length === 4 && scores.every((row) => row.length === 9 && row.every(Number.isFinite)), `got ${line}, expected 4 times 9 scores`);
  return line;
}

const started = Date.now();
try {
  const tarball = pack();
  const empty = emptyProject();
  try {
    runNpm(['install', '--ignore-scripts', tarball], { cwd: empty.project, env: empty.env });
    expect(statSync(join(empty.project, 'node_modules', 'stmnet')).isDirectory(), 'npm installed nothing');
    compileConsumer(empty.project);
    for (const major of nodeVersions) useOn(major, empty);
  } finally {
    rmSync(empty.project, { recursive: true, force: true });
  }
  console.log(`package: passed in ${((Date.now() - started) / 1000).toFixed(0)} s`);
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
}
