import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  Adam,
  clipGradNorm,
  crossEntropy,
  loadSafetensors,
  manualSeed,
  pad,
  saveSafetensors,
  scope,
  synchronize,
  type PaddedSequence,
} from 'stmnet';
import type { PairBatch, Seq2SeqNetwork } from 'stmnet/tasks';
import { packageRoot } from '../tarball';
import type { Job, JobOptions, Now } from '../turns/protocol';
import { END, type DrawnPairs, type PairSizes } from './seq2seq-case';

/** What a job is made of. */
export interface Seq2SeqOptions extends JobOptions {
  readonly sizes: PairSizes;
  readonly pairs: readonly DrawnPairs[];
}

/** A batch, and what has to be written. */
type Teaching = PairBatch & { readonly target: PaddedSequence };

/** A training of a Seq2Seq: forward, loss, backward, clipping by the norm, and Adam. */
export class Seq2SeqJob implements Job {
  readonly #model: Seq2SeqNetwork;
  readonly #optimizer: Adam;
  readonly #batches: readonly Teaching[];
  readonly #now: Now;
  #taken = 0;

  constructor({ sizes, pairs }: Seq2SeqOptions, now: Now) {
    const { rows: _rows, tokens, ...options } = sizes;
    this.#now = now;
    manualSeed(1);
    this.#model = new (networkClass())({
      ...options,
      sourceTokens: tokens,
      targetTokens: tokens,
      cell: 'lstm',
      bidirectional: true,
      tieWeights: false,
      sharedEmbeddings: false,
    });
    this.#optimizer = new Adam(this.#model.parameters(), { learningRate: 1e-3 });
    const padded = (rows: readonly (readonly number[])[]): PaddedSequence =>
      pad(rows.map((row) => Int32Array.from(row)));
    this.#batches = pairs.map(({ sources, targets }) => ({
      source: padded(sources),
      previous: padded(targets.map((target) => [END, ...target])),
      target: padded(targets.map((target) => [...target, END])),
    }));
  }

  save(file: string): Promise<void> {
    return saveSafetensors(file, this.#model.stateDict());
  }

  async load(file: string): Promise<void> {
    this.#model.loadStateDict(await loadSafetensors(file));
  }

  /** Losses of three steps without dropout. */
  async check(): Promise<number[]> {
    this.#model.eval();
    const losses: number[] = [];
    for (let step = 0; step < 3; ++step) losses.push((await this.#step()).loss);
    return losses;
  }

  async run(): Promise<number> {
    this.#model.train();
    return (await this.#step()).ms;
  }

  /** One step on the next batch: the clock stops when its loss is read and the parameters are changed. */
  async #step(): Promise<{ ms: number; loss: number }> {
    const batch = this.#batches[this.#taken++ % this.#batches.length];
    if (batch === undefined) throw new Error('no batch');
    const start = this.#now();
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
    const ms = this.#now() - start;
    loss.dispose();
    return { ms, loss: Number(value) };
  }
}

/** The model of a Seq2Seq, which is not exported: of the same copy of the package. */
function networkClass(): typeof Seq2SeqNetwork {
  const load = createRequire(__filename)(join(packageRoot, 'dist', 'bundle', 'stmnet.js')) as (name: string) => unknown;
  return (load('tasks/seq2seq-network') as { Seq2SeqNetwork: typeof Seq2SeqNetwork }).Seq2SeqNetwork;
}
