import { expect, test } from 'vitest';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  compile,
  crossEntropy,
  ctcLoss,
  embedding,
  gather,
  indexSelect,
  klDivergence,
  oneHot,
  PaddedSequence,
  Parameter,
  scatterAdd,
  SGD,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';

/** Computed, so that only the device can see what the numbers are. */
const places = (...at: number[]): Tensor => tensor(at, { dtype: 'i32' }).add(1);
const numbers = (...values: number[]): Tensor => tensor(values).add(0);
const row = (x: Tensor): Tensor => x.reshape([1, 3]);

/**
 * Results that are refused at the next read; w is [0.5, 0.25, 2]. The gradient of most does not depend on the result.
 */
const refused: Record<string, (w: Tensor) => Tensor> = {
  'binaryCrossEntropy of 2': (w) => binaryCrossEntropy(w, tensor([1, 1, 1])),
  'binaryCrossEntropy of NaN': (w) => binaryCrossEntropy(w.mul(tensor([1, 1, NaN])), tensor([1, 1, 1])),
  'binaryCrossEntropy, target 2': (w) => binaryCrossEntropy(w.clamp({ min: 0, max: 1 }), tensor([1, 1, 2])),
  'binaryCrossEntropy, none': (w) => binaryCrossEntropy(w, tensor([1, 1, 1]), { reduction: 'none' }),
  'binaryCrossEntropy, padded': (w) =>
    binaryCrossEntropy(new PaddedSequence(row(w), [3]), new PaddedSequence(tensor([[1, 1, 1]]), [3])),
  'binaryCrossEntropyWithLogits, target 2': (w) => binaryCrossEntropyWithLogits(w, tensor([1, 2, 1])),
  'binaryCrossEntropyWithLogits, target NaN': (w) =>
    binaryCrossEntropyWithLogits(w, tensor([1, NaN, 1]), { reduction: 'sum' }),
  'klDivergence, target 2': (w) => klDivergence(w, tensor([0, 2, 0])),
  crossEntropy: (w) => crossEntropy(row(w), places(2)),
  'crossEntropy, half a label': (w) => crossEntropy(row(w), numbers(0.5)),
  ctcLoss: (w) => ctcLoss(w.reshape([1, 1, 3]), places(3).unsqueeze(0), { inputLengths: [1], targetLengths: [1] }),
  gather: (w) => gather(w, 0, places(0, 2)),
  indexSelect: (w) => indexSelect(w, 0, places(0, 2)),
  embedding: (w) => embedding(places(0, 2), w.reshape([3, 1])),
  'embedding, half an index': (w) => embedding(numbers(0.5), w.reshape([3, 1])),
  'scatterAdd to': (w) => scatterAdd(w, 0, places(2), tensor([1])),
  'oneHot beside': (w) => oneHot(places(2), 3).add(row(w)),
  'a sum with a loss that is sound': (w) => binaryCrossEntropy(w, tensor([1, 1, 1])).add(w.square().sum()),
  'in f64': (w) => binaryCrossEntropy(w.cast('f64'), tensor([1, 1, 1], { dtype: 'f64' })),
};

describeDevices('what was computed from a refused result', (device) => {
  const start = [0.5, 0.25, 2];
  const make = (): [Parameter, SGD] => {
    const w = new Parameter(tensor(start));
    return [w, new SGD([w], { learningRate: 1, momentum: 0.9 })];
  };

  test.each(Object.entries(refused))('does not change the weights: %s', async (_, compute) => {
    for (const seeded of [false, true]) {
      const [w, optimizer] = make();
      const result = compute(w);
      if (seeded) result.backward({ gradient: zeros(result.shape, { dtype: result.dtype }).add(1) });
      else result.sum().backward();
      optimizer.step();
      await expect(result.data()).rejects.toThrow(/^[a-zA-Z]+: got .*, expected /);
      expect(await w.array()).toEqual(start);
      optimizer.zeroGrad();
      w.square().sum().backward();
      optimizer.step();
      expect(await w.array()).toEqual([-0.5, -0.25, -2]);
    }
  });

  test.each(
    Object.entries(refused).filter(
      ([name]) => name.startsWith('binary') || name.startsWith('kl') || name.startsWith('crossEntropy'),
    ),
  )('gives no number as gradient, where the result is read first: %s', async (_, compute) => {
    const [w] = make();
    const result = compute(w).sum();
    await expect(result.data()).rejects.toThrow(/^[a-zA-Z]+: got .*, expected /);
    result.backward();
    const gradient = await w.grad?.array().catch(() => 'refused');
    if (device === 'cpu') expect(gradient).toBe('refused');
    else expect(gradient === 'refused' || (Array.isArray(gradient) && gradient.some(Number.isNaN))).toBe(true);
  });

  test('does not change them in a compiled step either, and the next step goes on', async () => {
    const w = new Parameter(tensor([0.5]));
    const optimizer = new SGD([w], { learningRate: 0.1 });
    const step = compile((target: Tensor) => {
      optimizer.zeroGrad();
      const loss = binaryCrossEntropy(w, target);
      loss.backward();
      optimizer.step();
      return loss;
    });
    for (let i = 0; i < 3; i++) await step(tensor([0.5])).item();
    const before = await w.array();
    await expect(step(tensor([2])).item()).rejects.toThrow(
      /^binaryCrossEntropy: got target 2 at element 0, expected a probability in \[0, 1\]/,
    );
    expect(await w.array()).toEqual(before);
    await step(tensor([1])).item();
    expect(await w.array()).toEqual([expect.closeTo(0.7, 5)]);
  });
});
