import { manualSeed } from 'stmnet';

manualSeed(1);

// ---- as in the guide
import {
  Adam,
  AUROC,
  BLEUScore,
  CharErrorRate,
  ConfusionMatrix,
  CrossEntropyLoss,
  crossEntropy,
  DataLoader,
  F1Score,
  HostMetric,
  LastStep,
  Linear,
  LSTM,
  rand,
  Sequential,
  Trainer,
  tensor,
  type HostNumbers,
  type Tensor,
} from 'stmnet';

/** Readings of a machine; every fourth is faulty, and shakes more and more. */
const items = Array.from({ length: 96 }, (_, i) => ({
  input: Array.from({ length: 6 + (i % 5) }, (__, t) => [Math.sin(i + t) * (i % 4 === 0 ? 1 + 0.2 * t : 1)]),
  target: Number(i % 4 === 0),
}));
const labels = ['sound', 'faulty'];
const confusion = new ConfusionMatrix({ labels });

/** Of one's own: how sure the model is of its answers, in the middle. It gets the numbers of each batch. */
class MedianMargin extends HostMetric<number[]> {
  readonly name = 'medianMargin';

  protected override count(output: HostNumbers): number[] {
    return Array.from({ length: output.shape[0] ?? 0 }, (_, row) =>
      Math.abs((output.data[2 * row] ?? 0) - (output.data[2 * row + 1] ?? 0)),
    );
  }

  protected override result(parts: readonly number[][]): number {
    const margins = parts.flat().sort((a, b) => a - b);
    return margins[Math.floor(margins.length / 2)] ?? Number.NaN;
  }
}

const model = new Sequential(
  new LSTM({ inputSize: 1, hiddenSize: 16 }),
  new LastStep(),
  new Linear({ inFeatures: 16, outFeatures: 2 }),
);
const trainer = new Trainer({
  model,
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(model.parameters(), { learningRate: 1e-2 }),
  metrics: [new F1Score({ labels, positive: 'faulty', perClass: true }), new AUROC(), confusion, new MedianMargin()],
});
const train = new DataLoader(items.slice(0, 64), { batchSize: 16, shuffle: true });
const validation = new DataLoader(items.slice(64), { batchSize: 16 });
const history = await trainer.fit(train, { epochs: 30, validation, progress: false });
console.log(history.validation('f1').at(-1), history.validation('f1.sound').at(-1));
console.log(String(await confusion.report())); // precision, recall and F1 of each class
console.log(await confusion.table({ normalize: 'true' }));

// Texts are compared as they are ...
const bleu = new BLEUScore();
bleu.update(['the cat sat on the mat'], [['the cat sat on a mat', 'a cat sat on the mat']]);
console.log(await bleu.compute());

// ... and in a Trainer once they are decoded: what is read, is asked for before the first await.
const alphabet = 'abcd';
const letters = new Linear({ inFeatures: 4, outFeatures: 4 });
const writer = new Trainer({
  model: letters,
  forward: (linear, batch: { input: Tensor; target: Tensor; texts: string[] }) => linear.forward(batch.input),
  loss: (output, batch) => crossEntropy(output, batch.target),
  metrics: [
    {
      metric: new CharErrorRate(),
      from: async (output, batch) => {
        const rows = (await output.argmax(-1).array()) as number[][];
        return [rows.map((row) => row.map((letter) => alphabet[letter]).join('')), batch.texts];
      },
    },
  ],
});
const target = tensor([[0, 1, 2]], { dtype: 'i32' });
const { charErrorRate } = await writer.evaluate([{ input: rand([1, 3, 4]), target, texts: ['abc'] }]);
// ---- what the test looks at
export { charErrorRate, history };
