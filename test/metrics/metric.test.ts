import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  ConfusionMatrix,
  MeanAbsoluteError,
  MeanSquaredError,
  OptionError,
  PaddedSequence,
  scope,
  ShapeError,
  tensor,
  zeros,
  type Sequence,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { describeDevices, here } from '../support/devices';

const labels = (values: number[] | number[][]): ReturnType<typeof tensor> => tensor(values, { dtype: 'i32' });
/** Scores whose highest stands at the class given. */
const scores = (classes: readonly number[], count: number): number[][] =>
  classes.map((wanted) => Array.from({ length: count }, (_, i) => (i === wanted ? 2 : Math.sin(i))));

test('Accuracy over batches, and from zero after reset', async () => {
  const accuracy = new Accuracy();
  expect(await accuracy.compute()).toBeNaN();
  accuracy.update(tensor(scores([0, 1, 2], 3)), labels([0, 1, 1]));
  accuracy.update(tensor(scores([2], 3)), labels([2]));
  expect(await accuracy.compute()).toBe(3 / 4);
  accuracy.reset();
  accuracy.update(tensor(scores([1], 3)), labels([0]));
  expect(await accuracy.compute()).toBe(0);
});

test('Accuracy counts real steps only, and not the label to ignore', async () => {
  const padded = new PaddedSequence(tensor([scores([1, 0, 0], 2), scores([1, 1, 0], 2)]), [1, 3]);
  const target = new PaddedSequence(
    labels([
      [1, 0, 0],
      [1, 0, -100],
    ]),
    [1, 3],
  );
  const accuracy = new Accuracy();
  accuracy.update(padded, target);
  expect(await accuracy.compute()).toBe(2 / 3);
  const all = new Accuracy({ ignoreIndex: 0 });
  all.update(padded.values, new PaddedSequence(target.values, [1, 2]));
  expect(await all.compute()).toBe(1);
});

test('Accuracy by threshold', async () => {
  const accuracy = new Accuracy({ threshold: 0 });
  accuracy.update(
    tensor([
      [-1, 2],
      [3, -4],
    ]),
    tensor([
      [0, 1],
      [0, 0],
    ]),
  );
  expect(await accuracy.compute()).toBe(3 / 4);
});

test('ConfusionMatrix: rows are true classes; its value is the mean recall of those that occur', async () => {
  const confusion = new ConfusionMatrix({ numClasses: 3 });
  confusion.update(tensor(scores([0, 1, 1, 2], 3)), labels([0, 0, 1, 1]));
  confusion.update(new PaddedSequence(tensor([scores([0, 2], 3)]), [1]), new PaddedSequence(labels([[0, 2]]), [1]));
  expect(await confusion.matrix()).toEqual([
    [2, 1, 0],
    [0, 1, 1],
    [0, 0, 0],
  ]);
  expect(await confusion.compute()).toBeCloseTo((2 / 3 + 1 / 2) / 2, 12);
});

describe('what lies past a length has no effect', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, 1e30];
  test.each(odd)('%f in outputs and targets', async (value) => {
    const output = new PaddedSequence(
      tensor([
        [
          [1, 0],
          [value, value],
        ],
        [
          [0, 1],
          [0, 1],
        ],
      ]),
      [1, 2],
    );
    const classes = new PaddedSequence(
      tensor([
        [0, value],
        [1, 0],
      ]),
      [1, 2],
    );
    const numbers = new PaddedSequence(
      tensor([
        [
          [1, 1],
          [value, 0],
        ],
        [
          [0, 1],
          [0, 2],
        ],
      ]),
      [1, 2],
    );
    const binary = new PaddedSequence(
      tensor([
        [[0.9], [value]],
        [[0.2], [0.7]],
      ]),
      [1, 2],
    );
    const yes = new PaddedSequence(
      tensor([
        [1, value],
        [1, 1],
      ]),
      [1, 2],
    );
    const value_ = async (
      metric: Accuracy | ConfusionMatrix | MeanAbsoluteError | MeanSquaredError,
      x: Sequence,
      y: Sequence,
    ): Promise<number> => {
      metric.update(x, y);
      return metric.compute();
    };
    expect(await value_(new Accuracy(), output, classes)).toBe(2 / 3);
    expect(await value_(new Accuracy(), output.values, classes)).toBe(2 / 3);
    expect(await value_(new Accuracy(), output, classes.values)).toBe(2 / 3);
    expect(await value_(new ConfusionMatrix({ numClasses: 2 }), output, classes)).toBe((0.5 + 1) / 2);
    expect(await value_(new MeanAbsoluteError(), output, numbers)).toBe(2 / 6);
    expect(await value_(new MeanSquaredError(), output, numbers)).toBe(2 / 6);
    expect(await value_(new Accuracy(), binary, yes)).toBe(2 / 3);
    expect(await value_(new Accuracy({ threshold: 0.8 }), binary, yes)).toBe(1 / 3);
  });
  test('rows without steps count for nothing', async () => {
    const accuracy = new Accuracy();
    accuracy.update(new PaddedSequence(zeros([2, 1, 3]), [0, 0]), new PaddedSequence(labels([[0], [0]]), [0, 0]));
    expect(await accuracy.compute()).toBeNaN();
  });
});

