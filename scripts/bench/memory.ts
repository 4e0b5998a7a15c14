import { fork } from 'node:child_process';
import { join } from 'node:path';
import { listOf, wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { loopNames, type LoopName, type LoopReport, type Marks, type Resident } from './memory-loops';

const limitBytesPerStep = 512;

/** Whether memory is flat while a small tagger trains, each loop in a process of its own. */
export const memoryGrowth: Benchmark = {
  summary:
    'live bytes and handles after a few and after many training steps, which must be equal; ' +
    `then neither RSS outside V8's heap nor live JavaScript may grow by ${limitBytesPerStep} bytes a step`,
  options: {
    loops: { type: 'string', default: loopNames.join(','), description: 'which loops' },
    few: { type: 'string', default: '200', description: 'steps before the first look' },
    many: { type: 'string', default: '5000', description: 'steps before the second look' },
    end: { type: 'string', default: '20000', description: 'steps up to which the process is watched from there' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const loops = listOf<LoopName>(values, 'loops', loopNames);
  const few = wholeNumber(values, 'few');
  const many = wholeNumber(values, 'many', few + 1);
  const end = wholeNumber(values, 'end', many + 1);
  const reports: { loop: LoopName; report: LoopReport; growth: Resident; faults: string[] }[] = [];
  for (const loop of loops) {
    const report = await inChild(loop, { few, many, end });
    const { residentAtMany: from, residentAtEnd: to } = report;
    const growth = {
      outsideHeap: (to.outsideHeap - from.outsideHeap) / (end - many),
      heapLive: (to.heapLive - from.heapLive) / (end - many),
    };
    reports.push({ loop, report, growth, faults: faultsOf(report, growth) });
  }
  const shown = {
    title: '',
    header: [
      'loop',
      `bytes at ${few}`,
      `at ${many}`,
      `handles at ${few}`,
      `at ${many}`,
      `RSS outside V8, KB at ${many}`,
      `at ${end}`,
      'B a step',
      `live JS, KB at ${many}`,
      `at ${end}`,
      'B a step',
      'peak KB',
      'by GC',
      'ms a step',
    ],
    rows: reports.map(({ loop, report, growth }) => [
      loop,
      ...[report.few.usedBytes, report.many.usedBytes, report.few.handles, report.many.handles].map(String),
      ...(['outsideHeap', 'heapLive'] as const).flatMap((part) => [
        ...[report.residentAtMany, report.residentAtEnd].map((bytes) => (bytes[part] / 1024).toFixed(0)),
        growth[part].toFixed(0),
      ]),
      (report.peakBytes / 1024).toFixed(0),
      String(report.collectedByGc),
      report.stepMs.toFixed(2),
    ]),
    note: '',
  };
  const loopFigures = reports.map(({ loop, report, growth }) => [loop, { ...report, growth }] as const);
  return {
    tables: [shown],
    figures: { few, many, end, loops: Object.fromEntries(loopFigures) },
    goals: reports.map(({ loop, faults }) => ({
      text: `memory is flat in the loop ${loop}`,
      got: faults.length === 0 ? 'it is' : faults.join('; '),
      held: faults.length === 0,
    })),
  };
}

function faultsOf({ few, many, collectedByGc, tidies }: LoopReport, growth: Resident): string[] {
  const faults: string[] = [];
  if (few.usedBytes !== many.usedBytes) faults.push('live bytes differ');
  if (few.handles !== many.handles) faults.push('handles differ');
  if (growth.outsideHeap >= limitBytesPerStep) faults.push("RSS outside V8's heap grows");
  if (growth.heapLive >= limitBytesPerStep) faults.push('live JavaScript grows');
  if (tidies && collectedByGc > 0) faults.push('left tensors to the garbage collector');
  return faults;
}

/** Runs one loop in a process of its own, so that no other has warmed its heap. */
function inChild(loop: LoopName, { few, many, end }: Marks): Promise<LoopReport> {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, 'memory-child.js'), [loop, String(few), String(many), String(end)], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let report: LoopReport | undefined;
    child.on('message', (message) => (report = message as LoopReport));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (report !== undefined && code === 0) resolve(report);
      else reject(new Error(`the loop '${loop}' ended with ${signal ?? `exit code ${code}`} before it reported.`));
    });
  });
}
