// Reference values: scripts/metric-references.py probabilities (scikit-learn 1.9.1, torchmetrics 1.9.0).
import { describe, expect, test } from 'vitest';
import {
  BitsPerCharacter,
  BrierScore,
  CrossEntropyLoss,
  LogLoss,
  Perplexity,
  Softmax,
  tensor,
  type ProbabilityOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { binary, chances, inBatches } from '../support/metric-data';

const logits = {
  ...chances,
  scores: chances.scores.map((row) => row.map((chance) => Math.log(Math.max(chance, 1e-300)) + 3)),
};
const binaryLogits = { ...binary, scores: binary.scores.map((p) => Math.log(Math.max(p, 1e-300) / (1 - p))) };
const each = [1, 7, 40];

describeDevices('metrics of probabilities', () => {
  test('LogLoss is that of scikit-learn, of probabilities and of logits', async () => {
    for (const size of each) {
      expect(await inBatches(new LogLoss(), chances, { size })).toBeCloseTo(2.398737970193438, 13);
      expect(await inBatches(new LogLoss(), chances, { size, weighted: true })).toBeCloseTo(1.9678562343202908, 13);
      expect(await inBatches(new LogLoss(), binary, { size })).toBeCloseTo(1.5552826831399817, 13);
      expect(await inBatches(new LogLoss(), binary, { size, weighted: true })).toBeCloseTo(1.6697169641048661, 13);
    }
    const hinted = { hints: { scores: 'classes' } } as const;
    const some = { ...chances, scores: chances.scores.map((row) => row.map((x) => x * 8)) };
    const value = await inBatches(new LogLoss(), some, hinted);
    const loss = new CrossEntropyLoss().forward(tensor(some.scores, { dtype: 'f64' }), tensor(some.truth));
    expect(value).toBeCloseTo(await loss.item(), 13);
    expect(await inBatches(new LogLoss({ logits: true }), some)).toBe(value);
    const yes = { ...binary, scores: binary.scores.map((x) => x * 6 - 3) };
    const chance = { ...binary, scores: yes.scores.map((x) => 1 / (1 + Math.exp(-x))) };
    const plain = await inBatches(new LogLoss(), chance);
    expect(await inBatches(new LogLoss({ logits: true }), yes)).toBeCloseTo(plain, 13);
    expect(await inBatches(new LogLoss(), yes, { hints: { scores: 'logits' } })).toBeCloseTo(plain, 13);
    // m.log_loss([1, 0], [0.0, 0.0])
    const bound = new LogLoss();
    bound.update([0, 0], [1, 0]);
    expect(await bound.compute()).toBeCloseTo(18.021826694558577, 12);
  });

  test('BrierScore is that of scikit-learn, of probabilities and of logits', async () => {
    for (const size of each) {
      expect(await inBatches(new BrierScore(), chances, { size })).toBeCloseTo(0.7891294908131928, 14);
      expect(await inBatches(new BrierScore(), chances, { size, weighted: true })).toBeCloseTo(0.7710839622749767, 14);
      expect(await inBatches(new BrierScore(), binary, { size })).toBeCloseTo(0.238840830449827, 14);
      expect(await inBatches(new BrierScore(), binary, { size, weighted: true })).toBeCloseTo(0.23568956994562532, 14);
    }
    expect(await inBatches(new BrierScore({ logits: true }), logits)).toBeCloseTo(0.7891294908131928, 13);
    expect(await inBatches(new BrierScore({ logits: true }), binaryLogits)).toBeCloseTo(0.238840830449827, 13);
    const two = { ...binary, scores: binary.scores.map((p) => [1 - p, p]) };
    expect(await inBatches(new BrierScore(), two)).toBeCloseTo(0.238840830449827, 14);
  });

  test('Perplexity is that of torchmetrics, also with a label to ignore; in bits it is its logarithm', async () => {
    const scores = { ...chances, scores: chances.given.map((row) => row.map((x) => x * 4)) };
    for (const size of each) {
      // torchmetrics computes in f64 here.
      expect(await inBatches(new Perplexity(), scores, { size })).toBeCloseTo(5.8980153619408355, 13);
      const ignoring = new Perplexity({ ignoreIndex: 3 });
      expect(await inBatches(ignoring, scores, { size })).toBeCloseTo(6.698254693182636, 13);
      const bits = await inBatches(new BitsPerCharacter(), scores, { size });
      expect(2 ** bits).toBeCloseTo(5.8980153619408355, 13);
    }
    const output = new Softmax().forward(tensor(scores.scores, { dtype: 'f64' }));
    const told = new Perplexity();
    told.update(output, scores.truth, { scores: 'probabilities' });
    expect(await told.compute()).toBeCloseTo(5.8980153619408355, 12);
  });
});

describe('what is no probability and no class', () => {
  const value = async (
    options: ProbabilityOptions,
    output: number[] | number[][],
    truth: number[],
  ): Promise<number> => {
    const metric = new LogLoss(options);
    metric.update(output, truth);
    return metric.compute();
  };
  test('is an error of compute', async () => {
    await expect(value({}, [[3, 1, -2]], [0])).rejects.toThrow(
      // prettier-ignore
      'LogLoss: got 1 output that is no probability, expected numbers in 0..1.\n  Fix: say logits: true',
    );
    await expect(value({}, [[0.5, 0.5, 0]], [3])).rejects.toThrow('got 1 label that is no class'); // prettier-ignore
  });
  test('does not matter where it does not count; NaN does', async () => {
    expect(await value({}, [0.5, 9], [1, -100])).toBeCloseTo(Math.LN2, 15);
    expect(await value({}, [Number.NaN, 0.5], [1, 1])).toBeNaN();
    expect(await value({}, [Number.NaN], [-100])).toBeNaN();
    expect(await new Perplexity().compute()).toBeNaN();
    expect(() => new LogLoss({ threshold: 0.5 } as ProbabilityOptions)).toThrow(/got an option threshold/);
  });
  test('labels may be texts', async () => {
    const metric = new LogLoss({ labels: ['no', 'yes'] });
    metric.update([0.25], ['yes']);
    expect(await metric.compute()).toBeCloseTo(Math.log(4), 15);
  });
});
