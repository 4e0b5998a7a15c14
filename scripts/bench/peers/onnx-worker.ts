// onnxruntime-node's side of a comparison: node onnx-worker.js THREADS CLOCK FOLDER, the folder with its node_modules.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecurrentOptions } from '../jobs/recurrent';
import { STEPS_COMPARED, type StreamOptions } from '../jobs/stream-case';
import { python } from '../peers';
import { repository } from '../tarball';
import { serveJobs, type Clock, type Job, type Now } from '../turns/protocol';

/** A tensor of onnxruntime-node. */
interface RuntimeTensor {
  readonly data: Float32Array;
}
type Feeds = Readonly<Record<string, RuntimeTensor>>;
interface Session {
  run(feeds: Feeds): Promise<Feeds>;
  release(): Promise<void>;
}

/** What is used of onnxruntime-node. */
interface Runtime {
  readonly InferenceSession: {
    create(file: string, options: { intraOpNumThreads: number; interOpNumThreads: number }): Promise<Session>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => RuntimeTensor;
}

/** A model that is made when the parameters are known. */
class RuntimeModel {
  readonly #runtime: Runtime;
  readonly #threads: number;
  #session: Session | undefined;

  constructor(runtime: Runtime, threads: number) {
    this.#runtime = runtime;
    this.#threads = threads;
  }

  async load(weights: string, args: readonly string[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-onnx-'));
    try {
      const graph = join(folder, 'model.onnx');
      const script = join(repository, 'scripts', 'bench', 'peers', 'onnx_model.py');
      execFileSync(python(), [script, weights, graph, ...args], { encoding: 'utf8', stdio: 'pipe' });
      this.#session = await this.#runtime.InferenceSession.create(graph, {
        intraOpNumThreads: this.#threads,
        interOpNumThreads: 1,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async run(feeds: Feeds): Promise<Feeds> {
    if (this.#session === undefined) throw new Error('onnxruntime-node has no parameters yet');
    return this.#session.run(feeds);
  }

  dispose(): void {
    void this.#session?.release();
  }
}

const outputOf = ({ y }: Feeds): Float32Array => {
  if (y === undefined) throw new Error('onnxruntime-node: a result is missing');
  return y.data;
};

/** Inference of a stack, whose output is an array of the caller's own. */
class RuntimeRecurrent implements Job {
  readonly #model: RuntimeModel;
  readonly #options: RecurrentOptions;
  readonly #feeds: Feeds;
  readonly #now: Now;

  constructor(runtime: Runtime, threads: number, options: RecurrentOptions, now: Now) {
    const { T, N, D } = options.shape;
    this.#model = new RuntimeModel(runtime, threads);
    this.#options = options;
    this.#now = now;
    const x = Float32Array.from({ length: T * N * D }, (_, i) => Math.sin(0.37 * i));
    this.#feeds = { x: new runtime.Tensor('float32', x, [T, N, D]) };
  }

  load(file: string): Promise<void> {
    const { T, N } = this.#options.shape;
    return this.#model.load(file, [String(T), String(N)]);
  }

  async check(): Promise<number[]> {
    const data = outputOf(await this.#model.run(this.#feeds));
    const stride = Math.max(1, Math.floor(data.length / 97));
    return Array.from({ length: Math.min(97, data.length) }, (_, i) => data[i * stride] ?? Number.NaN);
  }

  async run(): Promise<number> {
    const start = this.#now();
    outputOf(await this.#model.run(this.#feeds));
    return this.#now() - start;
  }

  dispose(): void {
    this.#model.dispose();
  }
}

/** A step of a stack of two layers that carries its state. */
class RuntimeStream implements Job {
  readonly #model: RuntimeModel;
  readonly #options: StreamOptions;
  readonly #now: Now;
  readonly #frame: RuntimeTensor;
  #state: Feeds;

  constructor(runtime: Runtime, threads: number, options: StreamOptions, now: Now) {
    const { size } = options;
    this.#model = new RuntimeModel(runtime, threads);
    this.#options = options;
    this.#now = now;
    const tensor = (data: Float32Array): RuntimeTensor => new runtime.Tensor('float32', data, [1, 1, size]);
    this.#frame = tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(i)));
    this.#state = Object.fromEntries(['h0', 'c0', 'h1', 'c1'].map((name) => [name, tensor(new Float32Array(size))]));
  }

  load(file: string): Promise<void> {
    return this.#model.load(file, ['1', '1', '--states']);
  }

  async check(): Promise<number[]> {
    for (let step = 1; step < STEPS_COMPARED; ++step) await this.#step();
    return [...(await this.#step())];
  }

  async run(): Promise<number> {
    if (this.#options.pause > 0) await sleep(this.#options.pause);
    const start = this.#now();
    await this.#step();
    return this.#now() - start;
  }

  async #step(): Promise<Float32Array> {
    const result = await this.#model.run({ x: this.#frame, ...this.#state });
    const { hn0, cn0, hn1, cn1 } = result;
    if (!hn0 || !cn0 || !hn1 || !cn1) throw new Error('onnxruntime-node: a state is missing');
    this.#state = { h0: hn0, c0: cn0, h1: hn1, c1: cn1 };
    return outputOf(result);
  }

  dispose(): void {
    this.#model.dispose();
  }
}

async function main([count = '1', clock = 'wall', folder = '']: readonly string[]): Promise<void> {
  const threads = Number(count);
  const load = createRequire(join(folder, 'peer.js'));
  const runtime = load('onnxruntime-node') as Runtime;
  const { version } = JSON.parse(
    readFileSync(join(folder, 'node_modules', 'onnxruntime-node', 'package.json'), 'utf8'),
  ) as { version: string };
  const greeting = { description: version, versions: { 'onnxruntime-node': version } };
  const recurrent = (options: object, now: Now): Job =>
    new RuntimeRecurrent(runtime, threads, options as RecurrentOptions, now);
  const stream = (options: object, now: Now): Job => new RuntimeStream(runtime, threads, options as StreamOptions, now);
  await serveJobs(greeting, { recurrent, stream }, clock as Clock);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
