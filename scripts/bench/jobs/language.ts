import {
  clipGradNorm,
  compile,
  crossEntropy,
  detach,
  Embedding,
  Linear,
  loadSafetensors,
  LSTM,
  manualSeed,
  Module,
  saveSafetensors,
  scope,
  SGD,
  tensor,
  type Tensor,
} from 'stmnet';
import type { Job, JobOptions, Now } from '../turns/protocol';

/** A language model, and the text that it learns. */
export interface LanguageOptions extends JobOptions {
  /** T, steps of a piece of text. */
  readonly steps: number;
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: number;
  /** N rows of words; a training step takes the next `steps` of each. */
  readonly text: readonly (readonly number[])[];
  /** Whether the step is compiled. */
  readonly compiled?: boolean;
}

/** The state between pieces. */
interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}

class LanguageModel extends Module {
  embedding: Embedding;
  lstm: LSTM;
  decoder: Linear;

  constructor({ hidden, layers, vocabulary }: LanguageOptions) {
    super();
    this.embedding = new Embedding({ numEmbeddings: vocabulary, embeddingDim: hidden });
    this.lstm = new LSTM({ inputSize: hidden, hiddenSize: hidden, numLayers: layers });
    this.decoder = new Linear({ inFeatures: hidden, outFeatures: vocabulary });
  }

  forward(words: Tensor, state: State): State & { logits: Tensor } {
    const { output, h, c } = this.lstm.forward(this.embedding.forward(words), state);
    return { logits: this.decoder.forward(output), h, c };
  }
}

/** Training steps as a user writes them: the state is carried, gradients are clipped, the loss is read every time. */
export class LanguageJob implements Job {
  readonly #model: LanguageModel;
  readonly #pieces: readonly (readonly [words: Tensor, next: Tensor])[];
  readonly #step: (words: Tensor, next: Tensor, state: State) => { loss: Tensor; h: Tensor; c: Tensor };
  readonly #now: Now;
  #state: State;
  #taken = 0;

  constructor(options: LanguageOptions, now: Now) {
    const { text, steps } = options;
    manualSeed(1);
    this.#now = now;
    this.#model = new LanguageModel(options);
    const piece = (from: number): Tensor =>
      tensor({
        data: Int32Array.from(text.flatMap((row) => row.slice(from, from + steps))),
        shape: [text.length, steps],
      });
    const count = Math.floor(((text[0]?.length ?? 0) - 1) / steps);
    this.#pieces = Array.from({ length: count }, (_, i) => [piece(i * steps), piece(i * steps + 1)] as const);
    const model = this.#model;
    const optimizer = new SGD(model.parameters(), { learningRate: 1 });
    const step = (words: Tensor, next: Tensor, state: State): State & { loss: Tensor } => {
      const { logits, ...after } = model.forward(words, state);
      const loss = crossEntropy(logits, next);
      optimizer.zeroGrad();
      loss.backward();
      clipGradNorm(model.parameters(), { maxNorm: 5 });
      optimizer.step();
      return { loss: loss.detach(), ...detach(after) };
    };
    this.#step = options.compiled === true ? compile(step) : (...args) => scope(() => step(...args));
    this.#state = model.lstm.zeroState({ batchSize: text.length });
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
    for (let step = 0; step < 4; ++step) losses.push((await this.#next()).loss);
    return losses;
  }

  async run(): Promise<number> {
    return (await this.#next()).ms;
  }

  async #next(): Promise<{ ms: number; loss: number }> {
    const piece = this.#pieces[this.#taken++ % this.#pieces.length];
    if (piece === undefined) throw new Error('the text is shorter than a piece');
    const before = this.#state;
    const start = this.#now();
    const { loss, ...after } = this.#step(...piece, before);
    const value = Number(await loss.item());
    const ms = this.#now() - start;
    this.#state = after;
    for (const old of [loss, before.h, before.c]) old.dispose();
    return { ms, loss: value };
  }
}
