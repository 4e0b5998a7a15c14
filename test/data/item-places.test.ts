import { describe, expect, test } from 'vitest';
import { collate, DataLoader, IterableDataset, pad, SequenceList, SequentialSampler } from 'stmnet';

interface Item {
  input: unknown;
  target: unknown;
}

/** Ten items, of which one is changed. */
const itemsWith = (change: Partial<Item> | null | number): Item[] =>
  Array.from({ length: 10 }, (_, index) => {
    const item: Item = { input: [[1, 2], [3, 4]], target: index % 2 }; // prettier-ignore
    if (index !== 5) return item;
    return typeof change === 'object' && change !== null ? { ...item, ...change } : (change as never);
  });

const HERE = 'item 5 of the dataset (item 1 of its batch)';
const FIRST = 'item 4 of the dataset (item 0 of its batch)';

const mistakes: Record<string, [change: Partial<Item> | null | number, message: string]> = {
  'null in the place of an item': [
    null,
    `collate: got null as ${HERE}, expected a record of input, target, as ${FIRST} is.\n  Fix: leave such items out.`,
  ],
  'a number in the place of an item': [
    3,
    `collate: got 3 as ${HERE}, expected a record of input, target, as ${FIRST} is.\n` +
      '  Fix: give it the fields of the others.',
  ],
  'a label that is missing': [
    { target: undefined },
    `collate: got no target of ${HERE}, expected a number, as target of ${FIRST} is.\n` +
      '  Fix: fill the field in, or leave the item out.',
  ],
  'a label that is null': [{ target: null }, `collate: got null as target of ${HERE}, expected a number`],
  'a text among numbers': [
    { target: 'spam' },
    `collate: got "spam" as target of ${HERE}, expected a number, as target of ${FIRST} is.\n` +
      '  Fix: make a number of it: Number(x) of digits, the index of a class, labels.indexOf(x), or text.encode(x) ' +
      'of a TextVectorizer.',
  ],
  'a number among arrays': [
    { input: 7 },
    `collate: got 7 as input of ${HERE}, expected an array or a tensor, as input`,
  ],
  'a text in an array': [{ input: [['1', 2]] }, `collate: got "1" at depth 2 in input of ${HERE}, which is no number`],
  'null in an array': [{ input: [[null, 2]] }, `collate: got null at depth 2 in input of ${HERE}, which is no number`],
  'a ragged row': [
    { input: [[1, 2], [3]] },
    `collate: got [3] at depth 1 in input of ${HERE}, expected nested arrays of numbers of shape [2, 2].`,
  ],
  'a row of other features': [
    { input: [[1, 2, 3]] },
    `collate: got input of ${HERE} of shape [1, 3], expected [T, 2], as input of ${FIRST} is.`,
  ],
  'an array of another length than its shape': [
    { input: { data: new Float32Array(3), shape: [2, 2] } },
    `collate: got 3 values in input of ${HERE}, expected 4 for shape [2, 2].`,
  ],
  'arrays that are nested too deep': [
    { input: [[[[[[[1]]]]]]] },
    `collate: got arrays nested more than 6 deep in input of ${HERE}, expected at most 6 axes.`,
  ],
  'bytes of no known numbers': [
    { input: new DataView(new ArrayBuffer(4)) },
    `collate: got DataView(4) in input of ${HERE}, expected a typed array of numbers`,
  ],
  'a sequence among others': [
    { input: new SequenceList([[1]]) },
    `collate: got SequenceList as input of ${HERE}, expected an array or a tensor, as input of ${FIRST} is.`,
  ],
  'a field that the others lack': [
    { weight: 1 } as never,
    `collate: got a field weight in ${HERE} that ${FIRST} lacks, expected the same fields in all items.`,
  ],
};

describe('a mistake in an item is told with its place', () => {
  test.each(Object.entries(mistakes))('%s', (_, [change, message]) => {
    expect(() => [...new DataLoader(itemsWith(change), { batchSize: 4 })]).toThrow(message);
  });

  test('also where a batch is in another order, or the number does not fit its element type', () => {
    const items = itemsWith({ target: 0.5 });
    const order = { length: 10, *[Symbol.iterator]() { yield* [9, 8, 5, 0, 1, 2, 3, 4, 6, 7]; } }; // prettier-ignore
    expect(() => [
      ...new DataLoader(items, { batchSize: 4, sampler: order, dtypes: { target: 'i32' } as object }),
    ]).toThrow('collate: got the value 0.5 as target of item 5 of the dataset (item 2 of its batch), expected whole');
  });

  test('in the sequences of a SequenceList', () => {
    const items = [[[1]], [[2]], [[1], ['a' as never]]].map((words) => ({ words: new SequenceList(words) }));
    expect(() => [...new DataLoader(items, { batchSize: 2 })]).toThrow(
      'collate: got "a" at depth 1 in sequence 1 of words of item 2 of the dataset (item 0 of its batch), which is no',
    );
    const wide = [{ words: new SequenceList([[[1, 2]]]) }, { words: new SequenceList([[[1, 2]], [[1]]]) }];
    expect(() => collate(wide)).toThrow('collate: got sequence 1 of words of item 1 of shape [1, 1], expected [T, 2]');
  });

  test('in a stream', async () => {
    const walk = async (options: object): Promise<void> => {
      const stream = new IterableDataset(() => itemsWith({ target: 'x' }), options);
      for await (const batch of new DataLoader(stream, { batchSize: 4 })) expect(batch).toHaveProperty('target');
    };
    await expect(walk({})).rejects.toThrow('got "x" as target of item 5 of the stream (item 1 of its batch)');
    await expect(walk({ shuffleBuffer: 10, seed: 1 })).rejects.toThrow(/got "x" as target of item [0-3], expected/);
  });

  test('in a collate function, whose own errors stay as they are', () => {
    const items = itemsWith({ input: [[1, 2], [3]] });
    const sampler = new SequentialSampler(10);
    const padded = new DataLoader(items, {
      batchSize: 4,
      sampler,
      collate: (given) => ({ input: pad(given.map(({ input }) => input as number[][])) }),
    });
    expect(() => [...padded]).toThrow(
      'pad: got [3] at depth 1 in item 1, expected nested arrays of numbers of shape [2, 2].\n' +
        '  Fix: give all parts one shape, or pad() sequences of different lengths.\n' +
        '  It came up in the batch of items 4 to 7 of the dataset.',
    );
    const own = new TypeError('mine');
    const refuse = (): never => {
      throw own;
    };
    expect(() => [...new DataLoader(items, { collate: refuse })]).toThrow(own);
  });
});

test('a batch of many items in any order names the first of them', () => {
  const indices = Array.from({ length: 100 }, (_, index) => 99 - index);
  const batchSampler = { length: 1, *[Symbol.iterator]() { yield indices; } }; // prettier-ignore
  const collateOwn = (): unknown => pad([[[1], [2, 3]]]);
  const loader = new DataLoader(indices, { batchSampler, collate: collateOwn });
  expect(() => [...loader]).toThrow(
    `It came up in the batch of items ${indices.slice(0, 64).join(', ')} and 36 more of the dataset.`,
  );
  expect(() => [...new DataLoader([7], { collate: collateOwn })]).toThrow('the batch of item 0 of the dataset.');
});