describe('NaN is no answer', () => {
  test('of classes: neither right, nor in a column', async () => {
    const output = tensor([
      [Number.NaN, Number.NaN],
      [0, Number.NaN],
      [2, 1],
      [1, 2],
    ]);
    const [accuracy, confusion] = [new Accuracy(), new ConfusionMatrix({ numClasses: 2 })];
    for (const metric of [accuracy, confusion]) metric.update(output, labels([0, 1, 0, 1]));
    expect(await accuracy.compute()).toBe(2 / 4);
    expect(await confusion.matrix()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await confusion.compute()).toBe(1 / 2);
  });
  test('of yes or no', async () => {
    const accuracy = new Accuracy();
    accuracy.update(tensor([Number.NaN, Number.NaN, 0.1]), labels([0, 1, 0]));
    expect(await accuracy.compute()).toBe(1 / 3);
  });
});

describe('labels to ignore', () => {
  test('ConfusionMatrix leaves -100 out, or the label named', async () => {
    const confusion = new ConfusionMatrix({ numClasses: 3 });
    confusion.update(tensor(scores([0, 1, 2, 2], 3)), labels([0, -100, 2, 1]));
    expect(await confusion.matrix()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 1],
    ]);
    const other = new ConfusionMatrix({ numClasses: 3, ignoreIndex: 2 });
    other.update(new PaddedSequence(tensor([scores([0, 1, 2], 3)]), [3]), labels([[0, 0, 2]]));
    expect(await other.matrix()).toEqual([
      [1, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
  test('what the loss ignores, unless the metric says otherwise; also of yes or no', async () => {
    const hints = { scores: 'classes', ignoreIndex: 0 } as const;
    const [hinted, told] = [new Accuracy(), new Accuracy({ ignoreIndex: 1 })];
    for (const metric of [hinted, told]) metric.update(tensor(scores([0, 1, 1, 2], 3)), labels([0, 1, 0, 1]), hints);
    expect([await hinted.compute(), await told.compute()]).toEqual([1 / 2, 1 / 2]);
    const binary = new Accuracy({ threshold: 0 });
    binary.update(tensor([1, -1, 1]), labels([1, -100, 0]));
    expect(await binary.compute()).toBe(1 / 2);
  });
});

describe('targets of 0 and 1', () => {
  const chances = [0.9, 0.2, 0.6, 0.4];
  test.each([
    [[4], [4]],
    [[4, 1], [4]],
    [[4], [4, 1]],
    [
      [4, 1],
      [4, 1],
    ],
    [
      [2, 2, 1],
      [2, 2],
    ],
  ])('outputs %o against %o', async (output, target) => {
    for (const dtype of ['i32', 'bool', 'f32', 'f64'] as const) {
      const x = tensor({ data: Float32Array.from(chances), shape: output });
      const y = tensor({ data: Int32Array.from([1, 0, 0, 1]), shape: target }, { dtype });
      const logits = x.sub(0.5);
      const [plain, logit, confusion] = [
        new Accuracy(),
        new Accuracy({ threshold: 0 }),
        new ConfusionMatrix({ numClasses: 2 }),
      ];
      plain.update(x, y);
      logit.update(logits, y);
      confusion.update(x, y);
      const hinted = new Accuracy();
      hinted.update(logits, y, { scores: 'logits' });
      expect([await plain.compute(), await logit.compute(), await hinted.compute()]).toEqual([0.5, 0.5, 0.5]);
      expect(await confusion.matrix()).toEqual([
        [1, 1],
        [1, 1],
      ]);
    }
  });
  test('padded [N, T] and [N, T, 1]', async () => {
    const x = tensor([
      [[0.9], [0.2]],
      [[0.6], [0]],
    ]);
    const y = new PaddedSequence(
      labels([
        [1, 1],
        [1, 5],
      ]),
      [2, 1],
    );
    for (const output of [x, new PaddedSequence(x, [2, 1]), new PaddedSequence(x.reshape([2, 2]), [2, 1])]) {
      const accuracy = new Accuracy();
      accuracy.update(output, y);
      expect(await accuracy.compute()).toBe(2 / 3);
    }
  });
  test('several yes or no beside a binary loss, several classes beside a CrossEntropyLoss', async () => {
    const [x, y] = [
      tensor([
        [0.9, 0.6],
        [0.1, 0.2],
      ]),
      tensor([
        [1, 0],
        [0, 1],
      ]),
    ];
    const [each, whole] = [new Accuracy(), new Accuracy()];
    each.update(x, y, { scores: 'probabilities' });
    whole.update(x, y, { scores: 'classes' });
    expect([await each.compute(), await whole.compute()]).toEqual([2 / 4, 2 / 2]);
    expect(() => new Accuracy().update(x, y)).toThrow(
      /pass target.argmax\(-1\) if the target holds a one for the right class, or give the metric a threshold/,
    );
  });
});

test('labels of any dtype; what is not whole is no class', async () => {
  for (const dtype of ['i32', 'f32', 'f64'] as const) {
    const accuracy = new Accuracy();
    accuracy.update(tensor(scores([0, 1, 2], 3)), tensor([0, 1, 1], { dtype }));
    expect(await accuracy.compute()).toBe(2 / 3);
  }
  const odd = new Accuracy();
  odd.update(tensor(scores([0, 1, 2], 3)), tensor([0.5, Number.NaN, 2]));
  expect(await odd.compute()).toBe(1 / 3);
});

test('updates inside a scope are kept and leave no handles', async () => {
  const accuracy = new Accuracy();
  const [output, target] = [tensor(scores([0], 2)), labels([0])];
  const once = (): void => scope(() => accuracy.update(output, target));
  once();
  const before = handlesKept();
  for (let i = 0; i < 20; i++) once();
  expect(handlesKept()).toBe(before);
  expect(await accuracy.compute()).toBe(1);
});

describeDevices('a metric', (device) => {
  test('goes where the outputs are', async () => {
    const accuracy = new Accuracy();
    for (const place of ['cpu', device, 'cpu'])
      accuracy.update(tensor(scores([0, 1], 2), { device: place }), tensor([0, 0], { dtype: 'i32', device: place }));
    expect(await accuracy.compute()).toBe(3 / 6);
  });
});

describe('mistakes', () => {
  test('outputs and targets that do not fit', () => {
    expect(() => new Accuracy().update(zeros([4, 3]), labels([0, 1]))).toThrow(
      `Accuracy: got output f32[4, 3] on ${here} and target i32[2] on ${here}, ` +
        'expected a target of shape [4]: classes are the last axis of the output.',
    );
    expect(() => new MeanSquaredError().update(zeros([4, 3]), zeros([4]))).toThrow(ShapeError);
    expect(() => new ConfusionMatrix({ numClasses: 4 }).update(zeros([2, 3]), labels([0, 1]))).toThrow(
      `ConfusionMatrix: got output f32[2, 3] on ${here}, expected last axis 4 (numClasses).`,
    );
  });
  test('an output that has kept its time axis', () => {
    const output = new PaddedSequence(zeros([2, 4, 3]), [4, 2]);
    const pool = /put LastStep, MeanPool or MaxPool after the last recurrent layer/;
    expect(() => new Accuracy().update(output, labels([0, 1]))).toThrow(pool);
    expect(() => new ConfusionMatrix({ numClasses: 3 }).update(zeros([2, 4, 3]), labels([0, 1]))).toThrow(pool);
    expect(() => new MeanSquaredError().update(zeros([2, 4, 1]), zeros([2, 1]))).toThrow(pool);
    expect(() => new Accuracy({ threshold: 0 }).update(zeros([2, 4, 1]), labels([0, 1]))).toThrow(pool);
    expect(() =>
      new Accuracy().update(
        output,
        new PaddedSequence(
          labels([
            [0, 0, 0, 0],
            [0, 0, 0, 0],
          ]),
          [4, 3],
        ),
      ),
    ).toThrow(/expected equal lengths/);
    expect(() => new ConfusionMatrix({ numClasses: 3 }).update(zeros([2, 1]), labels([0, 1]))).toThrow(
      /numClasses: 2 for yes or no/,
    );
  });
  test('a label that is no class', async () => {
    const confusion = new ConfusionMatrix({ numClasses: 2 });
    const count = async (): Promise<unknown> => {
      confusion.update(zeros([1, 2]), labels([5]));
      return confusion.compute();
    };
    await expect(count()).rejects.toThrow(
      'ConfusionMatrix: got 1 label that is no class, expected whole numbers in 0..1, or the ignoreIndex.\n' +
        '  Fix: correct the labels, or choose numClasses',
    );
    confusion.reset();
    confusion.update(zeros([3, 2]), tensor([-1, 0.5, 1]));
    await expect(confusion.matrix()).rejects.toThrow('got 2 labels that are no class');
    confusion.reset();
    confusion.update(zeros([1, 2]), labels([1]));
    expect(await confusion.matrix()).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });
  test('options', () => {
    expect(() => new ConfusionMatrix({ numClasses: 0 })).toThrow(OptionError);
    expect(() => new Accuracy({ treshold: 1 } as object)).toThrow(/got an option treshold/);
  });
});
