import { expect, test } from 'vitest';
import {
  AdamW,
  crossEntropy,
  defaultDevice,
  Dropout,
  Embedding,
  LastStep,
  LayerNorm,
  Linear,
  LSTM,
  manualSeed,
  Module,
  PaddedSequence,
  setDefaultDevice,
  tensor,
  GRU,
  type MathMode,
  type Tensor,
} from 'stmnet';
import { random } from '../support/random';
import { cuda, describeCuda, standin } from './cuda';
import { within } from './stacks';

const [N, T, V, C, steps] = [16, 12, 40, 4, standin ? 30 : 150];

class Classifier extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 16, paddingIdx: 0 });
  readonly norm = new LayerNorm({ normalizedShape: [48] });
  readonly dropout = new Dropout({ p: 0.2 });
  readonly last = new LastStep({ bidirectional: true });
  readonly head = new Linear({ inFeatures: 48, outFeatures: C });

  constructor(readonly layer: LSTM | GRU) {
    super();
  }

  forward(words: PaddedSequence): Tensor {
    const { output } = Reflect.apply(this.layer.forward, this.layer, [this.embedding.forward(words)]) as {
      output: PaddedSequence;
    };
    return this.head.forward(this.dropout.forward(this.norm.forward(this.last.forward(output))));
  }
}

/**
 * Losses of a training run whose data, weights and masks are the same on every device. The class is where the largest
 * word stands.
 */
async function lossesOn(device: string, cell: 'lstm' | 'gru', mode: MathMode): Promise<number[]> {
  const before = defaultDevice();
  setDefaultDevice(device);
  try {
    return await within(mode, true, async () => {
      manualSeed(31);
      const options = { inputSize: 16, hiddenSize: 24, numLayers: 2, bidirectional: true, dropout: 0.2 };
      const model = new Classifier(cell === 'lstm' ? new LSTM(options) : new GRU(options));
      const optimizer = new AdamW(model.parameters(), { learningRate: 3e-3, weightDecay: 0.01 });
      const draw = random(2);
      const losses: Tensor[] = [];
      for (let step = 0; step < steps; step++) {
        const lengths = Array.from({ length: N }, () => 1 + Math.floor(draw() * T));
        const words = Int32Array.from({ length: N * T }, () => 1 + Math.floor(draw() * (V - 1)));
        const classes = Int32Array.from(lengths, (length, row) =>
          Math.floor(
            (words.slice(row * T, row * T + length).indexOf(Math.max(...words.slice(row * T, row * T + length))) / T) *
              C,
          ),
        );
        const loss = crossEntropy(
          model.forward(new PaddedSequence(tensor({ data: words, shape: [N, T] }), lengths)),
          tensor(classes),
        );
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        losses.push(loss);
      }
      return Promise.all(losses.map((loss) => loss.item()));
    });
  } finally {
    setDefaultDevice(before);
  }
}

// Roundings grow as training goes on, so the bound of step s is that of a step times 1 + s.
const perStep: Record<MathMode, number> = { fma: 2e-6, tf32: 4e-4, f16: 4e-4, bf16: 3e-3 };

describeCuda('loss curves', () => {
  test.each(
    (standin ? (['lstm'] as const) : (['lstm', 'gru'] as const)).flatMap((cell) =>
      (['fma', 'tf32', 'f16', 'bf16'] as const).map((mode) => [cell, mode] as const),
    ),
  )('%s, %s: the CPU’s', { timeout: 600_000 }, async (cell, mode) => {
    const [expected, got] = [await lossesOn('cpu', cell, 'fma'), await lossesOn(cuda, cell, mode)];
    const mean = (losses: readonly number[]): number => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    expect(mean(expected.slice(-10))).toBeLessThan(mean(expected.slice(0, 10)) - 0.05);
    const far = got.flatMap((loss, step) => {
      const gap = Math.abs(loss - (expected[step] ?? Number.NaN));
      return gap <= perStep[mode] * (1 + step) ? [] : [`step ${step}: got ${loss}, expected ${expected[step]}`];
    });
    expect(far).toEqual([]);
  });
});
