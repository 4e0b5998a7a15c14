import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type * as Package from 'stmnet';
import { wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { median, quantile, table } from './statistics';
import { repository, unpackPackage } from './tarball';

/** One step of one sequence through two layers, read back: what a server does for each frame. */
export const streaming: Benchmark = {
  summary: 'milliseconds of a step of model.createStream(), beside onnxruntime-node where --peer has it',
  options: {
    size: { type: 'string', default: '512', description: 'I and H of two layers' },
    steps: { type: 'string', default: '50', description: 'steps of a round' },
    pause: { type: 'string', default: '0', description: 'milliseconds between a step and the next' },
    rounds: { type: 'string', default: '15', description: 'rounds, in turn for each side' },
    package: { type: 'string', default: '', description: 'the tarball of a package, in place of the tree' },
    peer: {
      type: 'string',
      default: '',
      description: 'a folder with onnxruntime-node in its node_modules; STMNET_PYTHON or python3 must have onnx',
    },
  },
  run: measure,
};

/** Takes one step. @returns what it gives */
type Step = (frame: Float32Array) => Promise<ArrayLike<number>>;

async function measure(values: BenchmarkValues): Promise<boolean> {
  const [size, steps, rounds] = ['size', 'steps', 'rounds'].map((name) => wholeNumber(values, name));
  const pause = Number(values['pause']);
  const tarball = values['package'] ?? '';
  const load = createRequire(__filename); // an import does not take a folder
  const { LSTM, saveSafetensors } = load(tarball === '' ? 'stmnet' : unpackPackage(tarball)) as typeof Package;
  const model = new LSTM({ inputSize: size ?? 0, hiddenSize: size ?? 0, numLayers: 2 });
  const stream: Package.Stream = model.createStream();
  const sides: [string, Step][] = [['stmnet', async (frame) => (await stream.step(frame)).data]];
  const peer = values['peer'] ?? '';
  if (peer !== '') {
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-streaming-'));
    const [weights, graph] = [join(folder, 'weights.safetensors'), join(folder, 'model.onnx')];
    await saveSafetensors(weights, model.stateDict());
    const script = join(repository, 'scripts', 'bench', 'onnx_lstm.py');
    execFileSync(process.env['STMNET_PYTHON'] ?? 'python3', [script, weights, graph], { stdio: 'inherit' });
    for (const threads of [1, 2]) {
      const name = `onnxruntime-node, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      sides.push([name, await runtimeStep(peer, graph, size ?? 0, threads)]);
    }
    rmSync(folder, { recursive: true });
  }
  const frame = Float32Array.from({ length: size ?? 0 }, (_, i) => Math.sin(i));
  await checkEqual(sides, frame);
  const times = await inTurn(sides, frame, { steps: steps ?? 1, rounds: rounds ?? 1, pause });
  const rows = times.map(([name, all]) => [name, ...[0.5, 0, 1].map((part) => quantile(all, part).toFixed(3))]);
  console.log(table(['a step, read back', 'median ms', 'fastest', 'slowest'], rows));
  console.log(JSON.stringify(Object.fromEntries(times.map(([name, all]) => [name, median(all)]))));
  const [own = Number.NaN, ...others] = times.map(([, all]) => median(all));
  return others.every((other) => own <= other);
}

/** Both sides must compute the same. */
async function checkEqual(sides: readonly (readonly [string, Step])[], frame: Float32Array): Promise<void> {
  for (let step = 0; step < 20; step++) {
    const [own, ...others] = await Promise.all(sides.map(([, take]) => take(frame)));
    others.forEach((other, side) => {
      const worst = Math.max(...Array.from(other, (value, i) => Math.abs(value - (own?.[i] ?? Number.NaN))));
      if (!(worst < 1e-4)) throw new Error(`${sides[side + 1]?.[0] ?? ''}: differs by ${worst} at step ${step + 1}`);
    });
  }
}

/** Threads that wait for work spin for a while: the other side's must rest before this side is timed. */
const restMs = 100;

async function inTurn(
  sides: readonly (readonly [string, Step])[],
  frame: Float32Array,
  { steps, rounds, pause }: { steps: number; rounds: number; pause: number },
): Promise<[string, number[]][]> {
  const times = sides.map(([name]): [string, number[]] => [name, []]);
  for (let round = 0; round < rounds; round++) {
    for (const [side, [, take]] of sides.entries()) {
      await setTimeout(restMs);
      for (let step = 0; step < 5; step++) await take(frame);
      let taken = 0;
      for (let step = 0; step < steps; step++) {
        if (pause > 0) await setTimeout(pause);
        const start = performance.now();
        await take(frame);
        taken += performance.now() - start;
      }
      times[side]?.[1].push(taken / steps);
    }
  }
  return times;
}

/** What is used of onnxruntime-node. */
interface Runtime {
  readonly InferenceSession: {
    create(file: string, options: { intraOpNumThreads: number }): Promise<{ run(feeds: Feeds): Promise<Feeds> }>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => { data: Float32Array };
}
type Feeds = Readonly<Record<string, { data: Float32Array }>>;

/** A step of the same layers by onnxruntime-node, which carries its state likewise. */
async function runtimeStep(folder: string, graph: string, size: number, threads: number): Promise<Step> {
  const { InferenceSession, Tensor } = createRequire(join(folder, 'peer.js'))('onnxruntime-node') as Runtime;
  const session = await InferenceSession.create(graph, { intraOpNumThreads: threads });
  const zero = (): { data: Float32Array } => new Tensor('float32', new Float32Array(size), [1, 1, size]);
  let state: Feeds = { h0: zero(), c0: zero(), h1: zero(), c1: zero() };
  return async (frame) => {
    const { y, hn0, cn0, hn1, cn1 } = await session.run({ x: new Tensor('float32', frame, [1, 1, size]), ...state });
    if (!y || !hn0 || !cn0 || !hn1 || !cn1) throw new Error('onnxruntime-node: a result is missing');
    state = { h0: hn0, c0: cn0, h1: hn1, c1: cn1 };
    return y.data;
  };
}
