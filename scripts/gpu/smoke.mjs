// node --expose-gc scripts/gpu/smoke.mjs [--standin] [--output=FILE] [--limit=SECONDS] [--tiny]: does the first CUDA
// device compute, capture and tune? A minute of questions about everything (smoke-rows.mjs), beside the CPU's answers,
// to know whether the rest is worth running. Writes build/gpu/smoke.json after each row, and prints one table. Each
// group of rows has a process of its own: one that crashes, hangs or loses the device costs the row, and the group goes
// on after it. --tiny runs a few small rows in this process, for compute-sanitizer.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findDevice, required, useStandin } from './device.mjs';
import { optionsOf } from './options.mjs';
import { writeReport } from './reports.mjs';

const known = { standin: Boolean, tiny: Boolean, output: String, limit: Number };
const given = optionsOf('smoke', { ...known, group: String, first: String }); // those two: to its children
const { standin = false, tiny = false, output = join('build', 'gpu', 'smoke.json'), limit = 3600 } = given;
const started = performance.now();
const secondsLeft = () => limit - (performance.now() - started) / 1000;
const patience = 20; // seconds for one row

/** Runs a row. @returns its finding; `failed` if it threw */
async function found({ name, run }) {
  const begun = performance.now();
  const took = () => ({ seconds: Math.round(performance.now() - begun) / 1000 });
  try {
    return { name, outcome: 'ok', ...(await run()), ...took() };
  } catch (error) {
    return { name, outcome: 'failed', detail: error.message, ...took() };
  } finally {
    globalThis.gc?.();
  }
}

/** Tells the parent. What is printed is not for it: libraries print there too. */
const tell = (message) => new Promise((done) => process.send(message, done));

/** The child: says before each row, from row `first` on, that it begins, and after it what was found. */
async function answer(rows, first) {
  const { usable } = await import('./smoke-rows.mjs');
  for (const row of rows.slice(first)) {
    await tell({ begun: row.name });
    const finding = await found(row);
    await tell(finding);
    // The rows that are left run in another process.
    if (finding.outcome === 'failed' && !(await usable().catch(() => false))) process.exit(1);
  }
  process.exit(0);
}

/**
 * Asks a child for the rows of a group from `first` on.
 *
 * @returns how many it answered, the one that it ended in included
 */
function ask(group, index, first, add) {
  return new Promise((done) => {
    const env = { ...process.env, STMNET_NUM_THREADS: '2', ...group.env };
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        fileURLToPath(import.meta.url),
        `--group=${index}`,
        `--first=${first}`,
        ...(standin ? ['--standin'] : []),
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    );
    let [answered, row, printed, late] = [0, undefined, '', false];
    let clock;
    const wait = () => {
      clearTimeout(clock);
      clock = setTimeout(
        () => child.kill('SIGKILL') && (late = true),
        Math.max(0.1, Math.min(patience, secondsLeft())) * 1000,
      );
    };
    wait();
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (printed = (printed + text).slice(-2000)));
    child.on('message', (said) => {
      wait();
      if (said.begun !== undefined) return void (row = said.begun);
      row = undefined;
      answered += 1;
      add(group, said);
    });
    child.on('close', (status, signal) => {
      clearTimeout(clock);
      const tooLate = secondsLeft() <= 0.2 ? 'no time was left' : `no answer within ${patience} s`;
      const ended = late ? tooLate : `the process ended with ${signal ?? `exit code ${status}`}`;
      const unanswered = group.rows[first + answered];
      if (unanswered !== undefined && (row !== undefined || answered === 0)) {
        add(group, {
          name: unanswered.name,
          outcome: late && secondsLeft() <= 0.2 ? 'not reached' : 'failed',
          detail: `${ended}${printed ? `: ${printed.trim().split('\n').at(-1)}` : ''}`,
        });
        answered += 1;
      }
      done(answered);
    });
  });
}

/** Lines up the findings, group after group. */
function table(findings) {
  const width = Math.max(...findings.map(({ group, name }) => `${group}: ${name}`.length));
  for (const { group, name, outcome, detail = '' } of findings)
    console.log(`${`${group}: ${name}`.padEnd(width)}  ${outcome.padEnd(11)}  ${detail.replaceAll(/\s*\n\s*/g, ' ')}`);
}

async function everything(device, parts) {
  const { groupsOf } = await import('./smoke-rows.mjs');
  const groups = groupsOf(standin);
  const tuning = mkdtempSync(join(tmpdir(), 'stmnet-smoke-'));
  const findings = [];
  const save = () =>
    writeReport(output, { device, parts, seconds: (performance.now() - started) / 1000, findings }, { quiet: true });
  const add = (group, finding) => {
    findings.push({ group: group.name, ...finding });
    save();
  };
  const through = async (group) => {
    if (group.alone) group.env.STMNET_CACHE_DIR = tuning;
    for (let next = 0; next < group.rows.length;) {
      if (secondsLeft() > 1) next += await ask(group, groups.indexOf(group), next, add);
      else add(group, { name: group.rows[next++].name, outcome: 'not reached' });
    }
  };
  const together = groups.filter(({ alone }) => !alone);
  const worker = async () => {
    for (let group = together.shift(); group; group = together.shift()) await through(group);
  };
  await Promise.all(Array.from({ length: 3 }, worker));
  for (const group of groups.filter(({ alone }) => alone)) await through(group);
  rmSync(tuning, { recursive: true });
  findings.sort(
    (a, b) => groups.findIndex(({ name }) => name === a.group) - groups.findIndex(({ name }) => name === b.group),
  );
  save();
  return findings;
}

async function fewSmall(device) {
  const { tinyRows } = await import('./smoke-rows.mjs');
  const findings = [];
  for (const row of tinyRows()) {
    if (secondsLeft() <= 1) findings.push({ name: row.name, outcome: 'not reached' });
    else findings.push(await found(row));
    console.log(JSON.stringify(findings.at(-1)));
  }
  console.log(`smoke: on ${device.model ?? device.name}`);
  return findings.map((finding) => ({ group: 'tiny', ...finding }));
}

async function main() {
  if (given.group !== undefined) {
    const { groupsOf } = await import('./smoke-rows.mjs');
    return answer(groupsOf(standin)[Number(given.group)].rows, Number(given.first));
  }
  const { device, reason, parts } = findDevice();
  if (device === undefined) {
    writeReport(output, { skipped: true, reason, parts });
    console.log(`smoke: ${required() ? 'failed' : 'skipped'}: no CUDA device: ${reason}`);
    process.exitCode = required() ? 1 : 0;
    return;
  }
  const findings = tiny ? await fewSmall(device) : await everything(device, parts);
  if (!tiny) table(findings);
  const count = (outcome) => findings.filter((one) => one.outcome === outcome).length;
  const outcomes = ['ok', 'refused', 'no graph', 'untuned', 'failed', 'not reached'];
  const counts = outcomes.map((outcome) => `${count(outcome)} ${outcome}`);
  console.log(`smoke: ${findings.length} rows: ${counts.join(', ')}`);
  process.exitCode = count('failed') + count('not reached') > 0 ? 1 : 0;
}

if (standin) useStandin();
await main();
