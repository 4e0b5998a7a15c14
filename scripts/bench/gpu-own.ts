import {
  clipGradNorm,
  compile,
  crossEntropy,
  detach,
  Dropout,
  Embedding,
  Linear,
  LSTM,
  Module,
  noGrad,
  randint,
  randn,
  scope,
  setMathMode,
  SGD,
  synchronize,
  zeros,
  type MathMode,
  type Tensor,
} from 'stmnet';
import type { GpuCase } from './gpu-cases';

/** Steps of one case: each call queues one. */
interface Steps {
  step: () => Tensor | undefined;
  dispose: () => void;
  /** Why a compiled step runs its ops one by one; undefined if it is a graph, or not compiled. */
  fallback: () => string | undefined;
}

/** This package's sides of the GPU benchmark: eager, and compiled. */
export class OwnGpu {
  readonly #prepared = new Map<string, Steps>();

  /**
   * @returns milliseconds of `count` steps, from an idle device to an idle device, and why a compiled one is no graph
   */
  async time(
    one: GpuCase,
    mode: MathMode,
    compiled: boolean,
    count: number,
  ): Promise<{ ms: number; fallback?: string }> {
    setMathMode(mode);
    const { step, fallback } = this.#prepare(one, `${one.kind} ${one.name} ${mode} ${compiled}`, compiled);
    await synchronize();
    const start = performance.now();
    for (let i = 0; i < count; ++i) {
      const output = step();
      if (one.kind === 'latency') await output?.data();
      output?.dispose();
    }
    await synchronize();
    const ms = performance.now() - start;
    const reason = fallback();
    return { ms, ...(reason === undefined ? {} : { fallback: reason }) };
  }

  /** Lets go of all that it has prepared. */
  release(): void {
    for (const { dispose } of this.#prepared.values()) dispose();
    this.#prepared.clear();
    globalThis.gc?.();
  }

  #prepare(one: GpuCase, key: string, compiled: boolean): Steps {
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const made = one.kind === 'language' ? languageSteps(one, compiled) : recurrentSteps(one, compiled);
    this.#prepared.set(key, made);
    return made;
  }
}

function recurrentSteps({ kind, T, N, D, H, L, bidirectional }: GpuCase, compiled: boolean): Steps {
  const layer = new LSTM({ inputSize: D, hiddenSize: H, numLayers: L, bidirectional, batchFirst: false });
  const directions = bidirectional ? 2 : 1;
  const [h, c] = [zeros([L * directions, N, H]), zeros([L * directions, N, H])];
  if (kind === 'infer' || kind === 'latency') {
    const x = randn([T, N, D]);
    layer.eval();
    const forward = (input: Tensor): Tensor => noGrad(() => scope(() => layer.forward(input, { h, c }).output));
    return chosen(forward, compiled, (run) => run(x));
  }
  const x = randn([T, N, D], { requiresGrad: true });
  const gradient = randn([T, N, H * directions]);
  const optimizer = new SGD(layer.parameters(), { learningRate: 1e-6 });
  const train = (): undefined => {
    scope(() => {
      optimizer.zeroGrad();
      x.grad = undefined;
      layer.forward(x, { h, c }).output.backward({ gradient });
      if (kind === 'train') optimizer.step();
    });
  };
  return chosen(train, compiled, (run) => run());
}

/** Steps that `call` makes with a function or its compiled form. */
function chosen<A extends unknown[], R>(
  step: (...args: A) => R,
  compiled: boolean,
  call: (run: (...args: A) => R) => Tensor | undefined,
): Steps {
  if (!compiled) return { step: () => call(step), dispose: () => undefined, fallback: () => undefined };
  const run = compile(step);
  return { step: () => call(run), dispose: () => run.clear(), fallback: () => run.fallback };
}

/** Zaremba's language model: dropout before, between and after the layers. */
class LanguageModel extends Module {
  readonly embedding: Embedding;
  readonly dropout: Dropout;
  readonly lstm: LSTM;
  readonly decoder: Linear;

  constructor({ vocabulary, D, H, L, dropout }: GpuCase) {
    super();
    this.embedding = new Embedding({ numEmbeddings: vocabulary, embeddingDim: D });
    this.dropout = new Dropout({ p: dropout });
    this.lstm = new LSTM({ inputSize: D, hiddenSize: H, numLayers: L, dropout });
    this.decoder = new Linear({ inFeatures: H, outFeatures: vocabulary });
  }

  forward(words: Tensor, state: { h: Tensor; c: Tensor }): { scores: Tensor; h: Tensor; c: Tensor } {
    const { output, h, c } = this.lstm.forward(this.dropout.forward(this.embedding.forward(words)), state);
    return { scores: this.decoder.forward(this.dropout.forward(output)), h, c };
  }
}

function languageSteps(one: GpuCase, compiled: boolean): Steps {
  const { T, N, H, L, vocabulary } = one;
  const model = new LanguageModel(one);
  const parameters = [...model.parameters()];
  const optimizer = new SGD(parameters, { learningRate: 1e-6 });
  const [words, targets] = [randint(0, vocabulary, [N, T]), randint(0, vocabulary, [N, T])];
  let state = { h: zeros([L, N, H]), c: zeros([L, N, H]) };
  const train = (h: Tensor, c: Tensor): { h: Tensor; c: Tensor } =>
    scope(() => {
      const { scores, ...next } = model.forward(words, { h, c });
      const loss = crossEntropy(scores, targets);
      optimizer.zeroGrad();
      loss.backward();
      clipGradNorm(parameters, { maxNorm: 5 });
      optimizer.step();
      return detach(next);
    });
  return chosen(train, compiled, (run) => {
    const { h, c } = state;
    state = run(h, c);
    h.dispose();
    c.dispose();
    return undefined;
  });
}
