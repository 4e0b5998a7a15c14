// node scripts/gpu/questions.mjs [--standin] [--output=FILE] [--limit=SECONDS] [--each=SECONDS] [--all] [START…]:
// asks cuDNN what its documentation leaves open (test/native/cuda-probe) and writes the answers as JSON,
// build/gpu/questions.json. START is the beginning of names; without any, those are asked whose answers change code or
// choose between two ways, in order of worth, and --all asks the others after them. Each question has a process of its
// own, and an answer is in the report as soon as it is there, so that one that fails, crashes or hangs loses itself
// alone, and whoever ends this script loses nothing.
//   --limit    for all of it together: 100 s, an hour with --all
//   --each     for one question: 10 s, 30 with --all
//   --build    builds the program and stops; with --published for glibc 2.31 or later, whatever this machine has
// Without a device it says why and passes; STMNET_REQUIRE_CUDA=1 makes it fail.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environment, root } from '../toolchain.mjs';
import { buildProbe, probe } from './build-probe.mjs';
import { wheelFolder } from './cuda-folder.mjs';
import { required, useStandin } from './device.mjs';
import { optionsOf } from './options.mjs';
import { objectsIn } from './processes.mjs';
import { writeReport } from './reports.mjs';

const started = Date.now();
const seconds = () => (Date.now() - started) / 1000;

function options() {
  const known = { standin: Boolean, build: Boolean, published: Boolean, all: Boolean };
  const given = optionsOf('questions', { ...known, output: String, limit: Number, each: Number }, { names: true });
  const output = join('build', 'gpu', 'questions.json');
  return { output, limit: given.all ? 3600 : 100, each: given.all ? 30 : 10, ...given };
}

/** The program for the device that is meant, built if need be. */
async function program({ standin, published }) {
  if (!standin) {
    await buildProbe({ published });
    return probe;
  }
  useStandin();
  process.env.STMNET_PROBE_SMALL ??= '1';
  const path = join(root, 'build', 'standin', 'cuda-probe');
  if (!existsSync(path))
    throw new Error(`got no ${path}, expected it beside the stand-in.\n  Fix: npm run build:standin`);
  return path;
}

/** Runs the program until it ends, or to the limit. Each line that it prints goes to `take`, as an object. */
function asked(path, args, env, limit, take) {
  return new Promise((done, failed) => {
    const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    // It ends in time itself, unless a process that it waits for cannot.
    const end = setTimeout(() => child.kill('SIGKILL'), Math.max(0, limit - seconds()) * 1000);
    createInterface({ input: child.stdout }).on('line', (line) => objectsIn(line).forEach(take));
    child.on('error', failed).on('close', () => {
      clearTimeout(end);
      done();
    });
  });
}

const words = ({ failed, outcome, seconds: took }) => failed ?? `${outcome ?? 'answered'}, ${took.toFixed(1)} s`;

async function main(options, path) {
  const wheels = options.standin ? undefined : wheelFolder();
  const env = { ...environment(), ...(wheels ? { STMNET_CUDA_LIBS: wheels } : {}) };
  const chosen = [...(options.all ? ['--all'] : []), ...options.names];
  const listed = spawnSync(path, ['list', ...chosen], { encoding: 'utf8', env });
  if (listed.status !== 0) throw new Error(listed.error?.message ?? listed.stderr.trim());
  const questions = objectsIn(listed.stdout);
  let device;
  const answers = {};
  const save = (quiet) => writeReport(options.output, { device, seconds: seconds(), answers }, { quiet });
  const limit = options.limit - 1; // for what comes after the last answer
  await asked(
    path,
    ['ask', `--limit=${Math.max(0.1, limit - seconds())}`, `--each=${options.each}`, ...chosen],
    env,
    limit + 0.5,
    ({ name, ...answer }) => {
      if (name === 'device') device = answer;
      else answers[name] = answer;
      console.log(`${name}: ${words(answer)}`);
      save(true);
    },
  );
  if (device === undefined || device.failed !== undefined) {
    const reason = device?.failed ?? 'no answer within the limit';
    console.log(`questions: ${required() ? 'failed' : 'skipped'}: ${reason}`);
    writeReport(options.output, { skipped: true, reason });
    return !required();
  }
  for (const { name, ...question } of questions) answers[name] ??= { ...question, failed: 'not asked: out of time' };
  save(false);
  const failed = Object.values(answers).filter((answer) => answer.failed !== undefined).length;
  console.log(`questions: ${questions.length - failed} answered, ${failed} not, ${seconds().toFixed(1)} s`);
  return questions.length > failed;
}

try {
  const given = options();
  const path = await program(given);
  if (given.build) console.log(`questions: ${path} is built`);
  else process.exitCode = (await main(given, path)) ? 0 : 1;
} catch (error) {
  console.error(`questions: ${error.message}`);
  process.exitCode = 1;
}
