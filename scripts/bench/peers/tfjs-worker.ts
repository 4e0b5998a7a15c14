// TensorFlow.js's side of a comparison, by WebAssembly: node tfjs-worker.js THREADS CLOCK FOLDER, the folder with its
// node_modules. It takes train steps of one LSTM, in one direction or both.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { RecurrentOptions } from '../jobs/recurrent';
import { serveJobs, type Clock, type Job, type Now } from '../turns/protocol';

/** What is used of a tensor of TensorFlow.js. */
interface TfTensor {
  data(): Promise<Float32Array>;
  mul(other: TfTensor): TfTensor;
  sum(): TfTensor;
  transpose(order?: readonly number[]): TfTensor;
  dispose(): void;
}
interface TfModel {
  add(layer: unknown): void;
  apply(x: TfTensor, options: { training: boolean }): TfTensor;
  setWeights(weights: readonly TfTensor[]): void;
  readonly trainableWeights: readonly { read(): TfTensor; readonly val: TfTensor }[];
}
interface Tf {
  readonly version: { readonly tfjs: string };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  sequential(): TfModel;
  tensor(values: Float32Array, shape: readonly number[]): TfTensor;
  variable(value: TfTensor): TfTensor & { readonly name: string };
  variableGrads(
    fn: () => TfTensor,
    variables: readonly TfTensor[],
  ): { value: TfTensor; grads: Record<string, TfTensor> };
  readonly layers: { lstm(options: object): unknown; bidirectional(options: object): unknown };
}

const wave = (count: number, step: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(step * i));

/** Arrays of f32 of a safetensors file, by name. */
function readSafetensors(file: string): Record<string, { values: Float32Array; shape: readonly number[] }> {
  const bytes = readFileSync(file);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + size)) as Record<
    string,
    { data_offsets: [number, number]; shape: number[] }
  >;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(
    entries.map(
      ([
        name,
        {
          data_offsets: [from, to],
          shape,
        },
      ]) => {
        const values = new Float32Array(Uint8Array.from(bytes.subarray(8 + size + from, 8 + size + to)).buffer);
        return [name, { values, shape }];
      },
    ),
  );
}

/** Forward and backward from a given gradient, with the gradients of the input and of every weight. */
class TfRecurrent implements Job {
  readonly #tf: Tf;
  readonly #model: TfModel;
  readonly #ends: readonly string[];
  readonly #now: Now;
  readonly #x: TfTensor & { readonly name: string };
  readonly #gradient: TfTensor;

  constructor(tf: Tf, { shape, cell, kind }: RecurrentOptions, now: Now) {
    const { T, N, D, H, L, bidirectional } = shape;
    if (cell !== 'lstm' || kind !== 'train' || L !== 1) throw new Error('it trains one LSTM, nothing else');
    this.#tf = tf;
    this.#now = now;
    this.#ends = bidirectional ? ['', '_reverse'] : [''];
    const inputShape = [T, D];
    const options = { units: H, returnSequences: true, recurrentActivation: 'sigmoid', recurrentInitializer: 'zeros' };
    this.#model = tf.sequential();
    this.#model.add(
      bidirectional
        ? tf.layers.bidirectional({ layer: tf.layers.lstm(options), mergeMode: 'concat', inputShape })
        : tf.layers.lstm({ ...options, inputShape }),
    );
    // [T, N, D] as all sides have it, to [N, T, D]
    this.#x = tf.variable(tf.tensor(wave(T * N * D, 0.37), [T, N, D]).transpose([1, 0, 2]));
    const width = H * this.#ends.length;
    this.#gradient = tf.tensor(wave(T * N * width, 0.11), [T, N, width]).transpose([1, 0, 2]);
  }

  async load(file: string): Promise<void> {
    const read = readSafetensors(file);
    const of = (name: string): { values: Float32Array; shape: readonly number[] } => {
      const found = read[name];
      if (found === undefined) throw new Error(`the file has no ${name}`);
      return found;
    };
    const tensorOf = (name: string): TfTensor => this.#tf.tensor(of(name).values, of(name).shape);
    const weights = this.#ends.flatMap((end) => {
      const [first, second] = [of(`bias_ih_l0${end}`), of(`bias_hh_l0${end}`)];
      const bias = first.values.map((value, i) => value + (second.values[i] ?? Number.NaN));
      return [
        tensorOf(`weight_ih_l0${end}`).transpose(),
        tensorOf(`weight_hh_l0${end}`).transpose(),
        this.#tf.tensor(bias, first.shape),
      ];
    });
    await Promise.resolve(this.#model.setWeights(weights));
  }

  /** Samples of the gradients in the order and the layout of the other sides, which have each bias twice. */
  async check(): Promise<number[]> {
    const grads = this.#gradients();
    const variables = this.#variables().slice(1);
    const of = (variable: { readonly name: string }): TfTensor => {
      const found = grads[variable.name];
      if (found === undefined) throw new Error(`there is no gradient of ${variable.name}`);
      return found;
    };
    const turned = [of(this.#x).transpose([1, 0, 2])];
    for (let at = 0; at < variables.length; at += 3) {
      const [kernel, recurrent, bias] = variables.slice(at, at + 3);
      if (kernel === undefined || recurrent === undefined || bias === undefined) throw new Error('a weight is missing');
      turned.push(of(kernel).transpose(), of(recurrent).transpose(), of(bias), of(bias));
    }
    const values: number[] = [];
    for (const tensor of turned) {
      const data = await tensor.data();
      const stride = Math.max(1, Math.floor(data.length / 13));
      for (let i = 0; i < Math.min(13, data.length); ++i) values.push(data[i * stride] ?? Number.NaN);
    }
    return values;
  }

  run(): Promise<number> {
    const start = this.#now();
    const grads = this.#gradients(); // WebAssembly computes at once
    const ms = this.#now() - start;
    for (const grad of Object.values(grads)) grad.dispose();
    return Promise.resolve(ms);
  }

  #variables(): (TfTensor & { readonly name: string })[] {
    return [this.#x, ...this.#model.trainableWeights.map(({ val }) => val as TfTensor & { readonly name: string })];
  }

  #gradients(): Record<string, TfTensor> {
    const { value, grads } = this.#tf.variableGrads(
      () => this.#model.apply(this.#x, { training: true }).mul(this.#gradient).sum(),
      this.#variables(),
    );
    value.dispose();
    return grads;
  }
}

async function main([threads = '1', clock = 'wall', folder = '']: readonly string[]): Promise<void> {
  const load = createRequire(join(folder, 'peer.js'));
  console.warn = () => undefined; // that it is slow in Node.js, on stdout's neighbour
  const tf = load('@tensorflow/tfjs') as Tf;
  const wasm = load('@tensorflow/tfjs-backend-wasm') as {
    setWasmPaths(path: string): void;
    setThreadsCount(count: number): void;
  };
  wasm.setWasmPaths(join(folder, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist', '/'));
  wasm.setThreadsCount(Number(threads));
  await tf.setBackend('wasm');
  await tf.ready();
  const version = tf.version.tfjs;
  const recurrent = (options: object, now: Now): Job => new TfRecurrent(tf, options as RecurrentOptions, now);
  await serveJobs(
    { description: `${version}, WebAssembly`, versions: { tfjs: version } },
    { recurrent },
    clock as Clock,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
