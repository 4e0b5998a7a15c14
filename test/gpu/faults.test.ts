import { expect, test } from 'vitest';
import {
  Adam,
  arange,
  crossEntropy,
  Embedding,
  embedding,
  gather,
  indexSelect,
  Linear,
  LSTM,
  manualSeed,
  memory,
  noGrad,
  ones,
  randn,
  scope,
  setMaxMemory,
  synchronize,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { bits, cuda, describeCuda } from './cuda';

/** Indices that only the device knows: computed there. */
const computed = (values: readonly number[]): Tensor =>
  tensor(Int32Array.from(values)).add(tensor(Int32Array.from(values, () => 0)));

const usable = async (): Promise<void> =>
  expect(await tensor([1, 2, 3]).mul(2).data()).toEqual(Float32Array.of(2, 4, 6));

describeCuda('indices that the device finds out of range', () => {
  test.each<[string, () => Tensor, RegExp]>([
    ['embedding', () => embedding(computed([1, 99, 2]), randn([10, 4])), /embedding.*99.*0\.\.9/s],
    ['embedding, below zero', () => embedding(computed([1, -1, 2]), randn([10, 4])), /embedding.*-1.*0\.\.9/s],
    ['indexSelect', () => indexSelect(randn([5, 4]), 0, computed([0, 7])), /indexSelect.*7/s],
    ['gather', () => gather(randn([2, 4]), 1, computed([3, 4]).reshape([2, 1])), /gather.*4/s],
    ['crossEntropy', () => crossEntropy(randn([3, 5]), computed([0, 5, 1])), /crossEntropy.*5/s],
  ])(
    '%s: the read is rejected with op, value and bounds, once, and the device stays usable',
    async (_, run, message) => {
      await expect(run().data()).rejects.toThrow(message);
      await usable();
      await synchronize(cuda);
    },
  );

  test('a step that follows from one leaves the parameters as they were', async () => {
    manualSeed(1);
    const [table, head] = [
      new Embedding({ numEmbeddings: 10, embeddingDim: 6 }),
      new Linear({ inFeatures: 6, outFeatures: 3 }),
    ];
    const parameters = [...table.parameters(), ...head.parameters()];
    const optimizer = new Adam(parameters, { learningRate: 0.1 });
    const step = (words: Tensor): void => {
      const loss = crossEntropy(head.forward(table.forward(words)), tensor(Int32Array.of(0, 1, 2)));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    };
    step(computed([1, 2, 3]));
    await synchronize(cuda);
    const before = await Promise.all(parameters.map(bits));
    step(computed([1, 2, 1000]));
    await expect(synchronize(cuda)).rejects.toThrow(/1000/);
    expect(await Promise.all(parameters.map(bits))).toEqual(before);
    step(computed([4, 5, 6]));
    await synchronize(cuda);
    expect(await Promise.all(parameters.map(bits))).not.toEqual(before);
  });
});

describeCuda('memory that is not there', () => {
  test('more than the device has rejects the read with the sizes, and the device stays usable', async () => {
    const sum = zeros([2 ** 20, 2 ** 20]).sum(); // 4 TiB
    await expect(sum.item()).rejects.toThrow(/4398046511104 bytes.*free.*Fix:/s);
    await usable();
  });

  test('a limit rejects what goes past it in the middle of a training step; training goes on below it', async () => {
    manualSeed(2);
    const layer = new LSTM({ inputSize: 32, hiddenSize: 32 });
    const pass = (rows: number): Tensor =>
      scope(() => {
        for (const parameter of layer.parameters()) parameter.grad = undefined;
        const loss = layer
          .forward(randn([rows, 20, 32]))
          .output.square()
          .mean();
        loss.backward();
        return loss;
      });
    const first = await pass(4).item();
    await synchronize(cuda);
    setMaxMemory(memory().usedBytes + 2 ** 22, cuda);
    try {
      await expect(pass(4096).item()).rejects.toThrow(/asked for \d+ bytes/);
      await synchronize(cuda).catch(() => undefined);
      expect(await pass(4).item()).toBeGreaterThan(first / 10);
    } finally {
      setMaxMemory(0, cuda);
    }
    expect(await pass(4096).item()).toBeGreaterThan(0);
  });

  test('what a failed pass held is given back', async () => {
    const held = async (): Promise<number> => {
      await synchronize(cuda);
      return memory().usedBytes;
    };
    const attempt = async (): Promise<void> => {
      const x = scope(() =>
        noGrad(() =>
          ones([1024, 1024])
            .matmul(zeros([1024, 2 ** 30]))
            .sum(),
        ),
      );
      await expect(x.item()).rejects.toThrow(/4398046511104 bytes/);
      x.dispose();
    };
    await attempt();
    const before = await held();
    for (let i = 0; i < 20; i++) await attempt();
    expect(await held()).toBeLessThanOrEqual(before); // less if the collector took what earlier tests left
  });

  test('arange of a length that fits still does', async () => {
    expect((await arange(0, 1000).data()).at(-1)).toBe(999);
  });
});
