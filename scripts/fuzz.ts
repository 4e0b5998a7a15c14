// npm run fuzz -- [--calls N] [--seed S] [--mode public|raw|checked|all] [--chunk N] [--device cuda-standin]: makes
// random calls in child processes.
//
//   public   the public API with right and wrong arguments, on tensors in any state: an error must be one of stmnet's,
//            and the process goes on
//   raw      the native op table with ids of living and dead tensors: the process goes on
//   checked  calls whose results and gradients are compared with a plain evaluation in f64
//
// A child makes `chunk` calls from a seed of its own, S, S + 1, …: `--mode M --seed S --calls CHUNK` repeats one. Exits
// with 1 if a child crashed, hung, leaked, computed something wrong or threw what is no error of stmnet's.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addReport, emptyReport, type Finding, type Report } from './fuzz/report';
import { noteBytes, noteSlots, type ChildTask } from './fuzz/task';
import { standinEnvironment } from './standin';

const modes = ['public', 'raw', 'checked'] as const;
/** A child that makes no progress for so long hangs. */
const patience = 120_000;

interface Settings {
  calls: number;
  seed: number;
  chunk: number;
  modes: readonly ChildTask['mode'][];
  device: ChildTask['device'];
  environment: NodeJS.ProcessEnv;
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(
    `got --${name} ${text}, expected a whole number of ${least} or more.\n` +
      `  Fix: npm run fuzz -- --${name} ${Math.max(least, 1000)}`,
  );
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      chunk: { type: 'string', default: '2000' },
      mode: { type: 'string', default: 'all' },
      device: { type: 'string', default: 'cpu' },
    },
  });
  const chosen = modes.filter((mode) => values.mode === 'all' || values.mode === mode);
  if (chosen.length === 0)
    throw new Error(
      `got --mode ${values.mode}, expected ${modes.join(', ')} or all.\n  Fix: npm run fuzz -- --mode checked`,
    );
  const standin = values.device === 'cuda-standin';
  if (!standin && values.device !== 'cpu')
    throw new Error(`got --device ${values.device}, expected cpu or cuda-standin.\n  Fix: leave it out`);
  return {
    calls: wholeNumber('calls', values.calls, 1),
    seed: wholeNumber('seed', values.seed, 0),
    chunk: wholeNumber('chunk', values.chunk, 1),
    modes: chosen,
    device: standin ? 'cuda' : 'cpu',
    environment: { ...process.env, ...(standin ? standinEnvironment(join(__dirname, '..', '..', '..')) : {}) },
  };
}

/** The latest calls of a child that is gone. */
function lastCalls(notes: string): string {
  const text = readFileSync(notes, 'latin1');
  const slots = Array.from({ length: noteSlots }, (_, slot) =>
    text
      .slice(slot * noteBytes, (slot + 1) * noteBytes)
      .replaceAll('\0', '')
      .trim(),
  );
  return slots
    .filter(Boolean)
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .slice(-4)
    .join('\n      ');
}

/** Runs one child to its end, whatever that is. */
async function runChild(task: ChildTask, environment: NodeJS.ProcessEnv): Promise<Report> {
  const child = fork(join(__dirname, 'fuzz', 'child.js'), [JSON.stringify(task)], {
    execArgv: ['--expose-gc'],
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let report: Report | undefined;
  let errors = '';
  let hung = false;
  const kill = (): void => {
    hung = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(kill, patience);
  child.stderr?.on('data', (part: Buffer) => (errors = `${errors}${part.toString()}`.slice(-4000)));
  child.on('message', (message: { report?: Report }) => {
    clearTimeout(timer);
    timer = setTimeout(kill, patience);
    report ??= message.report;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) =>
    child.on('exit', (...end) => done(end)),
  );
  clearTimeout(timer);
  if (report !== undefined && code === 0) return report;
  const kind: Finding['kind'] = hung ? 'hang' : 'crash';
  const text =
    `${hung ? `no progress for ${patience / 1000} s` : `ended with ${signal ?? code}`} after\n` +
    `      ${lastCalls(task.notes)}\n` +
    `    ${errors.trim().replaceAll('\n', '\n    ')}`;
  return { ...emptyReport(), findings: [{ kind, text, call: 0 }] };
}

const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)} %`;

function printReport(mode: string, { calls, ends, reads, compared, findings }: Report, seconds: number): void {
  const { fine = 0, ...errors } = ends;
  const { fine: readFine = 0, ...readErrors } = reads;
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, times]) => `${times} ${name}`)
      .join(', ') || 'none';
  console.log(
    `${mode}: ${calls} calls in ${seconds.toFixed(0)} s, ${fine} fine (${percent(fine, calls)}); ` +
      `errors: ${list(errors)}`,
  );
  if (readFine > 0) console.log(`  reads: ${readFine} fine; errors: ${list(readErrors)}`);
  if (compared > 0) console.log(`  compared with the plain evaluation: ${compared}`);
  console.log(`  findings: ${findings.length}`);
}

async function main(): Promise<boolean> {
  const settings = readSettings();
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-fuzz-'));
  let found = 0;
  for (const mode of settings.modes) {
    const started = performance.now();
    const whole = emptyReport();
    const share = Math.ceil(settings.calls / settings.modes.length);
    for (let made = 0, child = 0; made < share; made += settings.chunk, child++) {
      const task: ChildTask = {
        mode,
        seed: settings.seed + child,
        calls: Math.min(settings.chunk, share - made),
        device: settings.device,
        notes: join(folder, `${mode}-${child}`),
      };
      const report = await runChild(task, settings.environment);
      for (const { kind, text, call } of report.findings)
        console.log(`  ${kind} (--mode ${mode} --seed ${task.seed} --calls ${task.calls}, call ${call}):\n    ${text}`);
      addReport(whole, report);
    }
    found += whole.findings.length;
    printReport(mode, whole, (performance.now() - started) / 1000);
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(found === 0 ? 'fuzz: nothing found' : `fuzz: ${found} findings`);
  return found === 0;
}

main().then(
  (fine) => {
    process.exitCode = fine ? 0 : 1;
  },
  (error: unknown) => {
    console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
