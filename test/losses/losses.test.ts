import { describe, expect, it } from 'vitest';
import {
  BCELoss,
  BCEWithLogitsLoss,
  CTCLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  Loss,
  MSELoss,
  OptionError,
  PaddedSequence,
  SmoothL1Loss,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  ctcLoss,
  huberLoss,
  klDivergence,
  l1Loss,
  logSoftmax,
  mseLoss,
  ones,
  smoothL1Loss,
  softmax,
  tensor,
  type Tensor,
} from 'stmnet';
import { spreadArray } from '../support/gradients';

const real = (seed: number): Tensor => tensor(spreadArray([2, 3], seed, 3), { dtype: 'f64' });
const chance = (seed: number): Tensor => softmax(real(seed));
const classes = tensor([2, 0], { dtype: 'i32' });
const weight = tensor([1, 2, 3], { dtype: 'f64' });

/** A class with options, the inputs it is called with, and the function that it stands for. */
interface Row {
  name: string;
  loss: Loss;
  inputs: readonly [Tensor, Tensor];
  expected: (input: Tensor, target: Tensor) => Tensor;
}

const rows: Row[] = [
  { name: 'MSELoss', loss: new MSELoss(), inputs: [real(1), real(2)], expected: (x, t) => mseLoss(x, t) },
  {
    name: 'MSELoss, sum',
    loss: new MSELoss({ reduction: 'sum' }),
    inputs: [real(1), real(2)],
    expected: (x, t) => mseLoss(x, t, { reduction: 'sum' }),
  },
  {
    name: 'L1Loss, none',
    loss: new L1Loss({ reduction: 'none' }),
    inputs: [real(1), real(2)],
    expected: (x, t) => l1Loss(x, t, { reduction: 'none' }),
  },
  {
    name: 'SmoothL1Loss',
    loss: new SmoothL1Loss({ beta: 0.5 }),
    inputs: [real(1), real(2)],
    expected: (x, t) => smoothL1Loss(x, t, { beta: 0.5 }),
  },
  {
    name: 'HuberLoss',
    loss: new HuberLoss({ delta: 0.5 }),
    inputs: [real(1), real(2)],
    expected: (x, t) => huberLoss(x, t, { delta: 0.5 }),
  },
  {
    name: 'BCELoss',
    loss: new BCELoss(),
    inputs: [chance(1), chance(2)],
    expected: (x, t) => binaryCrossEntropy(x, t),
  },
  {
    name: 'BCEWithLogitsLoss',
    loss: new BCEWithLogitsLoss({ posWeight: weight }),
    inputs: [real(1), chance(2)],
    expected: (x, t) => binaryCrossEntropyWithLogits(x, t, { posWeight: weight }),
  },
  {
    name: 'KLDivLoss',
    loss: new KLDivLoss({ reduction: 'batchmean' }),
    inputs: [logSoftmax(real(1)), chance(2)],
    expected: (x, t) => klDivergence(x, t, { reduction: 'batchmean' }),
  },
  {
    name: 'KLDivLoss of logarithms',
    loss: new KLDivLoss({ logTarget: true }),
    inputs: [logSoftmax(real(1)), logSoftmax(real(2))],
    expected: (x, t) => klDivergence(x, t, { logTarget: true }),
  },
  {
    name: 'CrossEntropyLoss',
    loss: new CrossEntropyLoss({ weight, ignoreIndex: 1, labelSmoothing: 0.1 }),
    inputs: [real(1), classes],
    expected: (x, t) => crossEntropy(x, t, { weight, ignoreIndex: 1, labelSmoothing: 0.1 }),
  },
];

describe.each(rows)('$name', ({ loss, inputs, expected }) => {
  it('is its function with its options', async () => {
    expect(loss).toBeInstanceOf(Loss);
    const [input, target] = inputs;
    expect(await loss.forward(input, target).array()).toEqual(await expected(input, target).array());
  });
});

describe('CTCLoss', () => {
  const input = logSoftmax(tensor(spreadArray([4, 2, 3], 1, 3), { dtype: 'f64' }));
  const target = tensor(
    [
      [1, 2],
      [2, 0],
    ],
    { dtype: 'i32' },
  );

  it('takes lengths with each call', async () => {
    const lengths = { inputLengths: [4, 3], targetLengths: [2, 1] };
    expect(await new CTCLoss({ reduction: 'sum' }).forward(input, target, lengths).item()).toBe(
      await ctcLoss(input, target, { ...lengths, reduction: 'sum' }).item(),
    );
  });

  it('hands its options on', async () => {
    const long = tensor(
      [
        [1, 1, 1],
        [2, 1, 2],
      ],
      { dtype: 'i32' },
    );
    expect(await new CTCLoss({ reduction: 'none', zeroInfinity: true, blank: 0 }).forward(input, long).array()).toEqual(
      await ctcLoss(input, long, { reduction: 'none', zeroInfinity: true }).array(),
    );
    const other = tensor(
      [
        [0, 1],
        [1, 0],
      ],
      { dtype: 'i32' },
    );
    expect(await new CTCLoss({ blank: 2 }).forward(input, other).item()).toBe(
      await ctcLoss(input, other, { blank: 2 }).item(),
    );
  });

  it('refuses options that it does not know', () => {
    expect(() => new CTCLoss({ blanks: 1 } as object)).toThrow(/CTCLoss: got an option blanks/);
    expect(() => new CTCLoss({ blank: -1 })).toThrow(/blank: -1/);
    expect(() => new CTCLoss().forward(input, target, { lengths: [1] } as object)).toThrow(
      /CTCLoss.forward: got an option lengths/,
    );
  });
});

