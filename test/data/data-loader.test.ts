import { describe, expect, test } from 'vitest';
import {
  ArrayDataset,
  collate,
  CrossEntropyLoss,
  DataLoader,
  DTypeError,
  Embedding,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  MSELoss,
  mseLoss,
  OptionError,
  PaddedSequence,
  Sequential,
  SGD,
  ShapeError,
  SequentialSampler,
  Subset,
  tensor,
  Tensor,
  Trainer,
  zeros,
  type Dataset,
  type Loss,
  type Module,
  type Sequence,
} from 'stmnet';
import { handlesKept } from '../support/handles';

const array = (x: Sequence): Promise<unknown> => x.array();

describe('collate', () => {
  test('pads what differs in length, with its lengths, zero among them', async () => {
    const { input, target } = collate([
      {
        input: [
          [1, 2],
          [3, 4],
        ],
        target: 2,
      },
      { input: [[5, 6]], target: 0 },
      { input: { data: new Float32Array(0), shape: [0, 2] }, target: 1 },
    ]);
    expect(input).toBeInstanceOf(PaddedSequence);
    expect(input.shape).toEqual([3, 2, 2]);
    expect(await array(input)).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
      [],
    ]);
    expect([target.dtype, await array(target)]).toEqual(['f32', [2, 0, 1]]);
  });
  test('stacks what has one shape, and keeps typed arrays', async () => {
    const batch = collate([
      { x: Int32Array.of(1, 2), y: 0.5, z: true },
      { x: Int32Array.of(3, 4), y: 1, z: false },
    ]);
    expect(batch.x).toBeInstanceOf(Tensor);
    expect([batch.x.dtype, batch.y.dtype, batch.z.dtype]).toEqual(['i32', 'f32', 'bool']);
    expect(await array(batch.x)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await array(batch.y)).toEqual([0.5, 1]);
  });
  test('large batches are joined on the device, to the same numbers, and leave one handle', async () => {
    const rows = [60_000, 50_000].map((length) => Float32Array.from({ length }, (_, i) => Math.sin(i)));
    const equal = rows.map((row) => ({ data: row.slice(0, 50_000), shape: [25_000, 2] }));
    const before = handlesKept();
    const [stacked, padded] = [collate(equal), collate(rows)];
    expect(handlesKept()).toBe(before + 2);
    expect(stacked.shape).toEqual([2, 25_000, 2]);
    expect(await stacked.data()).toEqual(Float32Array.from(equal.flatMap(({ data }) => Array.from(data))));
    expect(padded.shape).toEqual([2, 60_000]);
    expect(await padded.data()).toEqual(Float32Array.from(rows.flatMap((row) => Array.from(row))));
    expect(collate([new Float64Array(40_000), new Float32Array(40_000)]).dtype).toBe('f32');
  });
  test('items that are no records; element types that are asked for', async () => {
    expect(
      await array(
        collate([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(collate([1, 2], 'f32').dtype).toBe('f32');
    expect(collate([{ target: 1 }, { target: 2 }], { target: 'f64' }).target.dtype).toBe('f64');
  });
  test('tensors stay in the graph', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const { input } = collate([{ input: x }, { input: x.mul(3) }]);
    if (!(input instanceof Tensor)) throw new Error('expected a tensor');
    input.sum().backward();
    expect(Array.from((await x.grad?.data()) ?? [])).toEqual([4, 4]);
  });
  test('mistakes', () => {
    expect(() => collate([])).toThrow(
      'collate: got an empty batch, expected at least one item.\n  Fix: leave empty batches out.',
    );
    expect(() => collate([{ x: 1 }, { x: 'two' }])).toThrow('collate: got "two" as x of item 1');
    expect(() => collate([{ x: [1, 2] }, { x: [[1, 2]] }])).toThrow(ShapeError);
    expect(() => collate(['a'])).toThrow('collate: got "a" as item 0');
    expect(() => collate([{ x: 1 }], { x: 'f16' as 'f32' })).toThrow(/got dtype "f16"/);
    expect(() => collate([{ target: 1 }], { targt: 'f32' } as never)).toThrow(
      'collate: got targt in dtypes, expected only fields of the items: target.\n' +
        '  Fix: write target, if that is what you mean by targt.',
    );
    expect(() => collate([{ target: 1 }], 'f32' as never)).toThrow(
      'collate: got dtypes: "f32", expected element types by field (target).',
    );
    expect(() => collate([{ target: 1 }], new Map([['target', 'i32']]) as never)).toThrow(
      /^collate: got dtypes: Map, expected element types by field/,
    );
    expect(() => collate([1], { target: 'f32' } as never)).toThrow(
      'collate: got dtypes: { target } for items without names, expected one element type.',
    );
    expect(() => collate([{ y: 1 }, { y: 0.5 }], { y: 'i32' })).toThrow(
      'collate: got the value 0.5 as y of item 1, expected whole numbers of 32 bits for dtype i32.\n' +
        "  Fix: correct the value, or choose another dtype, as in dtype: 'f32'.",
    );
    expect(() => collate([true, 1])).toThrow('collate: got 1 as item 1, expected a boolean, as item 0 is.');
  });
});

describe('DataLoader', () => {
  const dataset = new ArrayDataset(Array.from({ length: 7 }, (_, i) => ({ input: [i], target: i })));
  const targets = async (loader: DataLoader<{ input: number[]; target: number }>): Promise<unknown[]> =>
    Promise.all(Array.from(loader, ({ target }) => array(target)));

  test('batches in order, the last one smaller or left out', async () => {
    const loader = new DataLoader(dataset, { batchSize: 3 });
    expect(loader.length).toBe(3);
    expect(await targets(loader)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    const full = new DataLoader(dataset, { batchSize: 3, dropLast: true });
    expect([full.length, await targets(full)]).toEqual([
      2,
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ]);
  });
  test('an array is a dataset too', async () => {
    expect(await Promise.all(Array.from(new DataLoader([5, 6, 7], { batchSize: 2 }), (batch) => array(batch)))).toEqual(
      [[5, 6], [7]],
    );
  });
  test('for await walks over it too', async () => {
    let count = 0;
    for await (const { input } of new DataLoader(dataset, { batchSize: 2 })) count += input.shape[0] ?? 0;
    expect(count).toBe(7);
  });
  test('shuffle: another order each epoch, the same for the same seed', async () => {
    const loader = new DataLoader(dataset, { batchSize: 7, shuffle: true });
    manualSeed(4);
    const [first, second] = [await targets(loader), await targets(loader)];
    expect(first).not.toEqual(second);
    manualSeed(4);
    expect(await targets(loader)).toEqual(first);
    expect((first[0] as number[]).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
  test("a sampler and a collate function of one's own", () => {
    const sampler = { length: 2, [Symbol.iterator]: () => [6, 0][Symbol.iterator]() };
    const loader = new DataLoader(dataset, {
      batchSize: 2,
      sampler,
      collate: (items) => items.map(({ target }) => target),
    });
    expect([...loader]).toEqual([[6, 0]]);
  });
  test('a batchSampler chooses the items of each batch', () => {
    const batchSampler = {
      length: 2,
      *[Symbol.iterator]() {
        yield [6, 0, 3];
        yield [1];
      },
    };
    const loader = new DataLoader(dataset, { batchSampler, collate: (items) => items.map(({ target }) => target) });
    expect([loader.length, loader.batchSize, [...loader], [...loader]]).toEqual([
      2,
      undefined,
      [[6, 0, 3], [1]],
      [[6, 0, 3], [1]],
    ]);
    for (const [name, value] of Object.entries({ batchSize: 2, shuffle: true, seed: 1, dropLast: false }))
      expect(() => new DataLoader(dataset, { batchSampler, [name]: value })).toThrow(
        `DataLoader: got both ${name} and a batchSampler, expected one of them.\n` +
          `  Fix: leave ${name} out: the batchSampler chooses the items of a batch.`,
      );
    expect(() => new DataLoader(dataset, { batchSampler, sampler: new SequentialSampler(7) })).toThrow(
      /both sampler and a batchSampler/,
    );
    const giving = (batches: unknown[]) =>
      new DataLoader(dataset, { batchSampler: { length: 1, [Symbol.iterator]: () => batches.values() } as never });
    expect(() => [...giving([3])]).toThrow(
      'DataLoader: got 3 from the batchSampler, expected the indices of a batch, one at least.\n' +
        '  Fix: yield arrays such as [3, 0, 7], or pass a sampler of single indices as sampler, with a batchSize.',
    );
    expect(() => [...giving([[]])]).toThrow(/got \[\] from the batchSampler/);
    expect(() => [...giving([[7]])]).toThrow(/got index 7/);
    expect(
      () => new DataLoader(dataset, { batchSampler: { length: 0, [Symbol.iterator]: () => [].values() } }),
    ).toThrow(/got a batchSampler without batches/);
  });
  test('mistakes', () => {
    expect(() => new DataLoader(dataset, { seed: 1 })).toThrow(
      'DataLoader: got seed: 1 without shuffle, expected a seed only where the loader draws random numbers.\n' +
        '  Fix: add shuffle: true, or leave seed out.',
    );
    expect(() => new DataLoader(dataset, { seed: 1, sampler: new SequentialSampler(7) })).toThrow(
      /give the seed to the sampler/,
    );
    expect(() => new DataLoader(dataset, { sampler: 5 as never })).toThrow(
      'DataLoader: got sampler: 5, expected a sampler: a length, and a walk over an epoch.\n' +
        '  Fix: pass one of the package, or { length, *[Symbol.iterator]() { … } }.',
    );
    expect(() => new DataLoader(dataset, { batchSampler: { length: 1 } as never })).toThrow(/got batchSampler: /);
    expect(() => new DataLoader(new ArrayDataset([]))).toThrow(
      'DataLoader: got an empty dataset, expected at least one item.\n' +
        '  Fix: look at how the dataset was read or split.',
    );
    expect(() => new DataLoader(dataset, { batchSize: 8, dropLast: true })).toThrow(
      /batchSize: 8 with dropLast for 7 items/,
    );
    expect(() => new DataLoader(dataset, { batchSize: 0 })).toThrow(OptionError);
    expect(() => new DataLoader(dataset, { batchsize: 2 } as object)).toThrow(/got an option batchsize/);
    expect(() => new DataLoader(7 as never)).toThrow(
      'DataLoader: got 7, expected a dataset with length and at(index).',
    );
    expect(() => new DataLoader(dataset, { shuffle: true, sampler: new SequentialSampler(7) })).toThrow(
      /both shuffle and a sampler/,
    );
    expect(() => new DataLoader(dataset, { dtypes: { target: 'f32' }, collate: () => 0 })).toThrow(
      /both dtypes and collate/,
    );
  });
});

describe('element types never depend on the numbers', () => {
  const types = (loader: Iterable<{ target: Sequence }>): string[] => Array.from(loader, ({ target }) => target.dtype);
  const targets = [1, 2, 0.5, 3].map((target) => ({ input: [target], target }));

  test('plain numbers are f32, whole or not, alone and in arrays; booleans are bool', () => {
    expect(types(new DataLoader(targets))).toEqual(['f32', 'f32', 'f32', 'f32']);
    expect(types(new DataLoader(new Subset(new ArrayDataset(targets), [0, 3])))).toEqual(['f32', 'f32']);
    expect(Array.from(new DataLoader([1, 2]), (batch) => batch.dtype)).toEqual(['f32', 'f32']);
    expect(Array.from(new DataLoader([[1], [2, 3]], { batchSize: 2 }), (batch) => batch.dtype)).toEqual(['f32']);
    expect(types(new DataLoader([{ target: true }, { target: false }]))).toEqual(['bool', 'bool']);
  });
  test('what is asked for goes before, exactly, for tensors too', async () => {
    expect(types(new DataLoader(targets, { dtypes: { target: 'f64' } }))).toEqual(['f64', 'f64', 'f64', 'f64']);
    expect(Array.from(new DataLoader([1, 2], { dtypes: 'i32' }), (batch) => batch.dtype)).toEqual(['i32', 'i32']);
    const large = 2 ** 24 + 1;
    for (const rows of [
      [
        [large, 3],
        [1, 2],
      ],
      [[large], [1, 2]],
    ]) {
      expect(Array.from(await collate(rows, 'i32').data())).toEqual(rows.flat());
      expect(Array.from(await collate(rows, 'f64').data())).toEqual(rows.flat());
    }
    expect(Array.from(await collate([[0.1, 0.2]], 'f64').data())).toEqual([0.1, 0.2]);
    expect(Array.from(await collate([0.1], 'f64').data())).toEqual([0.1]);
    expect(collate([{ x: tensor([1, 2]) }, { x: tensor([3]) }], { x: 'f64' }).x.dtype).toBe('f64');
    const long = Array.from({ length: 70_000 }, (_, place) => large + 2 * place);
    expect(Array.from(await collate([long, long], 'i32').data())).toEqual([...long, ...long]);
    expect(Array.from(await collate([long, [large]], 'f64').data())).toEqual([...long, large]);
  });
  test('lists take the type of tensors beside them', () => {
    expect(collate([tensor([1, 2], { dtype: 'f64' }), [3, 4]]).dtype).toBe('f64');
    expect(collate([tensor([1, 2], { dtype: 'f64' }), [3]]).dtype).toBe('f64');
  });
  test('an item without steps has the features of the others, in whatever batch', () => {
    const items = [
      { input: [] },
      {
        input: [
          [1, 2],
          [3, 4],
        ],
      },
      { input: [] },
      { input: [] },
    ];
    expect(Array.from(new DataLoader(items), ({ input }) => input.shape)).toEqual([
      [1, 0, 2],
      [1, 2, 2],
      [1, 0, 2],
      [1, 0, 2],
    ]);
    expect(Array.from(new DataLoader(items, { batchSize: 2 }), ({ input }) => input.shape)).toEqual([
      [2, 2, 2],
      [2, 0, 2],
    ]);
    expect(Array.from(new DataLoader<number[]>([[], [1]]), (input) => input.shape)).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });
  test('items are not made beforehand', () => {
    const asked: number[] = [];
    const made: Dataset<{ target: number }> = {
      length: 3,
      at: (index) => (asked.push(index), { target: [0.5, 1, 2][index] ?? 0 }),
    };
    expect(types(new DataLoader(made))).toEqual(['f32', 'f32', 'f32']);
    expect(asked).toEqual([0, 1, 2]);
  });
  test('a field that the items lack', () => {
    expect(() => new DataLoader(targets, { dtypes: { traget: 'f32' } as never })).toThrow(
      'DataLoader: got traget in dtypes, expected only fields of the items: input, target.\n  Fix: write target',
    );
  });
  test('items that are yet to come', async () => {
    const later = new DataLoader({ length: 2, at: (index) => Promise.resolve({ input: [index] }) });
    expect(() => [...later]).toThrow(
      'DataLoader: got a promise from at(0), expected the item itself: a walk by for makes batches without waiting.\n' +
        '  Fix: write for await (const batch of loader), as fit and evaluate do.',
    );
    const failing = new DataLoader({ length: 1, at: () => Promise.reject(new Error('its own failure')) });
    expect(() => [...failing]).toThrow(OptionError);
    await new Promise((resolve) => setImmediate(resolve)); // where its own failure would be reported
  });
});

describe('labels and indices of plain numbers', () => {
  const fit = async (build: () => Module, loss: Loss, items: readonly object[]): Promise<readonly number[]> => {
    manualSeed(1);
    const model = build();
    const trainer = new Trainer({ model, loss, optimizer: new SGD(model.parameters()) });
    return (
      await trainer.fit(new DataLoader(items as { input: number[]; target: number }[], { batchSize: 2 }), {
        epochs: 1,
        progress: false,
      })
    ).train('loss');
  };
  test('are taken by Embedding and class losses', async () => {
    const words = [
      { input: [1, 2], target: 0 },
      { input: [3], target: 1 },
      { input: [], target: 1 },
    ];
    const [loss] = await fit(
      () => new Sequential(new Embedding({ numEmbeddings: 9, embeddingDim: 2 }), new LastStep()),
      new CrossEntropyLoss(),
      words,
    );
    const typed = words.map(({ input, target }) => ({ input: Int32Array.from(input), target }));
    const [same] = await fit(
      () => new Sequential(new Embedding({ numEmbeddings: 9, embeddingDim: 2 }), new LastStep()),
      new CrossEntropyLoss(),
      typed,
    );
    expect(loss).toBe(same);
    expect(Number.isFinite(loss)).toBe(true);
  });
  test('whole numbers are targets of a regression, and inputs of recurrent layers', async () => {
    const model = () =>
      new Sequential(
        new LSTM({ inputSize: 1, hiddenSize: 2 }),
        new LastStep(),
        new Linear({ inFeatures: 2, outFeatures: 1 }),
      );
    const [loss] = await fit(model, new MSELoss(), [
      { input: [[1], [2]], target: [3] },
      { input: [[2], [3]], target: [4] },
    ]);
    expect(Number.isFinite(loss)).toBe(true);
  });
  test("i32 of the user's own is refused where numbers are due", () => {
    expect(() => mseLoss(tensor([1, 2]), tensor(Int32Array.of(1, 2)))).toThrow(DTypeError);
    expect(() => new LSTM({ inputSize: 1, hiddenSize: 2 }).forward(zeros([1, 2, 1], { dtype: 'i32' }))).toThrow(
      DTypeError,
    );
  });
});
