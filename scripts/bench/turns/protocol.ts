import { createInterface } from 'node:readline';
import { quantile } from '../statistics';
import { watchTimer } from './lag';

/**
 * What a side is asked, a line of JSON each; it answers with a line. `key` names a job that was made.
 *
 *   make   → {}
 *   save   → { saved }, whether the job has parameters, which are now in the file
 *   load   → {}, the parameters are those of the file
 *   check  → { values }, numbers that all sides must come to
 *   run    → { ms, peakBytes }, milliseconds of each run, and the most memory that the process has held so far
 *   lag    → { lagMs }, by how much a timer of Node.js is late in 99 of 100 cases while runs go on for so long
 *   drop   → {}
 *
 * What goes wrong is answered as { error }.
 */
export type Request =
  | { readonly ask: 'make'; readonly key: string; readonly job: string; readonly options: JobOptions }
  | { readonly ask: 'save' | 'load'; readonly key: string; readonly file: string }
  | { readonly ask: 'run'; readonly key: string; readonly runs: number }
  | { readonly ask: 'lag'; readonly key: string; readonly ms: number }
  | { readonly ask: 'check' | 'drop'; readonly key: string };

/** What a job is made of; what it has in it depends on the job. */
export type JobOptions = Readonly<Record<string, unknown>>;

/** All that an answer may have. */
export interface Answer {
  readonly saved?: boolean;
  readonly values?: readonly number[];
  readonly ms?: readonly number[];
  readonly peakBytes?: number;
  readonly lagMs?: number;
  readonly error?: string;
}

/** What a side says of itself when it is ready. */
export interface Greeting {
  /** How it computes. */
  readonly description: string;
  /** Of its packages. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Milliseconds of the clock that a side is timed by. */
export type Now = () => number;

/** Something that a side can be asked to do again and again. */
export interface Job {
  /** @returns milliseconds, without what is not to be timed */
  run(): Promise<number>;
  /** Numbers that all sides come to from the same parameters. */
  check?(): Promise<readonly number[]>;
  save?(file: string): Promise<void>;
  load?(file: string): Promise<void>;
  dispose?(): void;
}

/** Makes jobs of one kind. */
export type MakeJob = (options: JobOptions, now: Now) => Job | Promise<Job>;

/**
 * What a run is timed by: the clock on the wall, or processor time, which a busy machine disturbs less; then with one
 * thread, as waiting threads use it too.
 */
export type Clock = 'wall' | 'cpu';

const clocks: Readonly<Record<Clock, Now>> = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** A side that is a process of Node.js: greets, and answers what it reads until its input ends. */
export async function serveJobs(
  greeting: Greeting,
  makers: Readonly<Record<string, MakeJob>>,
  clock: Clock,
): Promise<void> {
  const jobs = new Map<string, Job>();
  console.log(JSON.stringify(greeting));
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    let answer: Answer;
    try {
      answer = await answerTo(request, jobs, makers, clocks[clock]);
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    console.log(JSON.stringify(answer));
  }
}

async function answerTo(
  request: Request,
  jobs: Map<string, Job>,
  makers: Readonly<Record<string, MakeJob>>,
  now: Now,
): Promise<Answer> {
  const { key } = request;
  if (request.ask === 'make') {
    const make = makers[request.job];
    if (make === undefined) throw new Error(`it has no job '${request.job}'`);
    jobs.set(key, await make(request.options, now));
    return {};
  }
  const job = jobs.get(key);
  if (job === undefined) throw new Error(`there is no job '${key}'`);
  switch (request.ask) {
    case 'save':
      await job.save?.(request.file);
      return { saved: job.save !== undefined };
    case 'load':
      await job.load?.(request.file);
      return {};
    case 'check':
      return { values: (await job.check?.()) ?? [] };
    case 'drop':
      job.dispose?.();
      jobs.delete(key);
      return {};
    case 'lag': {
      const [watch, end] = [watchTimer(), performance.now() + request.ms];
      do await job.run();
      while (performance.now() < end);
      watch.stop();
      return { lagMs: quantile(watch.lags, 0.99) };
    }
    case 'run': {
      const ms: number[] = [];
      for (let run = 0; run < request.runs; ++run) ms.push(await job.run());
      return { ms, peakBytes: process.resourceUsage().maxRSS * 1024 };
    }
  }
}
