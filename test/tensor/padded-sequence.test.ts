import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { PaddedSequence, ShapeError, ones, pad, randn, tensor } from 'stmnet';
import { here } from '../support/devices';

const sequence = (): PaddedSequence =>
  new PaddedSequence(
    tensor([
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [
        [7, 8],
        [9, 10],
        [11, 12],
      ],
    ]),
    [3, 1],
  );

describe('PaddedSequence', () => {
  test('holds values and lengths, and does not follow the caller’s array', () => {
    const lengths = [2, 0];
    const made = new PaddedSequence(ones([2, 3]), lengths);
    lengths[0] = 1;
    expect(made.lengths).toEqual([2, 0]);
    expect(made.shape).toEqual([2, 3]);
    expect(made.dtype).toBe('f32');
    expect(made.device).toBe(here);
  });

  test.each([
    [[3], `got 1 lengths for values f32[2, 3] on ${here}, expected 2 lengths, one a row`],
    [
      [3, 4],
      `got length 4 for row 1 of values f32[2, 3] on ${here}, expected a whole number from 0 to 3, the number of steps`,
    ],
    [[-1, 3], 'got length -1 for row 0'],
    [[1.5, 3], 'got length 1.5 for row 0'],
  ])('refuses lengths %o', (lengths, message) => {
    expect(() => new PaddedSequence(ones([2, 3]), lengths)).toThrow(ShapeError);
    expect(() => new PaddedSequence(ones([2, 3]), lengths)).toThrow(message);
  });

  test('refuses values without steps', () => {
    expect(() => new PaddedSequence(ones([2]), [1, 1])).toThrow(
      `PaddedSequence: got values f32[2] on ${here}, expected at least two axes, [N, T, …]`,
    );
  });

  test('mask is true at the real steps', async () => {
    expect(await sequence().mask().array()).toEqual([
      [true, true, true],
      [true, false, false],
    ]);
  });

  test('map keeps the lengths and refuses other rows or steps', async () => {
    const doubled = sequence().map((values) => values.mul(2));
    expect(doubled.lengths).toEqual([3, 1]);
    expect(await doubled.values.array()).toEqual([
      [
        [2, 4],
        [6, 8],
        [10, 12],
      ],
      [
        [14, 16],
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(() => sequence().map((values) => values.slice([0], [1]))).toThrow(
      `PaddedSequence.map: got a function that turns f32[2, 3, 2] on ${here} into f32[1, 3, 2] on ${here}, ` +
        'expected [2, 3, …], the same rows and steps',
    );
  });

  test('zeroPadding clears what lies past a length, NaN too, and stops the gradient there', async () => {
    const values = tensor(
      [
        [[1], [NaN]],
        [[3], [4]],
      ],
      { requiresGrad: true },
    );
    const cleared = new PaddedSequence(values, [1, 2]).zeroPadding();
    expect(await cleared.values.array()).toEqual([
      [[1], [0]],
      [[3], [4]],
    ]);
    cleared.values.sum().backward();
    expect(await values.grad?.array()).toEqual([
      [[1], [0]],
      [[1], [1]],
    ]);
    const whole = new PaddedSequence(ones([2, 3]), [3, 3]);
    expect(whole.zeroPadding()).toBe(whole);
  });

  test('data and array hold the real steps only', async () => {
    expect(await sequence().data()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(await sequence().array()).toEqual([
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [[7, 8]],
    ]);
    expect(await new PaddedSequence(ones([2, 2]), [0, 1]).array()).toEqual([[], [1]]);
  });

  test('argmax goes over features only', async () => {
    expect(await sequence().argmax(-1).array()).toEqual([[1, 1, 1], [1]]);
    expect(() => sequence().argmax(1)).toThrow(
      `PaddedSequence.argmax: got dim 1 of f32[2, 3, 2] on ${here}, lengths [3, 1], expected an axis of features, ` +
        'after [N, T]',
    );
  });

  test('detach leaves the graph', () => {
    const x = randn([2, 3, 4], { requiresGrad: true });
    expect(new PaddedSequence(x.mul(2), [1, 2]).detach().values.requiresGrad).toBe(false);
  });

  test('prints itself', () => {
    expect(inspect(sequence())).toBe(`PaddedSequence f32[2, 3, 2] on ${here}, lengths [3, 1]`);
  });
});

describe('pad', () => {
  test('puts host arrays and nested arrays behind each other', async () => {
    const batch = pad([
      { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      [[5, 6]],
      [
        [7, 8],
        [9, 10],
        [11, 12],
      ],
    ]);
    expect(batch.lengths).toEqual([2, 1, 3]);
    expect(await batch.values.array()).toEqual([
      [
        [1, 2],
        [3, 4],
        [0, 0],
      ],
      [
        [5, 6],
        [0, 0],
        [0, 0],
      ],
      [
        [7, 8],
        [9, 10],
        [11, 12],
      ],
    ]);
  });

  test('takes the dtype of typed arrays, and indices without loss', async () => {
    const words = pad([Int32Array.of(3, 4), Int32Array.of(5)].map((data) => ({ data, shape: [data.length] })));
    expect(words.dtype).toBe('i32');
    expect(await words.values.array()).toEqual([
      [3, 4],
      [5, 0],
    ]);
    expect(await pad([[16_777_217], [1, 2]], { dtype: 'i32' }).values.array()).toEqual([
      [16_777_217, 0],
      [1, 2],
    ]);
    expect(pad([{ data: Float64Array.of(1), shape: [1] }]).dtype).toBe('f64');
  });

  test('keeps tensors in the graph', async () => {
    const [a, b] = [
      tensor([[1, 2]], { requiresGrad: true }),
      tensor(
        [
          [3, 4],
          [5, 6],
        ],
        { requiresGrad: true },
      ),
    ];
    const batch = pad([a, b, [[7, 8]]], { steps: 3 });
    expect(await batch.values.array()).toEqual([
      [
        [1, 2],
        [0, 0],
        [0, 0],
      ],
      [
        [3, 4],
        [5, 6],
        [0, 0],
      ],
      [
        [7, 8],
        [0, 0],
        [0, 0],
      ],
    ]);
    batch.values.sum().backward();
    expect(await a.grad?.array()).toEqual([[1, 1]]);
    expect(await b.grad?.array()).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  test('copies at the call', async () => {
    const data = Float32Array.of(1, 2);
    const batch = pad([{ data, shape: [2] }]);
    data[0] = 9;
    expect(await batch.values.array()).toEqual([[1, 2]]);
  });

  test('a sequence without steps has length 0', async () => {
    const batch = pad([[1, 2], []]);
    expect(batch.lengths).toEqual([2, 0]);
    expect(await batch.values.array()).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect(await pad([[], [[1, 2]]]).values.array()).toEqual([[[0, 0]], [[1, 2]]]);
    expect(pad([ones([0, 3]), ones([2, 3])]).lengths).toEqual([0, 2]);
  });

  test('says what does not fit', () => {
    expect(() => pad([])).toThrow('pad: got no sequence, expected at least one.\n  Fix: leave empty batches out.');
    expect(() => pad([[[1, 2]], [[1, 2, 3]]])).toThrow(
      'pad: got item 1 of shape [1, 3], expected [T, 2], as item 0 is',
    );
    expect(() => pad([[[1, 2], [3]]])).toThrow(
      'pad: got [3] at depth 1 in item 0, expected nested arrays of numbers of shape [2, 2]',
    );
    expect(() => pad([[1, 2]], { steps: 1 })).toThrow(
      'pad: got steps: 1, expected at least 2, the length of the longest item',
    );
  });
});

test('pad takes typed arrays as tensor() does: one axis, their element type', async () => {
  const tokens = pad([Int32Array.of(1, 2), Int32Array.of(3), new Int32Array(0)]);
  expect([tokens.dtype, tokens.lengths, await tokens.values.array()]).toEqual([
    'i32',
    [2, 1, 0],
    [
      [1, 2],
      [3, 0],
      [0, 0],
    ],
  ]);
  expect(pad([Float64Array.of(1), Float64Array.of(2)]).dtype).toBe('f64');
  expect(pad([Int32Array.of(1), [2]]).dtype).toBe('f32');
  expect(pad([BigInt64Array.of(1n)]).dtype).toBe('i32');
  expect(() => pad(['word'] as never)).toThrow(
    'pad: got "word" as item 0, expected a host array, a typed array, nested arrays or a tensor.',
  );
});

test('cast changes the element type and keeps the lengths', async () => {
  const cast = pad([[1, 2], [3]]).cast('i32');
  expect([cast.dtype, cast.lengths, await cast.array()]).toEqual(['i32', [2, 1], [[1, 2], [3]]]);
});
