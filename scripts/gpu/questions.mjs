// node scripts/gpu/questions.mjs [--standin] [--output=FILE] [--limit=SECONDS] [--build] [QUESTION…]: asks cuDNN what its documentation leaves open
// (test/native/cuda-probe) and writes the answers as JSON, build/gpu/questions.json. Each question has a process of its own, so that one that fails, crashes or
// hangs leaves the others alone. QUESTION is the beginning of a name. With --build it builds the program and stops; --limit is for all of them together. Without
// a device it says why and passes; STMNET_REQUIRE_CUDA=1 makes it fail.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { environment, root, run } from '../toolchain.mjs';
import { cudaFolder, cudaParts, wheelFolder } from './cuda-folder.mjs';
import { required, useStandin, writeReport } from './device.mjs';

const args = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const standin = args.includes('--standin');
const output = option('output') ?? join('build', 'gpu', 'questions.json');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const sources = join(root, 'test', 'native', 'cuda-probe');
const program = join(root, 'build', 'gpu', standin ? 'cuda-probe-standin' : 'cuda-probe');

/** Builds the program unless it is newer than its sources, or there are no tools and it is there. */
function build() {
  const files = readdirSync(sources).map((name) => join(sources, name));
  if (existsSync(program) && files.every((file) => statSync(file).mtimeMs <= statSync(program).mtimeMs)) return;
  mkdirSync(join(root, 'build', 'gpu'), { recursive: true });
  const { includes, runtime } = cudaParts(cudaFolder());
  const folder = join(root, 'build', 'standin');
  if (!standin && runtime === undefined) throw new Error("got no libcudart_static.a beside CUDA's headers, expected the toolkit's.\n  Fix: set CUDA_HOME to a whole toolkit.");
  const libraries = standin ? [`-L${folder}`, '-lcuda_standin', '-Wl,-rpath,$ORIGIN/../standin'] : [runtime, '-lpthread', '-lrt', '-static-libstdc++', '-static-libgcc'];
  run('g++', ['-std=c++20', '-O1', '-o', program, ...includes.flatMap((path) => ['-isystem', path]), ...files.filter((file) => file.endsWith('.cc')), ...libraries, '-ldl']);
}

/** What the program prints and how it ended. */
function ask(name, env, seconds) {
  return new Promise((done) => {
    const started = Date.now();
    const child = spawn(program, [name], { env, timeout: seconds * 1000, killSignal: 'SIGKILL' });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (data) => (text += data));
    child.stderr.on('data', (data) => (errors += data));
    child.on('error', (error) => done({ failed: error.message }));
    child.on('close', (status, signal) => {
      const took = { seconds: (Date.now() - started) / 1000, ...(errors ? { stderr: errors.slice(-1000) } : {}) };
      try {
        done({ ...JSON.parse(text), ...took });
      } catch {
        done({ failed: signal === 'SIGKILL' ? `no answer within ${seconds} s` : `ended with ${signal ?? `exit code ${status}`}`, ...took });
      }
    });
  });
}

/** Everything to ask: determinism also under the two settings that older libraries needed. */
function questionsOf() {
  const lines = spawnSync(program, ['list'], { encoding: 'utf8', env: environment() }).stdout.trim().split('\n');
  const all = lines.map((line) => line.split('\t')).filter(([name]) => name !== 'device' && (wanted.length === 0 || wanted.some((start) => name.startsWith(start))));
  return all.flatMap(([name, about]) => {
    const settings = name.startsWith('determinism') ? [undefined, ':16:8', ':4096:2'] : [undefined];
    return settings.map((workspace) => ({ name, about, key: workspace ? `${name} with CUBLAS_WORKSPACE_CONFIG=${workspace}` : name, env: workspace ? { CUBLAS_WORKSPACE_CONFIG: workspace } : {} }));
  });
}

/** Timings need the device for themselves; of the others several may run at a time. */
const alone = (name) => /^(algorithms|batch-major|per-layer|small-h|dynamic|graph)/.test(name);

async function main() {
  const wheels = standin ? undefined : wheelFolder();
  const base = { ...environment(), ...(wheels ? { STMNET_CUDA_LIBS: wheels } : {}) };
  const device = await ask('device', base, 120);
  if (device.outcome !== 'ok') {
    console.log(`questions: ${required() ? 'failed' : 'skipped'}: ${device.failed}`);
    writeReport(output, { skipped: true, reason: device.failed });
    return !required();
  }
  const answers = {};
  const started = Date.now();
  const left = () => Number(option('limit') ?? 3600) - (Date.now() - started) / 1000;
  const save = () => writeReport(output, { device, seconds: (Date.now() - started) / 1000, answers });
  const answer = async ({ key, name, about, env }) => {
    answers[key] = { about, ...(left() < 5 ? { failed: 'not asked: out of time' } : await ask(name, { ...base, ...env }, Math.min(120, Math.max(5, left())))) };
    console.log(`${key}: ${answers[key].failed ?? answers[key].outcome ?? `answered in ${answers[key].seconds.toFixed(1)} s`}`);
  };
  const questions = questionsOf();
  for (const question of questions.filter(({ name }) => alone(name))) await answer(question);
  save();
  const others = questions.filter(({ name }) => !alone(name));
  const next = async () => {
    for (let question = others.shift(); question; question = others.shift()) await answer(question);
  };
  await Promise.all(Array.from({ length: standin ? 1 : 4 }, next));
  save();
  const failed = Object.values(answers).filter((one) => one.failed !== undefined).length;
  console.log(`questions: ${Object.keys(answers).length - failed} answered, ${failed} not`);
  return Object.keys(answers).length > failed;
}

try {
  if (standin) useStandin();
  build();
  if (args.includes('--build')) console.log(`questions: ${program} is built`);
  else process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(`questions: ${error.message}`);
  process.exitCode = 1;
}
