import { expect, test } from 'vitest';
import * as stm from 'stmnet';
import { ones, PaddedSequence, tensor, zeros, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

// Sizes whose products and sums leave 64 bits, or 53, must not come back as small ones.

const refused = expect.objectContaining({
  name: expect.stringMatching(/^(OptionError|ShapeError)$/),
  message: expect.stringMatching(/Fix: /),
});
/** Such a refusal, or what the device says: that a result of nothing but extents has no room, or an index no place. */
const ended = expect.objectContaining({
  name: expect.stringMatching(/^(OptionError|ShapeError|NativeError)$/),
  message: expect.stringMatching(/Fix: /),
});
const most = 2 ** 53 - 1;
const i32 = { dtype: 'i32' } as const;
const huge = [2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52, most];

describeDevices('huge sizes', () => {
  test.each([
    ['a dilation', (n: number) => stm.unfold(ones([1]), 0, 4097, { dilation: n })],
    ['a window', (n: number) => stm.unfold(ones([1]), 0, n, { dilation: 4096 })],
    ['a window and its dilation', (n: number) => stm.unfold(ones([3]), 0, n, { dilation: n, stride: n })],
    ['a kernel’s dilation', (n: number) => stm.conv1d(ones([1, 4, 1]), ones([1, 1, 3]), { dilation: n })],
    ['the extents of a reshape', (n: number) => stm.reshape(ones([4]), [n, n, n, n])],
    ['the extents of a reshape with one left open', (n: number) => stm.reshape(ones([4]), [n, n, -1])],
    ['the extents of a reshape of nothing', (n: number) => stm.reshape(zeros([0]), [0, n, n, n])],
    ['a new shape', (n: number) => zeros([n, n, n])],
    ['a new shape of nothing', (n: number) => zeros([0, n, n, n])],
    ['the axes of an expansion', (n: number) => ones([1, 1, 1]).expand([n, n, n])],
    ['the axes of an expansion of nothing', (n: number) => zeros([0, 1, 1, 1]).expand([0, n, n, n])],
    ['repeats', (n: number) => stm.tile(ones([2, 2, 2]), [n, n, n])],
    ['repeats of nothing', (n: number) => stm.tile(zeros([0, 2, 2, 2]), [1, n, n, n])],
    ['a range', (n: number) => stm.arange(0, 2 * n * n)],
    ['a range of small steps', (n: number) => stm.arange(0, n, 1 / n ** 2)],
    ['a unit matrix', (n: number) => stm.eye(n * n)],
    ['listed parts', (n: number) => stm.split(ones([1]), [n, n, most, 1])],
    ['a part’s rows and steps', (n: number) => stm.rand([n, n, n])],
    ['the k of a sort', (n: number) => stm.topK(ones([4]), n)],
    [
      'borders',
      (n: number) =>
        stm.padConstant(ones([1, 1, 1]), [
          [n, n],
          [n, n],
          [n, n],
        ]),
    ],
  ])('%s', (_, call) => {
    for (const n of huge) expect(() => call(n), `${n}`).toThrowError(refused);
  });

  test('parts whose sizes add up to the extent once the sum has wrapped', () => {
    const sizes = new Array<number>(2048).fill(most);
    sizes.push(2049);
    expect(() => stm.split(ones([1]), sizes)).toThrowError(refused);
    expect(() => stm.split(zeros([2 ** 40, 0]), 1)).toThrowError(refused);
  });

  test('one-hot classes, embeddings, layers', () => {
    expect(() => stm.oneHot(tensor([0], i32).expand([2 ** 20]), 2 ** 30)).toThrowError(refused);
    expect(() => stm.embedding(tensor([0], i32).expand([2 ** 30]), ones([1, 1]).expand([1, 2 ** 20]))).toThrowError(
      refused,
    );
    for (const n of [2 ** 40, 2 ** 52, most]) {
      expect(() => new stm.Embedding({ numEmbeddings: n, embeddingDim: n })).toThrowError(refused);
      expect(() => new stm.Linear({ inFeatures: n, outFeatures: n })).toThrowError(refused);
      expect(() => new stm.LSTM({ inputSize: n, hiddenSize: n })).toThrowError(refused);
      expect(() => new stm.LSTM({ inputSize: 1, hiddenSize: 1, numLayers: n })).toThrowError(refused);
      expect(() => new stm.Conv1d({ inChannels: n, outChannels: n, kernelSize: n })).toThrowError(refused);
    }
  });

  test('a recurrent layer over more steps than it can number', () => {
    const lstm = new stm.LSTM({ inputSize: 1, hiddenSize: 1 });
    expect(() => lstm.forward(zeros([0, 2 ** 32, 1]))).toThrowError(refused);
    expect(() => lstm.forward(zeros([1]).expand([2 ** 20, 2 ** 20, 1]))).toThrowError(refused);
  });

  test('labels, lengths and weights of more than 32 bits', () => {
    const long = 2 ** 32;
    expect(() =>
      stm.ctcLoss(zeros([1]).expand([long, 1, 2]), tensor([[1]], i32), { inputLengths: [long], targetLengths: [1] }),
    ).toThrowError(refused);
    expect(() =>
      stm.ctcLoss(zeros([4, 1, 2]), tensor([[1]], i32).expand([1, long]), { inputLengths: [4], targetLengths: [long] }),
    ).toThrowError(refused);
    expect(() => stm.sort(zeros([1]).expand([long]))).toThrowError(refused);
  });

  test.each([
    ['softmax', (x: Tensor) => stm.softmax(x)],
    ['sum', (x: Tensor) => stm.sum(x, 1)],
    ['sort', (x: Tensor) => stm.sort(x, 1).values],
    ['cumsum', (x: Tensor) => stm.cumsum(x, 0)],
    ['concat', (x: Tensor) => stm.concat([x, x, x], 0)],
    ['matmul', (x: Tensor) => stm.matmul(x, x.transpose(0, 1))],
    ['indexSelect', (x: Tensor) => stm.indexSelect(x, 1, tensor(Int32Array.of()))],
    ['flip', (x: Tensor) => stm.flip(x, [0, 1])],
    ['tile', (x: Tensor) => stm.tile(x, [3, 2])],
    ['clone', (x: Tensor) => x.transpose(0, 1).clone()],
    ['add', (x: Tensor) => x.add(x)],
    [
      'padConstant',
      (x: Tensor) =>
        stm.padConstant(x, [
          [1, 2],
          [0, 0],
        ]),
    ],
    ['gather', (x: Tensor) => stm.gather(x, 0, zeros([3, x.shape[1] ?? 0], i32))],
    ['unfold', (x: Tensor) => stm.unfold(x, 0, 1)],
    ['mseLoss', (x: Tensor) => stm.mseLoss(x, x, { reduction: 'sum' })],
    ['stack', (x: Tensor) => stm.stack([x, x], 0)],
    ['cast', (x: Tensor) => x.cast('f64')],
  ] as const)('%s of nothing beside a huge extent ends at once', async (_, run) => {
    for (const shape of [
      [0, 2 ** 20],
      [2 ** 20, 0],
      [0, 2 ** 40],
      [2 ** 40, 0],
    ]) {
      try {
        const y = run(zeros(shape, { requiresGrad: true }));
        if (y.requiresGrad) y.sum().backward();
        if (y.size < 100) await y.data();
      } catch (error) {
        expect(error).toEqual(ended);
      }
    }
    await stm.synchronize().catch((error: unknown) => expect(error).toEqual(ended));
  });

  test('an array of so many empty arrays is refused', async () => {
    await expect(zeros([2 ** 32, 0]).array()).rejects.toThrowError(refused);
    expect(await zeros([3, 0]).array()).toEqual([[], [], []]);
    expect(await zeros([0, 2 ** 40]).array()).toEqual([]);
  });

  test('padding to huge numbers of steps is refused', () => {
    for (const steps of [2 ** 41, most]) expect(() => stm.pad([ones([2])], { steps })).toThrowError(refused);
    expect(() => new PaddedSequence(zeros([1, 2, 1]), [2 ** 32])).toThrowError(refused);
  });
});
