import { describe, expect, it } from 'vitest';
import {
  PaddedSequence,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  logSoftmax,
  ones,
  sigmoid,
  tensor,
  zeros,
  type HostArray,
  type Tensor,
} from 'stmnet';
import { here } from '../../support/devices';
import { expectGradients, probabilities, spread, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

const f64 = (source: HostArray): Tensor => tensor(source, { dtype: 'f64' });

describe('crossEntropy', () => {
  const labels = (values: readonly number[] | readonly (readonly number[])[]): Tensor =>
    tensor(values, { dtype: 'i32' });
  /** Weighted losses and weights of the rows of `logits`. */
  function rows(
    logits: HostArray,
    classes: readonly number[],
    {
      weight,
      smoothing = 0,
      steps,
    }: { weight?: readonly number[]; smoothing?: number; steps?: readonly number[] } = {},
  ) {
    const count = logits.shape.at(-1) ?? 1;
    return classes.map((label, row) => {
      const x = Array.from(logits.data.slice(row * count, (row + 1) * count));
      const largest = Math.max(...x);
      const log = x.map(
        (value) => value - largest - Math.log(x.reduce((sum, one) => sum + Math.exp(one - largest), 0)),
      );
      const factor = (c: number): number => weight?.[c] ?? 1;
      const step = steps?.[row] ?? 1;
      const smooth = log.reduce((sum, p, c) => sum - factor(c) * p, 0) / count;
      return {
        loss: step * ((1 - smoothing) * factor(label) * -(log[label] ?? 0) + smoothing * smooth),
        weight: step * factor(label),
      };
    });
  }
  const mean = (losses: readonly { loss: number; weight: number }[]): number =>
    losses.reduce((s, { loss }) => s + loss, 0) / losses.reduce((s, { weight }) => s + weight, 0);
  const logits = spreadArray([4, 3], 1, 3);
  const classes = [2, 0, 1, 1];
  const weight = [0.5, 2, 1.25];

  it('is the mean, the sum or each of -log softmax at the labels', async () => {
    const expected = rows(logits, classes);
    expect(
      differences(
        await crossEntropy(f64(logits), labels(classes), { reduction: 'none' }).data(),
        expected.map(({ loss }) => loss),
        1e-12,
      ),
    ).toEqual([]);
    expect(differences([await crossEntropy(f64(logits), labels(classes)).item()], [mean(expected)], 1e-12)).toEqual([]);
    expect(
      differences(
        [await crossEntropy(f64(logits), labels(classes), { reduction: 'sum' }).item()],
        [4 * mean(expected)],
        1e-12,
      ),
    ).toEqual([]);
    expect(
      differences(
        [
          await crossEntropy(
            f64({ ...logits, shape: [2, 2, 3] }),
            labels([
              [2, 0],
              [1, 1],
            ]),
          ).item(),
        ],
        [mean(expected)],
        1e-12,
      ),
    ).toEqual([]);
  });

  it('takes class weights, step weights, smoothing and an index to ignore together', async () => {
    const steps = [1, 0.5, 3, 2];
    const options = { weight: tensor(weight, { dtype: 'f64' }), labelSmoothing: 0.2, ignoreIndex: 0 };
    const all = rows(logits, classes, { weight, smoothing: 0.2, steps });
    const expected = mean([all[0], all[2], all[3]].flatMap((row) => row ?? []));
    const stepWeights = tensor(steps, { dtype: 'f64' });
    expect(
      differences(
        [await crossEntropy(f64(logits), labels(classes), { ...options, stepWeights }).item()],
        [expected],
        1e-12,
      ),
    ).toEqual([]);
    const none = await crossEntropy(f64(logits), labels(classes), {
      ...options,
      stepWeights,
      reduction: 'none',
    }).data();
    expect(
      differences(
        none,
        all.map(({ loss }, row) => (classes[row] === 0 ? 0 : loss)),
        1e-12,
      ),
    ).toEqual([]);
  });

  it('gives each sequence of [N, T] its weight for [N] step weights', async () => {
    const x = f64({ ...logits, shape: [2, 2, 3] });
    const each = rows(logits, classes, { steps: [3, 3, 0.5, 0.5] });
    expect(
      differences(
        [
          await crossEntropy(
            x,
            labels([
              [2, 0],
              [1, 1],
            ]),
            { stepWeights: tensor([3, 0.5], { dtype: 'f64' }) },
          ).item(),
        ],
        [mean(each)],
        1e-12,
      ),
    ).toEqual([]);
  });

  it('counts real steps only, whatever stands in the padding', async () => {
    const x = spreadArray([3, 2, 3], 4);
    const target = [
      [2, 99],
      [-7, 99],
      [0, 1],
    ];
    const padded = new PaddedSequence(tensor(target, { dtype: 'i32' }), [1, 0, 2]);
    const kept = rows(
      { data: Float64Array.from([...x.data.slice(0, 3), ...x.data.slice(12)]), shape: [3, 3] },
      [2, 0, 1],
    );
    const input = f64(x).requiresGrad_();
    const loss = crossEntropy(new PaddedSequence(input, [1, 0, 2]), padded);
    expect(differences([await loss.item()], [mean(kept)], 1e-12)).toEqual([]);
    loss.backward();
    const gradient = (await input.grad?.data()) ?? [];
    expect(Array.from(gradient.slice(3, 12))).toEqual(new Array(9).fill(0));
    expect(gradient[0]).not.toBe(0);
  });

  it('has the gradients of differences', async () => {
    const settings = [
      {},
      { reduction: 'sum' },
      { reduction: 'none' },
      { weight: tensor(weight, { dtype: 'f64' }) },
      { labelSmoothing: 0.3 },
      { ignoreIndex: 1 },
      {
        weight: tensor(weight, { dtype: 'f64' }),
        labelSmoothing: 0.3,
        stepWeights: tensor([1, 2, 0, 0.5], { dtype: 'f64' }),
      },
    ] as const;
    for (const options of settings) await expectGradients((x) => crossEntropy(x, labels(classes), options), [logits]);
    await expectGradients(
      (x) =>
        crossEntropy(
          new PaddedSequence(x, [1, 2]),
          labels([
            [0, 2],
            [1, 1],
          ]),
        ),
      [{ ...logits, shape: [2, 2, 3] }],
    );
  });

  it('is exact for logits of any size and many classes in f32', async () => {
    const data = Float32Array.from({ length: 3 * 1500 }, (_, index) => 300 * spread(index));
    const expected = rows({ data: Float64Array.from(data), shape: [3, 1500] }, [7, 1499, 700]);
    const got = await crossEntropy(tensor({ data, shape: [3, 1500] }), labels([7, 1499, 700]), {
      reduction: 'none',
    }).data();
    expected.forEach(({ loss }, row) => expect(differences([(got[row] ?? 0) / loss], [1], 1e-6)).toEqual([]));
  });

  it('refuses a label out of range: at the call from the host, else at the read', async () => {
    expect(() => crossEntropy(zeros([2, 3]), labels([0, 3]))).toThrow(
      /crossEntropy: got target .*with the value 3, expected 0\.\.2/,
    );
    expect(() => crossEntropy(zeros([2, 3]), labels([0, -1]))).toThrow(/with the value -1, expected 0\.\.2/);
    await expect(crossEntropy(zeros([3, 3]), labels([-100, -1, 0])).item()).rejects.toMatchObject({
      name: 'NativeError',
      op: 'crossEntropy',
      code: 'ERR_STM_INDEX',
      message:
        'crossEntropy: got class label -1 at step 1, expected 0..2 (the last axis of the input) or ignoreIndex ' +
        '-100.\n  Fix: correct the label, or give the input more classes.',
    });
    const padded = new PaddedSequence(
      labels([
        [0, 5],
        [1, 5],
      ]),
      [2, 1],
    );
    await expect(crossEntropy(new PaddedSequence(zeros([2, 2, 3]), [2, 1]), padded).item()).rejects.toThrow(
      /got class label 5 at step 1, expected 0\.\.2/,
    );
  });

  it('refuses a mean where nothing counts', async () => {
    await expect(crossEntropy(zeros([2, 3]), labels([-100, -100])).item()).rejects.toThrow(
      /got 2 steps that are all ignored or weigh 0, expected one that counts for the mean\.\n  Fix: leave such batches/,
    );
    expect(await crossEntropy(zeros([2, 3]), labels([-100, -100]), { reduction: 'sum' }).item()).toBe(0);
    expect(() => crossEntropy(zeros([0, 3]), tensor({ data: new Int32Array(0), shape: [0] }))).toThrow(
      /without any real element/,
    );
    expect(() => crossEntropy(new PaddedSequence(zeros([1, 2, 3]), [0]), labels([[0, 0]]))).toThrow(
      /without any real element/,
    );
  });

  it('refuses shapes, dtypes and options that do not fit', () => {
    const target = labels([0, 1]);
    expect(() => crossEntropy(zeros([2, 3, 4]), target)).toThrow(
      `got input f32[2, 3, 4] on ${here} and target i32[2] on ${here}, ` +
        'expected a target of shape [2, 3]: classes are the last axis of the input',
    );
    expect(() => crossEntropy(zeros([2, 3]), zeros([2], { dtype: 'bool' }))).toThrow(
      /got target bool\[2\] on (cpu|cuda:0), expected i32, or f32 or f64 that hold whole numbers/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { weight: ones([2]) })).toThrow(
      /got weight f32\[2\] on (cpu|cuda:0) for input f32\[2, 3\] on (cpu|cuda:0), expected \[3\]/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { stepWeights: ones([3]) })).toThrow(
      /got stepWeights f32\[3\] on (cpu|cuda:0)/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { labelSmoothing: 1.5 })).toThrow(
      /labelSmoothing: 1.5, expected a number in 0\.\.1/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { ignoreIndex: 0.5 })).toThrow(/a whole number/);
    expect(() => crossEntropy(zeros([2, 3]), target, { ignore_index: 1 } as object)).toThrow(
      /write ignoreIndex, if that is what you mean/,
    );
    expect(() => crossEntropy(zeros([2, 0]), target)).toThrow(/at least one class/);
  });
});

describe('fused and composed', () => {
  it('agree: sigmoid then BCE, log-softmax then picking', async () => {
    const [x, t] = [f64(spreadArray([4, 3])), f64(probabilities([4, 3], 2))];
    expect(
      differences(
        [await binaryCrossEntropy(sigmoid(x), t).item()],
        [await binaryCrossEntropyWithLogits(x, t).item()],
        1e-12,
      ),
    ).toEqual([]);
    const picked = Array.from(await logSoftmax(x).data()).filter((_, index) => index % 3 === 1);
    expect(
      differences(
        [await crossEntropy(x, tensor([1, 1, 1, 1], { dtype: 'i32' })).item()],
        [-picked.reduce((sum, one) => sum + one, 0) / 4],
        1e-12,
      ),
    ).toEqual([]);
  });
});
