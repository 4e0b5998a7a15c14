import { expect, test } from 'vitest';
import {
  Adam,
  crossEntropy,
  collate,
  DataLoader,
  Linear,
  LSTM,
  pad,
  Parameter,
  ReLU,
  Sequential,
  SGD,
  tensor,
  zeros,
} from 'stmnet';
import { describeDevices } from '../support/devices';

// What a newcomer writes, and what the message tells them to write instead.

const x = zeros([2, 3]);
const mistakes: Record<string, [() => unknown, string]> = {
  'numbers as text': [
    () => tensor([[1, '20.7\r'] as never]),
    'tensor: got "20.7\\r" at depth 2, which is no number, expected nested arrays of numbers.\n' +
      '  Fix: make a number of it: Number(x).',
  ],
  'text in the place of a row': [() => tensor([[1, 2], '3,4'] as never), 'got "3,4" at depth 1, which is no number'],
  'no number': [
    () => pad([[1, null] as never]),
    'got null at depth 1 in item 0, which is no number, expected nested arrays of numbers.\n' +
      '  Fix: put a number in its place, or leave it out.',
  ],
  'a bigint': [() => tensor([1, 2n] as never), 'Fix: make a number of it: Number(x).'],
  'ragged arrays, which are numbers': [
    () => tensor([[1, 2], [3]]),
    'Fix: give all parts one shape, or pad() sequences of different lengths.',
  ],
  'pairs of input and target': [
    () =>
      collate([
        [[1, 2, 3], 1],
        [[4, 5, 6], 0],
      ] as never),
    'collate: got the pair [[1, 2, 3], 1] as item 0, expected an array of numbers',
  ],
  'pairs of arrays': [() => collate([[[1, 2, 3], [1]]]), 'Fix: name the parts: { input: x, target: y }.'],
  'pairs of typed arrays': [
    () => collate([[new Float32Array(2), new Float32Array(2)]] as never),
    'Fix: name the parts: { input: x, target: y }.',
  ],
  'pairs of tensors': [() => collate([[x, x]] as never), 'Fix: name the parts: { input: x, target: y }.'],
  'a shape in place of options': [
    () => tensor(new Float32Array(6), [2, 3] as never),
    'tensor: got the shape [2, 3] in place of options, expected it beside the numbers.\n' +
      '  Fix: write tensor({ data, shape: [2, 3] }), or tensor(data).reshape([2, 3]).',
  ],
  'a shape as an option': [
    () => tensor(new Float32Array(6), { shape: [2, 3] } as never),
    'got the shape [2, 3] as an option',
  ],
  'extents one by one': [
    () => x.reshape(...([3, 2] as unknown as [number[]])),
    'reshape: got 3 as shape, expected an array of integers.\n' +
      '  Fix: put the numbers into one array, as in reshape([3, …]).',
  ],
  'axes one by one': [
    () => x.permute(...([1, 0] as unknown as [number[]])),
    'Fix: put the numbers into one array, as in permute([1, …]).',
  ],
  'an axis as an option': [
    () => x.sum({ dim: 1 } as never),
    'sum: got an object as dims, expected an array of integers.\n' +
      '  Fix: pass dims itself, without an object around it, as in sum(1).',
  ],
  'no axis': [
    () => x.unsqueeze(...([] as unknown as [number])),
    'unsqueeze: got no dim, expected a number.\n  Fix: pass dim.',
  ],
  'an element type as a device': [
    () => x.to('f64'),
    "to: got the element type 'f64', expected a device, such as 'cpu' or 'cuda'.\n" +
      "  Fix: write cast('f64') for another element type.",
  ],
  'an element type as the device of a module': [
    () => new Linear({ inFeatures: 1, outFeatures: 1 }).to('f64'),
    "Fix: write cast('f64')",
  ],
  'a biased deviation': [
    () => x.std([0], { unbiased: false } as never),
    'Fix: write correction: 0 for unbiased: false; the default, correction: 1, is the unbiased estimate.',
  ],
  'degrees of freedom': [
    () => x.variance([0], { ddof: 0 } as never),
    'Fix: write correction, if that is what you mean by ddof.',
  ],
  'clipnorm of an optimizer': [
    () => new Adam([new Parameter(zeros([1]))], { clipnorm: 1 } as never),
    'clipGradNorm(model.parameters(), 1); the Trainer takes clipGradNorm: 1.',
  ],
  'clipvalue of an optimizer': [
    () => new SGD([new Parameter(zeros([1]))], { clipvalue: 1 } as never),
    'clipGradValue(model.parameters(), 1).',
  ],
  goBackwards: [
    () => new LSTM({ inputSize: 1, hiddenSize: 1, goBackwards: true } as never),
    'reverse the steps, each row within its length: flip(x, [1]).',
  ],
  'one output for yes or no': [
    () => crossEntropy(zeros([2, 1]), tensor([0, 1])),
    'unsqueeze(-1) the target, as f32, and take binaryCrossEntropyWithLogits',
  ],
  'JSON of a tensor': [() => JSON.stringify({ x }), 'Fix: read it first, as in JSON.stringify(await x.array())'],
};

test.each(Object.entries(mistakes))('%s', (_, [make, message]) => {
  expect(make).toThrow(message);
});

test('a DataLoader says so too', async () => {
  const loader = new DataLoader([[[1, 2, 3], 1]] as never, { batchSize: 1 });
  await expect(
    (async () => {
      for await (const batch of loader) expect(batch).toBeUndefined();
    })(),
  ).rejects.toThrow('{ input: x, target: y }');
});

test('a pair of rows is an array of numbers', async () => {
  expect(
    await collate([
      [
        [1, 2],
        [3, 4],
      ],
    ]).array(),
  ).toEqual([
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  expect(
    await collate([
      [1, 2],
      [3, 4],
    ]).array(),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test('the text of a module', () => {
  const linear = new Linear({ inFeatures: 3, outFeatures: 1 });
  expect(String(linear)).toBe("Linear({ inFeatures: 3, outFeatures: 1, bias: true, dtype: 'f32' })");
  expect(String(new ReLU())).toBe('ReLU()');
  expect(`${new Sequential(linear, new ReLU())}`).toMatch(/^Sequential\(\n {2}.*Linear\(\{ inFeatures: 3/);
});

describeDevices('errors of the device', () => {
  test('neg and abs go by their own names', async () => {
    const least = tensor([-(2 ** 31)], { dtype: 'i32' });
    await expect(least.neg().data()).rejects.toThrow(/^neg: /);
    await expect(least.abs().data()).rejects.toThrow(/^abs: /);
  });

  test('a graph that goes back behind a step of the optimizer', () => {
    const w = new Parameter(tensor([2]));
    const optimizer = new SGD([w], { learningRate: 0.1 });
    let state = tensor([1]);
    const step = (): void => {
      state = state.mul(w);
      state.sum().backward({ retainGraph: true });
      optimizer.step();
    };
    step();
    step();
    expect(step).toThrow(
      /SGD\.step has changed it in place since .*\n {2}Fix: call backward before the optimizer's step, and detach /,
    );
    expect(step).toThrow(/Fix: .* state = detach\(state\)/);
  });
});