describe('CrossEntropyLoss', () => {
  it('takes weights of the steps with each call', async () => {
    const stepWeights = tensor([1, 3], { dtype: 'f64' });
    expect(await new CrossEntropyLoss().forward(real(1), classes, { stepWeights }).item()).toBe(
      await crossEntropy(real(1), classes, { stepWeights }).item(),
    );
  });

  it('counts real steps of a PaddedSequence', async () => {
    const input = tensor(spreadArray([2, 2, 3], 1, 3), { dtype: 'f64' });
    const target = new PaddedSequence(
      tensor(
        [
          [1, 0],
          [2, 1],
        ],
        { dtype: 'i32' },
      ),
      [1, 2],
    );
    const kept = crossEntropy(input.reshape([4, 3]).slice([0], [null]), tensor([1, -100, 2, 1], { dtype: 'i32' }));
    expect(await new CrossEntropyLoss().forward(new PaddedSequence(input, [1, 2]), target).item()).toBeCloseTo(
      await kept.item(),
      12,
    );
  });
});

describe('options of losses', () => {
  it('are checked when the loss is made', () => {
    const makers = [
      MSELoss,
      L1Loss,
      BCELoss,
      SmoothL1Loss,
      HuberLoss,
      BCEWithLogitsLoss,
      KLDivLoss,
      CrossEntropyLoss,
      CTCLoss,
    ];
    for (const Maker of makers) {
      expect(() => new Maker({ reduktion: 'sum' } as object)).toThrow(/write reduction, if that is what you mean/);
      expect(() => new Maker({ reduction: 'total' } as object)).toThrow(OptionError);
    }
    expect(() => new SmoothL1Loss({ beta: -1 })).toThrow(/beta: -1/);
    expect(() => new HuberLoss({ delta: 0 })).toThrow(/above 0 for delta/);
    expect(() => new CrossEntropyLoss({ labelSmoothing: 2 })).toThrow(/labelSmoothing: 2, expected a number in 0\.\.1/);
    expect(() => new CrossEntropyLoss({ ignoreIndex: 1.5 })).toThrow(/ignoreIndex: 1.5, expected a whole number/);
    expect(() => new KLDivLoss({ logTarget: 'no' } as object)).toThrow(/true or false for logTarget/);
  });

  it('stand frozen in the field options', () => {
    expect(new HuberLoss({ delta: 2 }).options).toEqual({ delta: 2, reduction: 'mean' });
    expect(Object.isFrozen(new CrossEntropyLoss({ weight: ones([3]) }).options)).toBe(true);
  });
});

describe('weights of losses', () => {
  it('are tensors, which is checked when the loss is made', () => {
    for (const weight of [[1, 6], 3, 'balanced', Float32Array.of(1, 6), {}, new Map()]) {
      const weights = weight as object as Tensor;
      expect(() => new CrossEntropyLoss({ weight: weights })).toThrow(
        /CrossEntropyLoss: got .* as weight, expected a Tensor\.\n {2}Fix: .*tensor\(/,
      );
      expect(() => new BCEWithLogitsLoss({ posWeight: weights })).toThrow(
        /BCEWithLogitsLoss: got .* as posWeight, expected a Tensor/,
      );
    }
    const given = (weights: unknown): Tensor => weights as Tensor;
    expect(() => new CrossEntropyLoss({ weight: given([1, 6]) })).toThrow('Fix: write weight: tensor([1, 6]).');
    expect(() => new CrossEntropyLoss({ weight: given(new Array(20).fill(1)) })).toThrow(
      'Fix: write weight: tensor([…]).',
    );
    expect(() => new BCEWithLogitsLoss({ posWeight: given(3) })).toThrow('Fix: write posWeight: tensor(3).');
    expect(new CrossEntropyLoss({ weight: undefined }).options.weight).toBeUndefined();
    expect(new BCEWithLogitsLoss({ posWeight: ones([]) }).options.posWeight?.shape).toEqual([]);
  });
});
