import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CrossEntropyLoss,
  Linear,
  Module,
  PaddedSequence,
  MeanPool,
  loadExtras,
  tensor,
  type EpochRecord,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { TextClassifier, type TextClassifierOptions } from '../../src/tasks';
import { adversarialShift } from '../../src/tasks/adversarial-shift';
import { TextEncoder, type TextEncoderParts } from '../../src/tasks/text-encoder';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('adversarial-shift', (made) => (folder = made));

const softmax = (scores: readonly number[]): number[] => {
  const odds = scores.map(Math.exp);
  return odds.map((one) => one / odds.reduce((a, b) => a + b));
};

/** Mean over real steps, and a score for each class. */
class Scorer extends Module {
  readonly head = new Linear({ inFeatures: 2, outFeatures: 2 });
  readonly pool = new MeanPool();

  forward(vectors: Sequence): Tensor {
    return this.head.forward(this.pool.forward(vectors));
  }
}

describe('adversarialShift', () => {
  const rows = [[[1, 2], [0.5, -1], [9, 9]], [[-0.3, 0.7], [1.5, 0.2], [0.1, -0.4]]]; // prettier-ignore
  const lengths = [2, 3];
  const [weight, bias] = [[[0.4, -0.9], [1.1, 0.3]], [0.2, -0.1]]; // prettier-ignore
  const targets = [0, 1];
  const epsilon = 0.7;

  /** By hand: where each text goes, and the loss and its gradient in the weight there. */
  function byHand() {
    const moved = rows.map((steps, row) => {
      const length = lengths[row] ?? 0;
      const real = steps.slice(0, length);
      const chances = softmax(scoresOf(real));
      // ∂ loss / ∂ x of each step: Wᵀ (p - y) / steps, over 2 for the mean over texts, which the length takes away.
      const slope = [0, 1].map((d) =>
        [0, 1].reduce((sum, c) => sum + (weight[c]?.[d] ?? 0) * ((chances[c] ?? 0) - Number(c === targets[row])), 0),
      );
      const scale = epsilon / (Math.hypot(...slope) * Math.sqrt(length));
      return real.map((vector) => vector.map((value, d) => value + scale * (slope[d] ?? 0)));
    });
    const slopes = [[0, 0], [0, 0]]; // prettier-ignore
    let loss = 0;
    moved.forEach((real, row) => {
      const chances = softmax(scoresOf(real));
      loss -= Math.log(chances[targets[row] ?? 0] ?? 0) / 2;
      const mean = meanOf(real);
      for (const c of [0, 1])
        for (const d of [0, 1])
          (slopes[c] as number[])[d] =
            (slopes[c]?.[d] ?? 0) + (((chances[c] ?? 0) - Number(c === targets[row])) * (mean[d] ?? 0)) / 2;
    });
    return { moved, loss, slopes };
  }
  const meanOf = (real: readonly (readonly number[])[]): number[] =>
    [0, 1].map((d) => real.reduce((sum, vector) => sum + (vector[d] ?? 0), 0) / real.length);
  const scoresOf = (real: readonly (readonly number[])[]): number[] =>
    [0, 1].map((c) => meanOf(real).reduce((sum, value, d) => sum + value * (weight[c]?.[d] ?? 0), bias[c] ?? 0));

  function scorer(): { model: Scorer; lossOf: (vectors: Sequence) => Tensor } {
    const model = new Scorer();
    model.loadStateDict({ 'head.weight': tensor(weight), 'head.bias': tensor(bias) });
    const loss = new CrossEntropyLoss();
    return { model, lossOf: (vectors) => loss.forward(model.forward(vectors), tensor(targets, { dtype: 'i32' })) };
  }

  it('moves each text by epsilon to where the loss grows fastest, past its length not, and is a constant', async () => {
    const { model, lossOf } = scorer();
    const values = tensor(rows, { requiresGrad: true });
    const moved = adversarialShift(model, new PaddedSequence(values, lengths), epsilon, lossOf);
    expect([model.head.weight.grad, values.grad]).toEqual([undefined, undefined]);
    const expected = byHand();
    const [first = [], second = []] = (await moved.values.array()) as number[][][];
    [...first.slice(0, 2), ...second]
      .flat()
      .forEach((value, at) => expect(value).toBeCloseTo(expected.moved.flat(2)[at] ?? Number.NaN, 6));
    expect(first[2]).toEqual([9, 9]);
    const loss = lossOf(moved);
    expect(await loss.item()).toBeCloseTo(expected.loss, 6);
    loss.backward();
    const slopes = Array.from((await model.head.weight.grad?.data()) ?? []);
    slopes.forEach((slope, at) => expect(slope).toBeCloseTo(expected.slopes.flat()[at] ?? Number.NaN, 6));
    // Into the vectors it goes as if they had been there: Wᵀ (p - y) of the moved text, which is not 0.
    expect(Math.hypot(...((await values.grad?.data()) ?? []))).toBeGreaterThan(0.1);
  });

  it('is exact where gradients are too small for their squares, and moves nothing where there is none', async () => {
    const { model } = scorer();
    const values = tensor([[[3, 4]]]);
    const tiny = adversarialShift(model, values, 10, (x) => x.mul(tensor([3e-30, 4e-30])).sum());
    const moved = Array.from(await tiny.data());
    expect(moved[0]).toBeCloseTo(9, 5);
    expect(moved[1]).toBeCloseTo(12, 5);
    expect(Array.from(await adversarialShift(model, values, 10, (x) => x.mul(0).sum()).data())).toEqual([3, 4]);
    const least = tensor([21 * 2 ** -149, 28 * 2 ** -149]);
    const far = Array.from(await adversarialShift(model, values, 10, (x) => x.mul(least).sum()).data());
    expect(far[0]).toBeCloseTo(9, 5);
    expect(far[1]).toBeCloseTo(12, 5);
  });
});

