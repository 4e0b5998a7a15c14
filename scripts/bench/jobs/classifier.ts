import {
  Adam,
  crossEntropy,
  Embedding,
  LastStep,
  Linear,
  loadSafetensors,
  LSTM,
  manualSeed,
  pad,
  saveSafetensors,
  scope,
  Sequential,
  tensor,
  type Module,
  type PaddedSequence,
  type Tensor,
} from 'stmnet';
import type { Job, JobOptions, Now } from '../turns/protocol';

/** A classifier of texts, and its batches. */
export interface ClassifierOptions extends JobOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly classes: number;
  readonly batches: readonly TextBatch[];
}

/** Tokens of each text, and its class. */
export interface TextBatch {
  readonly texts: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

/** Training steps of a bidirectional LSTM over embedded texts of many lengths; the loss is read every time. */
export class ClassifierJob implements Job {
  readonly #model: Module & { forward(texts: PaddedSequence): Tensor };
  readonly #optimizer: Adam;
  readonly #batches: readonly (readonly [PaddedSequence, Tensor])[];
  readonly #now: Now;
  #taken = 0;

  constructor({ vocabulary, hidden, classes, batches }: ClassifierOptions, now: Now) {
    manualSeed(1);
    this.#now = now;
    this.#model = new Sequential(
      new Embedding({ numEmbeddings: vocabulary, embeddingDim: hidden }),
      new LSTM({ inputSize: hidden, hiddenSize: hidden, bidirectional: true }),
      new LastStep({ bidirectional: true }),
      new Linear({ inFeatures: 2 * hidden, outFeatures: classes }),
    ) as Module & { forward(texts: PaddedSequence): Tensor };
    this.#optimizer = new Adam(this.#model.parameters(), { learningRate: 1e-3 });
    this.#batches = batches.map(
      ({ texts, labels }) =>
        [
          pad(texts.map((text) => Int32Array.from(text))),
          tensor({ data: Int32Array.from(labels), shape: [labels.length] }),
        ] as const,
    );
  }

  save(file: string): Promise<void> {
    return saveSafetensors(file, this.#model.stateDict());
  }

  async load(file: string): Promise<void> {
    this.#model.loadStateDict(await loadSafetensors(file));
  }

  /** Losses of the first steps. */
  async check(): Promise<number[]> {
    const losses: number[] = [];
    for (let step = 0; step < 3; ++step) losses.push((await this.#step()).loss);
    return losses;
  }

  async run(): Promise<number> {
    return (await this.#step()).ms;
  }

  async #step(): Promise<{ ms: number; loss: number }> {
    const batch = this.#batches[this.#taken++ % this.#batches.length];
    if (batch === undefined) throw new Error('no batch');
    const [texts, labels] = batch;
    const start = this.#now();
    const loss = scope(() => {
      const mean = crossEntropy(this.#model.forward(texts), labels);
      this.#optimizer.zeroGrad();
      mean.backward();
      this.#optimizer.step();
      return mean.detach();
    });
    const value = Number(await loss.item());
    const ms = this.#now() - start;
    loss.dispose();
    return { ms, loss: value };
  }
}
