import { describe, expect, test } from 'vitest';
import {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  CTCLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  Loss,
  MSELoss,
  OptionError,
  PaddedSequence,
  ShapeError,
  SmoothL1Loss,
  tensor,
  type Sequence,
  type Tensor,
} from 'stmnet';

const probabilities = tensor([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]); // prettier-ignore
const targets = tensor([[0, 1], [1, 0], [1, 1]]); // prettier-ignore
const weights = [1, 0.5, 3];

const pointwise: readonly Loss[] = [
  new MSELoss(),
  new L1Loss(),
  new SmoothL1Loss({ beta: 0.3 }),
  new HuberLoss({ delta: 0.3 }),
  new BCELoss(),
  new BCEWithLogitsLoss({ posWeight: tensor([2]) }),
  new KLDivLoss(),
];

/** Each example's own mean loss. */
async function examples(loss: Loss, input: Tensor, target: Tensor): Promise<number[]> {
  const rows = Array.from({ length: input.shape[0] ?? 0 }, (_, row) =>
    loss.ofBatch(input.slice([row], [row + 1]), target.slice([row], [row + 1])).item(),
  );
  return Promise.all(rows);
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('a weight for each example', () => {
  test.each(pointwise.map((loss) => [loss.constructor.name, loss] as const))('%s', async (_, loss) => {
    const input = probabilities.detach().requiresGrad_(true);
    const weighed = loss.ofBatch(input, targets, tensor(weights));
    const own = await examples(loss, probabilities, targets);
    const expected = sumOf(own.map((value, row) => value * (weights[row] ?? 0))) / sumOf(weights);
    expect(await weighed.item()).toBeCloseTo(expected, 6);
    weighed.backward();
    const gradients = await input.grad?.array();
    const single = probabilities.detach().requiresGrad_(true);
    loss.ofBatch(single.slice([2], [3]), targets.slice([2], [3])).backward();
    const alone = (await single.grad?.slice([2], [3]).array()) as number[][];
    const third = (gradients as number[][])[2] ?? [];
    third.forEach((value, column) => {
      expect(value).toBeCloseTo(((alone[0]?.[column] ?? 0) * 3) / sumOf(weights), 6);
    });
  });

  test('CrossEntropyLoss with class weights, of labels', async () => {
    const loss = new CrossEntropyLoss({ weight: tensor([1, 4]) });
    const labels = tensor([1, 0, 1], { dtype: 'i32' });
    const own = await examples(new CrossEntropyLoss(), probabilities, labels);
    const both = [4 * 1, 1 * 0.5, 4 * 3];
    const expected = sumOf(own.map((value, row) => value * (both[row] ?? 0))) / sumOf(both);
    expect(await loss.ofBatch(probabilities, labels, tensor(weights)).item()).toBeCloseTo(expected, 6);
    expect(await loss.ofBatch(probabilities, labels, tensor([[1], [0.5], [3]])).item()).toBeCloseTo(expected, 6);
  });

  test('CTCLoss divides each loss by its labels, as without weights', async () => {
    const scores = tensor(
      Array.from({ length: 2 * 5 * 3 }, (_, i) => Math.sin(i)),
    ).reshape([2, 5, 3]).logSoftmax(-1); // prettier-ignore
    const labels = new PaddedSequence(tensor([[1, 2], [1, 0]], { dtype: 'i32' }), [2, 1]); // prettier-ignore
    const loss = new CTCLoss();
    const rows = [0, 1].map((row) =>
      loss.ofBatch(scores.slice([row], [row + 1]), labels.slice([row], [row + 1])).item(),
    );
    const [first, second] = await Promise.all(rows);
    const weighed = loss.ofBatch(scores, labels, tensor([3, 1]));
    expect(await weighed.item()).toBeCloseTo((3 * (first ?? 0) + (second ?? 0)) / 4, 5);
    expect(await loss.ofBatch(scores, labels, tensor([1, 1])).item()).toBeCloseTo(
      await loss.ofBatch(scores, labels).item(),
      6,
    );
  });

  test('reduction: sum adds weighed losses, batchmean divides by the weights of the examples', async () => {
    const sum = new MSELoss({ reduction: 'sum' }).ofBatch(probabilities, targets, tensor(weights));
    expect(await sum.item()).toBeCloseTo(0.08 + 0.5 * 0.32 + 3 * 0.5, 6);
    const log = probabilities.log();
    const own = await examples(new KLDivLoss({ reduction: 'batchmean' }), log, targets);
    const mean = new KLDivLoss({ reduction: 'batchmean' }).ofBatch(log, targets, tensor(weights));
    expect(await mean.item()).toBeCloseTo(sumOf(own.map((value, row) => value * (weights[row] ?? 0))) / 4.5, 6);
  });
});

describe('a weight for each step', () => {
  const output = new PaddedSequence(tensor([[[1], [2]], [[3], [Number.NaN]]]), [2, 1]); // prettier-ignore
  const target = new PaddedSequence(tensor([[[0], [0]], [[0], [0]]]), [2, 1]); // prettier-ignore

  test('padding counts for nothing, in values and in weights', async () => {
    const plain = tensor([[1, 3], [2, Number.NaN]]); // prettier-ignore
    const expected = (1 * 1 + 3 * 4 + 2 * 9) / 6;
    expect(await new MSELoss().ofBatch(output, target, plain).item()).toBeCloseTo(expected, 6);
    const padded = new PaddedSequence(plain, [2, 1]);
    expect(await new MSELoss().ofBatch(output, target, padded).item()).toBeCloseTo(expected, 6);
    expect(await new MSELoss().ofBatch(output, target, tensor([1, 2])).item()).toBeCloseTo((1 + 4 + 2 * 9) / 4, 6);
  });

  test('a weight of 0 leaves NaN out, in the loss and in the gradient', async () => {
    const input = tensor([[Number.NaN], [2]], { requiresGrad: true }); // prettier-ignore
    const loss = new MSELoss().ofBatch(input, tensor([[0], [0]]), tensor([0, 1])); // prettier-ignore
    loss.backward();
    expect(await loss.item()).toBe(4);
    expect(await input.grad?.data()).toEqual(Float32Array.of(0, 4));
  });

  test('a weight of 0 leaves NaN out of cross entropy', async () => {
    const input = tensor([[Number.NaN, 1], [0, 0]], { requiresGrad: true }); // prettier-ignore
    const loss = new CrossEntropyLoss().ofBatch(input, tensor([7, 1], { dtype: 'i32' }), tensor([0, 3]));
    loss.backward();
    expect(await loss.item()).toBeCloseTo(Math.LN2, 6);
    expect(await input.grad?.data()).toEqual(Float32Array.of(0, 0, 0.5, -0.5));
  });

  test('a weight of 0 leaves NaN, bad labels and too many of them out of CTC', async () => {
    const numbers = Array.from({ length: 3 * 3 * 3 }, (_, i) => (i < 18 ? Math.sin(i) : Number.NaN));
    const labels = new PaddedSequence(
      tensor([[1, 2, 0, 0], [1, 1, 2, 2], [-1, 9, 0, 0]], { dtype: 'i32' }), // prettier-ignore
      [2, 4, 2],
    );
    for (const blank of [0, 2]) {
      const input = tensor(numbers).reshape([3, 3, 3]).logSoftmax(-1).detach().requiresGrad_(true);
      const ctc = new CTCLoss({ blank });
      const target = blank === 0 ? labels : labels.map((values) => values.sub(1).clamp({ min: 0 }));
      const loss = ctc.ofBatch(input, target, tensor([2, 0, 0]));
      loss.backward();
      const first = input.slice([0], [1]).detach().requiresGrad_(true);
      const alone = ctc.ofBatch(first, target.slice([0], [1]));
      alone.backward();
      expect(await loss.item()).toBeCloseTo(await alone.item(), 6);
      const [found, expected] = await Promise.all([input.grad?.data(), first.grad?.data()]);
      expect(found?.slice(9)).toEqual(new Float32Array(18));
      found?.slice(0, 9).forEach((value, place) => expect(value).toBeCloseTo(expected?.[place] ?? Number.NaN, 6));
    }
  });

  test('one weight a row may be padded too, where a row has none', async () => {
    const own = new PaddedSequence(tensor([[2], [Number.NaN]]), [1, 0]); // prettier-ignore
    expect(await new MSELoss().ofBatch(tensor([1, 2]), tensor([3, 7]), own).item()).toBe(4);
  });

  test('shapes that do not fit are refused as without weights, not broadcast', () => {
    const messageOf = (call: () => unknown): string => {
      try {
        call();
      } catch (error) {
        return String(error);
      }
      return 'nothing thrown';
    };
    const ones = tensor([1, 1]);
    const square = tensor([[1, 2], [3, 4]]); // prettier-ignore
    const cases: [Loss, Tensor, Tensor][] = [
      [new MSELoss(), square, tensor([[1], [2]])], // prettier-ignore
      [new MSELoss(), square, tensor([[1, 2]])], // prettier-ignore
      [new MSELoss(), square, tensor([1, 2])],
      [new BCELoss(), tensor([[1], [0]]), tensor([[[1]], [[0]]]).reshape([2, 1, 1, 1])], // prettier-ignore
      [new CrossEntropyLoss(), square, tensor([1, 0, 1])],
      [new CrossEntropyLoss(), tensor([[[0, 1], [1, 0]], [[0, 1], [1, 0]]]), tensor([1, 0])], // prettier-ignore
    ];
    for (const [loss, input, target] of cases) {
      const plain = messageOf(() => loss.ofBatch(input, target));
      expect(plain).toContain('ShapeError');
      expect(messageOf(() => loss.ofBatch(input, target, ones))).toBe(plain);
    }
  });

  test('weights that do not fit are refused', () => {
    const refused = (weight: Sequence): unknown => {
      try {
        return new MSELoss().ofBatch(output, target, weight);
      } catch (error) {
        return error;
      }
    };
    const three = tensor([1, 2, 3]);
    const odd = refused(three);
    expect(odd).toBeInstanceOf(ShapeError);
    expect(String(odd)).toContain(
      `MSELoss: got weight ${String(three)} for values of shape [2, 2, 1], expected one an example, [2], ` +
        'or one a step, [2, 2] with lengths [2, 1].\n' +
        '  Fix: give each item a field weight: a number, or an array with one a step.',
    );
    const four = tensor([[1, 2], [3, 4]]); // prettier-ignore
    expect(String(refused(new PaddedSequence(four, [1, 2])))).toContain(
      `MSELoss: got weight ${String(four)} with lengths [1, 2] for values of shape [2, 2, 1]`,
    );
  });
});

test('a loss of one’s own weighs in ofBatch, or refuses', async () => {
  class Absolute extends Loss {
    override forward(input: Tensor, target: Tensor): Tensor {
      return input.sub(target).abs().mean();
    }
  }
  const call = (): unknown => new Absolute().ofBatch(probabilities, targets, tensor(weights));
  expect(call).toThrow(OptionError);
  expect(call).toThrow(
    'Absolute: got a batch with a weight, expected a loss that weighs examples or steps.\n' +
      '  Fix: write ofBatch(input, target, weight) in this class, or leave weight out of the batches.',
  );
});