describe('TextClassifier with adversarialEpsilon', () => {
  const texts = Array.from({ length: 6 }, (_, at) => ({
    text: `a ${at % 2 === 0 ? 'fine' : 'dull'} day ${'long '.repeat(at % 3)}`,
    label: at % 2 === 0 ? 'good' : 'bad',
  }));
  const options: TextClassifierOptions = { hiddenSize: 4, embeddingDim: 3, dropout: 0, adversarialEpsilon: 2 };
  const still = { epochs: 1, batchSize: 6, learningRate: 0, weightDecay: 0, seed: 5, progress: false } as const;

  it('adds the loss at the moved vectors, as differences of the loss give it', async () => {
    const classifier = new TextClassifier(options);
    const history = await classifier.fit(texts, still);
    const model = classifier.model;
    if (model === undefined) throw new Error('no model');
    const { loss: clean } = await classifier.evaluate(texts);
    const plain = new TextClassifier({ ...options, adversarialEpsilon: 0 });
    expect((await plain.fit(texts, still)).last?.train.loss).toBeCloseTo(clean, 5);

    // The loss of one text as a function of its vectors, and its slope by central differences.
    const trained = await classifierParts(classifier);
    let moved = 0;
    for (const { text, label } of texts) {
      const { values, lossOf } = trained(text, label);
      const step = 1e-2;
      const slope: number[] = [];
      for (let at = 0; at < values.length; at++) {
        const [up, down] = await Promise.all(
          [step, -step].map((by) => lossOf(values.map((value, place) => (place === at ? value + by : value)))),
        );
        slope.push(((up ?? 0) - (down ?? 0)) / (2 * step));
      }
      const length = Math.hypot(...slope);
      moved += (await lossOf(values.map((value, at) => value + (2 * (slope[at] ?? 0)) / length))) / texts.length;
    }
    expect(moved).toBeGreaterThan(clean + 0.01);
    expect(history.last?.train.loss).toBeCloseTo(clean + moved, 3);
  });

  it('goes on bit for bit, with dropout, and leaves validation and evaluation as they are', async () => {
    const fit = async (output: string, broken?: number): Promise<TextClassifier> => {
      const classifier = new TextClassifier({ ...options, dropout: 0.3, adversarialEpsilon: 1 });
      const callbacks = [
        {
          onEpochEnd({ epoch }: EpochRecord) {
            if (epoch === broken) throw new Error('broken off');
          },
        },
      ];
      const training = { epochs: 4, batchSize: 2, seed: 5, progress: false, resume: true, keep: 'last' } as const;
      const history = await classifier.fit(texts, {
        ...training,
        validation: texts,
        output: join(folder, output),
        callbacks,
      });
      const { loss } = await classifier.evaluate(texts);
      expect(history.last?.validation?.loss).toBeCloseTo(loss, 5);
      return classifier;
    };
    const whole = await fit('whole');
    await expect(fit('resumed', 3)).rejects.toThrow('broken off');
    const asked = texts.map(({ text }) => text);
    expect(await (await fit('resumed')).predict(asked)).toEqual(await whole.predict(asked));
  });

  it('counts the texts as they are alone into running statistics', async () => {
    const buffersOf = async (adversarialEpsilon: number): Promise<[string, number[]][]> => {
      const classifier = new TextClassifier({ ...options, normalization: 'batch', adversarialEpsilon });
      await classifier.fit(texts, still);
      const buffers = [...(classifier.model?.namedBuffers() ?? [])];
      return Promise.all(buffers.map(async ([name, buffer]) => [name, Array.from(await buffer.data())]));
    };
    const plain = await buffersOf(0);
    expect(plain.find(([name]) => name.endsWith('num_batches_tracked'))?.[1]).toEqual([1]);
    expect(await buffersOf(2)).toEqual(plain);
  });

  it('takes several labels, and refuses an epsilon below 0', async () => {
    const classifier = new TextClassifier({ ...options, multiLabel: true });
    const several = texts.map(({ text, label }) => ({ text, labels: label === 'bad' ? [] : [label, 'day'] }));
    const history = await classifier.fit(several, still);
    expect(history.last?.train.loss).toBeGreaterThan(2 * (await classifier.evaluate(several)).loss);
    expect(() => new TextClassifier({ adversarialEpsilon: -1 })).toThrow('got adversarialEpsilon: -1');
  });
});

/** The vectors of a text, and the loss as a function of them. */
async function classifierParts(classifier: TextClassifier) {
  const { model, labels = [] } = classifier;
  if (model === undefined) throw new Error('no model');
  model.eval();
  const path = join(folder, 'parts.safetensors');
  await classifier.save(path);
  const encoder = new TextEncoder(await loadExtras<TextEncoderParts & Record<string, unknown>>(path));
  const table = Array.from(await model.features.words.weight.data());
  return (text: string, label: string) => {
    const { words } = encoder.encode(text);
    const values = Array.from(words).flatMap((word) => table.slice(3 * word, 3 * word + 3));
    const lossOf = async (at: readonly number[]): Promise<number> => {
      const vectors = tensor([Array.from(words, (_, step) => at.slice(3 * step, 3 * step + 3))]);
      const scores = Array.from(await model.scores(vectors).data());
      return -Math.log(softmax(scores)[labels.indexOf(label)] ?? 0);
    };
    return { values, lossOf };
  };
}
