import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { readTable } from 'stmnet';
import { TextClassifier, type TextExample } from 'stmnet/tasks';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Goal, type Outcome } from './benchmark';
import type { Answer, Answers, Question } from './serve-child';
import { median } from './statistics';
import { repository } from './tarball';

const leastRatio = 3;
const connections = 64;

/** What a server of a TextClassifier answers, with inputs of many requests gathered and one by one. */
export const serving: Benchmark = {
  summary:
    `requests a second of a served TextClassifier at ${connections} connections, gathered into batches and one by ` +
    `one; the ratio must be ${leastRatio} or more, or with --soak its memory must be flat`,
  options: {
    seconds: { type: 'string', default: '5', description: 'of a round' },
    rounds: { type: 'string', default: '3', description: 'rounds, in turn for both servers' },
    soak: { type: 'string', default: '0', description: 'minutes at 80 % of the throughput, in place of the rounds' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [seconds, rounds] = [wholeNumber(values, 'seconds'), wholeNumber(values, 'rounds')];
  const minutes = wholeNumber(values, 'soak', 0);
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-serve-'));
  try {
    const messages = await examples();
    const model = join(folder, 'spam.safetensors');
    const classifier = new TextClassifier();
    await classifier.fit(messages.slice(0, 2000), { epochs: 1, seed: 1, progress: false });
    await classifier.save(model);
    const texts = messages.slice(-500).map(({ text }) => text);
    return minutes === 0 ? await compare(model, texts, seconds, rounds) : await soak(model, texts, seconds, minutes);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The messages of sms-spam, or of their lengths where they are not there. */
async function examples(): Promise<TextExample[]> {
  const data = process.env['STMNET_DATA'] ?? join(repository, '..', 'shared', 'data');
  const file = join(data, 'sms-spam', 'SMSSpamCollection.tsv');
  if (existsSync(file)) {
    const rows = await readTable(file, { header: false, columns: ['label', 'text'] });
    return rows.map(({ label, text }) => ({ label: String(label), text: String(text) }));
  }
  console.log(`${file} is not there: messages are made up.`);
  return Array.from({ length: 3000 }, (_, i) => ({
    label: i % 7 === 0 ? 'spam' : 'ham',
    text: Array.from({ length: 1 + ((i * 7) % 33) }, (_, j) => `word${(i * j * 31) % 4000}`).join(' '),
  }));
}

/** A server in a process of its own. */
class Server {
  readonly #child: ChildProcess;
  readonly #texts: readonly string[];
  readonly #url: string;
  #asked = 0;

  private constructor(child: ChildProcess, url: string, texts: readonly string[]) {
    this.#child = child;
    this.#url = url;
    this.#texts = texts;
  }

  /** @param maxBatch  inputs that are computed at once */
  static async start(model: string, texts: readonly string[], maxBatch: number): Promise<Server> {
    const child = fork(join(__dirname, 'serve-child.js'), [model, String(maxBatch)], { execArgv: ['--expose-gc'] });
    const [url] = (await once(child, 'message')) as [string];
    return new Server(child, url, texts);
  }

  /** Asks for predictions. @param rate  requests a second; as many as it answers if left out */
  async load(seconds: number, rate?: number): Promise<Load> {
    const before = await this.ask('processorMs');
    const bodies = this.#texts.map((input) => ({ body: JSON.stringify({ input }) }));
    let started = 0;
    const { requests, latency, errors, timeouts, non2xx } = await autocannon({
      url: `${this.#url}/predict`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      connections,
      duration: seconds,
      // Each begins at another text, so that lengths come together as they would.
      setupClient: (client) => {
        const first = (started++ * 7) % bodies.length;
        client.setRequests([...bodies.slice(first), ...bodies.slice(0, first)]);
      },
      ...(rate === undefined ? {} : { overallRate: rate, ignoreCoordinatedOmission: true }),
    });
    const processorMs = ((await this.ask('processorMs')) - before) / requests.total;
    const { p50, p99 } = latency;
    const failed = errors + timeouts + non2xx;
    return { perSecond: requests.average, p50, p99, processorMs, failed, requests: requests.total };
  }

  async ask<What extends keyof Answers>(what: What): Promise<Answers[What]> {
    const id = (this.#asked += 1);
    this.#child.send({ id, what } satisfies Question);
    for (;;) {
      const [told] = (await once(this.#child, 'message')) as [Answer];
      if (told.id === id) return told.answer as Answers[What];
    }
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

/** What came of a load. Times in milliseconds. */
interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of the server for a request. */
  readonly processorMs: number;
  readonly requests: number;
  /** Requests without an answer of status 200. */
  readonly failed: number;
}

async function compare(model: string, texts: readonly string[], seconds: number, rounds: number): Promise<Outcome> {
  const sides: { name: string; server: Server; loads: Load[] }[] = [];
  for (const [name, maxBatch] of [
    ['gathered', 64],
    ['one by one', 1],
  ] as const)
    sides.push({ name, server: await Server.start(model, texts, maxBatch), loads: [] });
  for (const { server } of sides) await server.load(1);
  for (let round = 0; round < rounds; round++)
    for (const { server, loads } of sides) loads.push(await server.load(seconds));
  for (const { server } of sides) await server.stop();
  const figures = sides.map(({ name, loads }) => ({
    name,
    perSecond: median(loads.map(({ perSecond }) => perSecond)),
    p50: median(loads.map(({ p50 }) => p50)),
    p99: median(loads.map(({ p99 }) => p99)),
    processorMs: median(loads.map(({ processorMs }) => processorMs)),
    failed: loads.reduce((sum, { failed }) => sum + failed, 0),
  }));
  const rows = figures.map(({ name, perSecond, p50, p99, processorMs, failed }) => [
    name,
    perSecond.toFixed(0),
    p50.toFixed(1),
    p99.toFixed(1),
    processorMs.toFixed(2),
    String(failed),
  ]);
  const [gathered = Number.NaN, single = Number.NaN] = figures.map(({ perSecond }) => perSecond);
  const ratio = gathered / single;
  const failures = figures.reduce((sum, { failed }) => sum + failed, 0);
  const header = [`${connections} connections`, 'requests/s', 'p50 ms', 'p99 ms', 'processor ms', 'failed'];
  return {
    tables: [{ title: '', header, rows, note: '' }],
    figures: { connections, ratio, figures },
    goals: [
      {
        text: `requests a second, gathered / one by one, at least ${leastRatio}`,
        got: ratio.toFixed(2),
        held: ratio >= leastRatio,
      },
      noFailure(failures),
    ],
  };
}

const noFailure = (failures: number): Goal => ({
  text: 'every request is answered',
  got: `${failures} were not`,
  held: failures === 0,
});

const [warmUpSeconds, sampleSeconds] = [20, 10];
const mostGrowth = 0.05;

/** Whether memory is flat, and no request fails, at 80 % of what the server can. */
async function soak(model: string, texts: readonly string[], seconds: number, minutes: number): Promise<Outcome> {
  const server = await Server.start(model, texts, 64);
  await server.load(seconds);
  const { perSecond } = await server.load(seconds);
  const rate = Math.round(0.8 * perSecond);
  await server.load(warmUpSeconds, rate); // weights are packed when batches of a size first come
  const before = await server.ask('held');
  const samples: number[] = [];
  const sampling = setInterval(
    () => void server.ask('held').then(({ rss }) => samples.push(rss)),
    sampleSeconds * 1000,
  );
  const load = await server.load(60 * minutes, rate);
  clearInterval(sampling);
  const after = await server.ask('held');
  await server.stop();
  const third = Math.floor(samples.length / 3);
  const [early, late] = [median(samples.slice(0, third)), median(samples.slice(-third))];
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const rows = [
    ['RSS MiB, first and last third', mebibytes(early), mebibytes(late)],
    ['bytes of tensors', String(before.tensorBytes), String(after.tensorBytes)],
    ['tensors', String(before.handles), String(after.handles)],
    ['heap MiB', mebibytes(before.heapBytes), mebibytes(after.heapBytes)],
  ];
  const title =
    `${load.requests} requests in ${minutes} min at ${rate}/s of ${perSecond.toFixed(0)}/s: ` +
    `p50 ${load.p50} ms, p99 ${load.p99} ms`;
  const grown = Math.max(late / early, after.heapBytes / before.heapBytes) - 1;
  return {
    tables: [{ title, header: ['', 'before', 'after'], rows, note: '' }],
    figures: { rate, most: perSecond, ...load, before, after, early, late },
    goals: [
      noFailure(load.failed),
      {
        text: 'no more tensors, nor bytes of them, than before',
        got: `${after.handles} and ${after.tensorBytes}`,
        held: after.tensorBytes <= before.tensorBytes && after.handles <= before.handles,
      },
      {
        text: `RSS and heap grow by ${100 * mostGrowth} % at most`,
        got: `${(100 * grown).toFixed(1)} %`,
        held: grown <= mostGrowth,
      },
    ],
  };
}
