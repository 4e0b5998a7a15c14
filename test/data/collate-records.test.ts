import { expect, test } from 'vitest';
import { collate, DataLoader, DTypeError, OptionError, PaddedSequence, ShapeError, type Tensor } from 'stmnet';

const items = [
  { input: { series: [[1], [2]], age: 30 }, target: { mood: 1, next: [0.5, 1] } },
  { input: { series: [[3]], age: 40 }, target: { mood: 0, next: [1.5, 2] } },
];

test('a field that only later items have is refused, not left out', () => {
  const uneven = [
    { input: { x: 1 }, target: 1 },
    { input: { x: 2 }, target: 0, weight: 3 },
  ];
  expect(() => collate<object>(uneven)).toThrow(ShapeError);
  expect(() => collate<object>(uneven)).toThrow(
    'collate: got a field weight in item 1 that item 0 lacks, expected the same fields in all items.\n' +
      '  Fix: give the field to every item, or to none.',
  );
  expect(() => collate<object>([{ input: { x: 1 } }, { input: { x: 1, y: 2 } }])).toThrow(
    'collate: got a field input.y in item 1 that item 0 lacks',
  );
});

test('fields of fields become a record of tensors and PaddedSequences', async () => {
  const { input, target } = collate(items);
  expect(input.series).toBeInstanceOf(PaddedSequence);
  expect((input.series as PaddedSequence).lengths).toEqual([2, 1]);
  expect(await (input.age as Tensor).array()).toEqual([30, 40]);
  expect(await (target.mood as Tensor).array()).toEqual([1, 0]);
  expect(await (target.next as Tensor).array()).toEqual([[0.5, 1], [1.5, 2]]); // prettier-ignore
});

test('element types are chosen in them too', () => {
  const [batch] = new DataLoader(items, { batchSize: 2, dtypes: { target: { mood: 'i32' } } });
  expect([batch?.target.mood.dtype, batch?.target.next.dtype]).toEqual(['i32', 'f32']);
  const odd = { target: { moods: 'i32' } } as object;
  expect(() => collate(items, odd)).toThrow(OptionError);
  expect(() => collate(items, odd)).toThrow(
    'collate: got moods in dtypes, expected only fields of the items: mood, next.\n' +
      '  Fix: write mood, if that is what you mean by moods.',
  );
  expect(() => collate(items, { target: { mood: 'i64' } } as object)).toThrow(DTypeError);
});

test('what differs is named by its path', () => {
  expect(() => collate([...items, { input: { series: [[1, 2]], age: 1 }, target: { mood: 1, next: [1, 2] } }])).toThrow(
    ShapeError,
  );
  expect(() => collate([items[0], { input: 7, target: items[0]?.target }])).toThrow(
    'collate: got 7 as input of item 1, expected a record of series, age, as input of item 0 is.',
  );
  const text = [{ input: { name: 'x' } }];
  expect(() => collate(text)).toThrow('collate: got "x" as input.name of item 0, expected a number');
  expect(() => collate([{ input: { data: [1, 2], shape: [2] } }])).toThrow(OptionError);
});

test('items without steps have the features of the others, in each field', () => {
  const empty = { input: { a: [], b: [] }, target: 0 };
  const full = { input: { a: [[1, 2]], b: [[1, 2, 3]] }, target: 1 };
  const [first] = new DataLoader([empty, empty, full], { batchSize: 2 });
  expect([first?.input.a.shape, first?.input.b.shape]).toEqual([[2, 0, 2], [2, 0, 3]]); // prettier-ignore
});
