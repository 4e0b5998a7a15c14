// npm run bench:peers [-- --help]: puts what stmnet is compared with into build/peers, where npm run bench finds it: a
// virtual environment of Python with PyTorch, Keras, JAX and onnx, and node/ with onnxruntime-node and TensorFlow.js.
// What the machine's Python has of the right version is used, not installed again. PyTorch is downloaded with all that
// pip finds; where an index of builds for the CPU is known, PIP_EXTRA_INDEX_URL makes it ten times smaller.
// STMNET_PYTHON names the Python that makes the environment.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsOf } from './gpu/options.mjs';
import { root } from './toolchain.mjs';

const folder = join(root, 'build', 'peers');

/** Versions that figures are given for; any where none stands. */
const python = { torch: '2.13.0', onnx: '1.23.1', keras: undefined, jax: undefined, numpy: undefined };
const node = {
  'onnxruntime-node': '1.30.0',
  '@tensorflow/tfjs': '4.22.0',
  '@tensorflow/tfjs-backend-wasm': '4.22.0',
};

/** Runs a command and shows what it says. @throws {Error} if it fails */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `ended with exit code ${status}`}`);
}

function makePython() {
  const own = join(folder, 'bin', 'python');
  if (!existsSync(own))
    run(process.env['STMNET_PYTHON'] ?? 'python3', ['-m', 'venv', '--system-site-packages', folder]);
  const wanted = Object.entries(python).map(([name, version]) =>
    version === undefined ? name : `${name}==${version}`,
  );
  run(own, ['-m', 'pip', 'install', '--quiet', ...wanted]);
}

function makeNode() {
  const place = join(folder, 'node');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'package.json'),
    `${JSON.stringify({ private: true, dependencies: node }, undefined, 2)}\n`,
  );
  // Scripts of onnxruntime-node download its CUDA libraries; those for the CPU are in the package.
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: place });
}

function install() {
  makePython();
  makeNode();
  console.log(`bench:peers: ${folder} has what npm run bench compares with`);
}

const listed = (packages) =>
  Object.entries(packages)
    .map(([name, version]) => (version === undefined ? name : `${name} ${version}`))
    .join(', ');

const usage = `npm run bench:peers
  puts what npm run bench compares with into ${folder}; takes about 5 minutes and 1.1 GB:
  a virtual environment of Python with ${listed(python)},
  and node/ with ${listed(node)}.
  What the machine's Python has of the right version is used, not installed again.
    STMNET_PYTHON        the Python that makes the environment; python3 if left out
    PIP_EXTRA_INDEX_URL  an index of builds of PyTorch for the CPU, which are ten times smaller`;

const { help } = optionsOf('bench:peers', { help: Boolean });
try {
  if (help) console.log(usage);
  else install();
} catch (error) {
  console.error(`bench:peers: ${error.message}`);
  process.exitCode = 1;
}
