import { expect, test } from 'vitest';
import {
  Adam,
  autocast,
  clipGradNorm,
  compile,
  crossEntropy,
  Dropout,
  Embedding,
  getRandomState,
  isDeterministic,
  Linear,
  LSTM,
  manualSeed,
  Module,
  noGrad,
  OneCycleLR,
  PaddedSequence,
  setDeterministic,
  synchronize,
  tensor,
  type MathMode,
  type Tensor,
} from 'stmnet';
import { random } from '../support/random';
import { bits, cuda, describeCuda, whyNoGraph } from './cuda';

const [N, T, V, C] = [8, 9, 30, 5];

class Tagger extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 12, paddingIdx: 0 });
  readonly dropout = new Dropout({ p: 0.4 });
  readonly lstm = new LSTM({ inputSize: 12, hiddenSize: 16, numLayers: 2, bidirectional: true, dropout: 0.3 });
  readonly head = new Linear({ inFeatures: 32, outFeatures: C });

  forward(words: PaddedSequence): PaddedSequence {
    return this.head.forward(this.lstm.forward(this.dropout.forward(this.embedding.forward(words))).output);
  }
}

/** Lengths of three batches that come in turns: two patterns with gaps, and one that is full. */
const patterns = [[9, 3, 0, 5, 1, 9, 2, 7], [4, 4, 9, 1, 0, 0, 6, 8], Array.from({ length: N }, () => T)];

/** Losses and weights after 50 steps of Adam with dropout and a one-cycle schedule, as bits. */
async function train(
  compiled: boolean,
  mode: MathMode,
): Promise<{ losses: string[]; weights: string[]; random: object; recordings: number; fallback: string | undefined }> {
  manualSeed(23);
  const draw = random(9);
  const model = new Tagger();
  const optimizer = new Adam(model.parameters(), { learningRate: 1e-3 });
  const schedule = new OneCycleLR(optimizer, { maxLearningRate: 2e-2, totalSteps: 50 });
  const step = (words: PaddedSequence, tags: PaddedSequence): Tensor => {
    const loss = autocast(mode, () => crossEntropy(model.forward(words), tags));
    optimizer.zeroGrad();
    loss.backward();
    clipGradNorm(model.parameters(), { maxNorm: 1 });
    optimizer.step();
    return loss.detach();
  };
  const run = compile(step);
  const losses: Tensor[] = [];
  for (let i = 0; i < 50; i++) {
    const lengths = patterns[i % patterns.length] ?? [];
    const batch = (below: number): PaddedSequence =>
      new PaddedSequence(
        tensor(
          { data: Int32Array.from({ length: N * T }, () => Math.floor(draw() * below)), shape: [N, T] },
          { device: cuda },
        ),
        lengths,
      );
    losses.push(compiled ? run(batch(V), batch(C)) : step(batch(V), batch(C)));
    schedule.step();
  }
  await synchronize(cuda);
  const results = {
    losses: await Promise.all(losses.map(bits)),
    weights: await Promise.all(model.parameters().map(bits)),
    random: getRandomState(),
    recordings: run.recordings,
    fallback: run.fallback,
  };
  run.clear();
  return results;
}

describeCuda('a compiled training step', () => {
  test('may name the device on which its tensors are', async () => {
    const step = compile((x: Tensor) => x.to('cuda').to(cuda).add(1));
    for (let i = 0; i < 3; i++) expect(await step(tensor([i], { device: cuda })).item()).toBe(i + 1);
    expect(step.recordings).toBe(1);
    const leaving = compile((x: Tensor) => x.to('cpu'));
    expect(() => leaving(tensor([1], { device: cuda }))).toThrow(/to\(\) another device inside a compiled step/);
  });

  test.each(['fma', 'tf32', 'bf16'] as const)(
    'is the eager one bit for bit, 50 times: Adam, dropout, lengths, one-cycle, %s',
    async (mode) => {
      const before = isDeterministic();
      setDeterministic(true);
      try {
        const eager = await train(false, mode);
        const compiled = await train(true, mode);
        expect(compiled.recordings).toBe(patterns.length);
        expect(compiled.fallback).toBe(whyNoGraph); // they are graphs, or it says why not
        expect(eager.recordings).toBe(0);
        expect(new Set(eager.losses).size).toBe(50);
        expect(compiled.losses).toEqual(eager.losses);
        expect(compiled.weights).toEqual(eager.weights);
        expect(compiled.random).toEqual(eager.random);
      } finally {
        setDeterministic(before);
      }
    },
  );

  test('of inference sees weights that changed, and replays what it was given', async () => {
    manualSeed(4);
    const model = new LSTM({ inputSize: 6, hiddenSize: 8, numLayers: 2 }).eval();
    const forward = compile((x: Tensor) => noGrad(() => model.forward(x).output));
    for (let i = 0; i < 6; i++) {
      const x = tensor(
        { data: Float32Array.from({ length: 4 * 5 * 6 }, (_, at) => Math.sin(at * (i + 1))), shape: [4, 5, 6] },
        { device: cuda },
      );
      if (i % 2 === 1) noGrad(() => model.parameters().forEach((parameter) => parameter.mul_(0.9)));
      expect(await bits(forward(x)), `call ${i}`).toBe(await bits(noGrad(() => model.forward(x).output)));
    }
  });
});
