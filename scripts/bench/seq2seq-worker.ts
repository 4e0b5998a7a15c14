// stmnet's side of `npm run bench -- seq2seq-step`: node seq2seq-worker.js FOLDER THREADS loads the package in FOLDER
// and answers as torch_seq2seq.py does. The first line that it reads has the sizes and the batches.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type * as Package from 'stmnet';
import type { PairBatch, Seq2SeqNetwork } from 'stmnet/tasks';
import { END, type DrawnPairs, type PairRequest, type PairSizes } from './seq2seq-case';

/** A batch, and what has to be written. */
type Teaching = PairBatch & { readonly target: Package.PaddedSequence };

/** What a training of a Seq2Seq is made of. */
class Trained {
  readonly #stmnet: typeof Package;
  readonly #model: Seq2SeqNetwork;
  readonly #optimizer: Package.Adam;
  readonly #batches: readonly Teaching[];
  #taken = 0;

  constructor(folder: string, stmnet: typeof Package, sizes: PairSizes, pairs: readonly DrawnPairs[]) {
    this.#stmnet = stmnet;
    const { rows: _rows, tokens, ...options } = sizes;
    stmnet.manualSeed(1);
    this.#model = new (networkOf(folder))({
      ...options,
      sourceTokens: tokens,
      targetTokens: tokens,
      cell: 'lstm',
      bidirectional: true,
      tieWeights: false,
      sharedEmbeddings: false,
    });
    this.#optimizer = new stmnet.Adam(this.#model.parameters(), { learningRate: 1e-3 });
    const padded = (rows: readonly (readonly number[])[]) => stmnet.pad(rows.map((row) => Int32Array.from(row)));
    this.#batches = pairs.map(({ sources, targets }) => ({
      source: padded(sources),
      previous: padded(targets.map((target) => [END, ...target])),
      target: padded(targets.map((target) => [...target, END])),
    }));
  }

  async answer(request: PairRequest): Promise<unknown> {
    if (request.kind === 'weights') {
      await this.#stmnet.saveSafetensors(request.file, this.#model.stateDict());
      return {};
    }
    this.#model.train();
    if (request.kind === 'check') this.#model.eval(); // no dropout
    const steps: { ms: number; loss: number }[] = [];
    for (let step = 0; step < request.steps; ++step) steps.push(await this.#step());
    return steps;
  }

  /** One step on the next batch: the clock stops when its loss is read and the parameters are changed. */
  async #step(): Promise<{ ms: number; loss: number }> {
    const { clipGradNorm, crossEntropy, scope, synchronize } = this.#stmnet;
    const batch = this.#batches[this.#taken++ % this.#batches.length];
    if (batch === undefined) throw new Error('no batch');
    const start = performance.now();
    const loss = scope(() => {
      const mean = crossEntropy(this.#model.forward(batch), batch.target);
      this.#optimizer.zeroGrad();
      mean.backward();
      clipGradNorm(this.#model.parameters(), { maxNorm: 1 });
      this.#optimizer.step();
      return mean.detach();
    });
    const value = await loss.item();
    await synchronize();
    const ms = performance.now() - start;
    loss.dispose();
    return { ms, loss: Number(value) };
  }
}

/** The model of a Seq2Seq, which is not exported: of the same copy of the package. */
function networkOf(folder: string): typeof Seq2SeqNetwork {
  const load = createRequire(__filename)(join(folder, 'dist', 'bundle', 'stmnet.js')) as (name: string) => unknown;
  return (load('tasks/seq2seq-network') as { Seq2SeqNetwork: typeof Seq2SeqNetwork }).Seq2SeqNetwork;
}

async function main([folder = '', threads = '0']: readonly string[]): Promise<void> {
  const stmnet = createRequire(__filename)(folder) as typeof Package;
  stmnet.setNumThreads(Number(threads));
  console.log(JSON.stringify({ description: stmnet.devices()[0]?.description ?? '' }));
  let trained: Trained | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (trained === undefined) {
      const { sizes, pairs } = JSON.parse(line) as { sizes: PairSizes; pairs: DrawnPairs[] };
      trained = new Trained(folder, stmnet, sizes, pairs);
      console.log('{}');
    } else console.log(JSON.stringify(await trained.answer(JSON.parse(line) as PairRequest)));
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
