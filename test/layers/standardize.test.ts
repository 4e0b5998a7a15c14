import { describe, expect, test } from 'vitest';
import {
  DataLoader,
  DisposedError,
  PaddedSequence,
  Standardize,
  Subset,
  WorkerDataset,
  pad,
  tensor,
  zeros,
  type HostArray,
} from 'stmnet';
import { differences } from '../support/near';
import { here } from '../support/devices';

const items = [
  { input: { data: Float32Array.of(1, 10, 5, 3, 20, 5), shape: [2, 3] }, target: 0 },
  { input: { data: Float32Array.of(5, 60, 5), shape: [1, 3] }, target: 1 },
];

describe('Standardize', () => {
  test('measures mean and deviation over all steps; a constant feature has deviation 1', async () => {
    const layer = new Standardize().fit(items);
    expect(layer.options.numFeatures).toBe(3);
    expect(differences((await layer.mean?.data()) ?? [], [3, 30, 5], 1e-6)).toEqual([]);
    expect(
      differences((await layer.deviation?.data()) ?? [], [Math.sqrt(8 / 3), Math.sqrt(1400 / 3), 1], 1e-5),
    ).toEqual([]);
    const output = layer.forward(pad(items.map(({ input }) => input)));
    expect(await output.values.select(0, 1).slice([1], [null]).array()).toEqual([[0, 0, 0]]);
    const real = (await output.array())
      .flat(1)
      .map((step) => (typeof step === 'object' ? Number(step[0]) : Number.NaN));
    expect(
      differences(
        [real.reduce((sum, value) => sum + value, 0), real.reduce((sum, value) => sum + value * value, 0)],
        [0, 3],
        1e-5,
      ),
    ).toEqual([]);
  });

  test('takes nested arrays, and large means without losing digits', async () => {
    const layer = new Standardize({ dtype: 'f64' }).fit([[[1e6 + 1], [1e6 + 2]], [[1e6 + 3]]]);
    expect(differences((await layer.mean?.data()) ?? [], [1e6 + 2], 1e-6)).toEqual([]);
    expect(differences((await layer.deviation?.data()) ?? [], [Math.sqrt(2 / 3)], 1e-9)).toEqual([]);
  });

  test('its statistics are state, not parameters, and are rebuilt from the options', async () => {
    const layer = new Standardize().fit(items);
    expect(layer.parameters()).toEqual([]);
    const copy = new Standardize(layer.options);
    expect(copy.loadStateDict(layer.stateDict())).toEqual({ missing: [], unexpected: [] });
    const x = tensor([[2, 3, 4]]);
    expect(await copy.forward(x).data()).toEqual(await layer.forward(x).data());
  });

  test('a second fit replaces the first in place', async () => {
    const layer = new Standardize().fit(items);
    const { mean } = layer;
    layer.fit([[[1, 2, 3]]]);
    expect(layer.mean).toBe(mean);
    expect(await mean?.array()).toEqual([1, 2, 3]);
  });

  test('rows without steps say nothing, also first', async () => {
    expect(
      await new Standardize()
        .fit([
          [],
          [
            [1, 2],
            [3, 4],
          ],
          [],
        ])
        .mean?.array(),
    ).toEqual([2, 3]);
  });

  test('of a dataset whose items are promises, fit is a promise of the same statistics', async () => {
    const numbers = Array.from({ length: 150 }, (_, index) => ({ input: [[index, 1 / (index + 1)]] }));
    const [pending, most] = [new Set<number>(), { pending: 0 }];
    const dataset = {
      length: numbers.length,
      async at(index: number): Promise<{ input: number[][] } | undefined> {
        pending.add(index);
        most.pending = Math.max(most.pending, pending.size);
        await Promise.resolve();
        pending.delete(index);
        return numbers[index];
      },
    };
    const layer = new Standardize();
    const fitted: Promise<Standardize> = layer.fit(dataset);
    expect(await fitted).toBe(layer);
    expect(most.pending).toBe(64);
    const expected = new Standardize().fit(numbers);
    expect(await layer.mean?.data()).toEqual(await expected.mean?.data());
    expect(await layer.deviation?.data()).toEqual(await expected.deviation?.data());
  });

  test('an item may be a promise where those before it are none, and none is asked for twice', async () => {
    const asked: number[] = [];
    const at = (index: number): unknown => {
      asked.push(index);
      return index === 0 ? [[1]] : Promise.resolve([[2 * index]]);
    };
    const layer = await (new Standardize().fit({ length: 3, at }) as Standardize | Promise<Standardize>);
    expect(await layer.mean?.array()).toEqual([Math.fround(7 / 3)]);
    expect(asked).toEqual([0, 1, 2]);
  });

  test('of a Subset of a WorkerDataset, and what closes the dataset meanwhile rejects the promise alone', async () => {
    const dataset = await WorkerDataset.open<{ input: HostArray; target: number }>(
      new URL('../data/fixtures/worker-items.mjs', import.meta.url),
      { workers: 1, data: { kind: 'array', count: 4 } },
    );
    const training = new Subset(dataset, [0, 1]);
    const layer = await new Standardize().fit(training);
    const all = new Standardize().fit(await Promise.all([dataset.at(0), dataset.at(1)]));
    expect(await layer.mean?.data()).toEqual(await all.mean?.data());
    const [fitted] = await Promise.allSettled([new Standardize().fit(dataset), dataset.close()]);
    expect(fitted).toEqual({ status: 'rejected', reason: expect.any(DisposedError) as unknown });
  });

  test('what an awaited item lacks is told with its place', async () => {
    const fit = (at: (index: number) => Promise<unknown>): Promise<Standardize> =>
      new Standardize().fit({ length: 3, at });
    const items = [[[1]], [[2]], [[NaN]]];
    await expect(fit((index) => Promise.resolve(items[index]))).rejects.toThrow(
      'Standardize.fit: got NaN in item 2, feature 0, expected finite numbers',
    );
    const thrown = new Error('no such file');
    await expect(fit((index) => Promise.reject(new Error(`closed at ${index}`)))).rejects.toThrow('closed at');
    await expect(
      fit((index) => {
        if (index === 1) throw thrown;
        return Promise.resolve([[1]]);
      }),
    ).rejects.toBe(thrown);
  });

  test('with numFeatures it starts as the identity', async () => {
    expect(await new Standardize({ numFeatures: 2 }).forward(tensor([[3, 4]])).array()).toEqual([[3, 4]]);
  });

  test('mistakes', () => {
    expect(() => new Standardize().forward(zeros([1, 2]))).toThrow(
      'Standardize.forward: got a layer that was not fitted, expected mean and deviation of the training data',
    );
    expect(() => new Standardize().fit(items).forward(new PaddedSequence(zeros([1, 2, 4]), [1]))).toThrow(
      `Standardize.forward: got input f32[1, 2, 4] on ${here}, lengths [1], expected last axis 3 (numFeatures)`,
    );
    expect(() => new Standardize().fit(new DataLoader(items, { batchSize: 1 }) as never)).toThrow(
      /expected a dataset, or an array of inputs.\n {2}Fix: fit on the items themselves, before a DataLoader/,
    );
    expect(() => new Standardize().fit([{ x: [[1]] } as never])).toThrow(/Fix: name the numbers input, as in/);
    expect(() => new Standardize().fit([])).toThrow(
      'Standardize.fit: got data without a step, expected at least one step',
    );
    expect(() => new Standardize().fit([[[1, 2]], [[1]]])).toThrow(
      'Standardize.fit: got item 1 of shape [1, 1], expected last axis 2, as item 0',
    );
    expect(() => new Standardize().fit([Promise.resolve([[1]])])).toThrow(
      'Standardize.fit: got a Promise as item 0, expected a host array or nested arrays […, D].\n' +
        '  Fix: await the promise first.',
    );
    expect(() => new Standardize().fit([[[1, NaN]]])).toThrow(
      'Standardize.fit: got NaN in item 0, feature 1, expected finite numbers',
    );
    expect(() => new Standardize().fit([zeros([1, 2])])).toThrow(
      `Standardize.fit: got f32[1, 2] on ${here} as item 0, expected a host array or nested arrays […, D]`,
    );
    expect(() => new Standardize({ numFeatures: 4 }).fit(items)).toThrow(
      'Standardize.fit: got data of 3 features, expected 4 (numFeatures)',
    );
  });
});

test('an item that is missing, or ragged, is told with its place', () => {
  const fit = (items: unknown[]) => () => new Standardize().fit(items as number[][][]);
  expect(fit([[[1]], null])).toThrow(
    'Standardize.fit: got null as item 1, expected a host array or nested arrays […, D].\n  Fix: leave such items out.',
  );
  expect(fit([{ input: [[1]] }, { input: undefined }])).toThrow('got undefined as item 1, expected');
  const ragged = [[1, 2], [3]];
  expect(fit([[[1, 2]], ragged])).toThrow('Standardize.fit: got [3] at depth 1 in item 1, expected nested arrays');
});
