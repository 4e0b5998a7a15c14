// Reference values: scripts/metric-references.py classes (scikit-learn 1.9.1).
import { describe, expect, test } from 'vitest';
import { F1Score, OptionError, PaddedSequence, Precision, Recall, tensor, type PrecisionRecallOptions } from 'stmnet';
import { describeDevices } from '../support/devices';
import { binary, classes, inBatches } from '../support/metric-data';

type Kind = new (options: PrecisionRecallOptions) => F1Score | Precision | Recall;

const metrics = { precision: Precision, recall: Recall, f1: F1Score } as const;

/** Plain and weighted. */
const averages = {
  precision: {
    macro: [0.23358585858585862, 0.20920092838196286],
    micro: [0.25, 0.22857142857142856],
    weighted: [0.3097853535353535, 0.27500671024377926],
  },
  recall: {
    macro: [0.21648351648351646, 0.19376477541371157],
    micro: [0.25, 0.22857142857142856],
    weighted: [0.25, 0.22857142857142856],
  },
  f1: {
    macro: [0.2167748917748918, 0.19492358803986712],
    micro: [0.25, 0.22857142857142856],
    weighted: [0.2676001082251082, 0.24282581869957284],
  },
} as const;
const each = {
  precision: [0.5, 0.1111111111111111, 0.18181818181818182, 0.375, 0],
  recall: [0.2857142857142857, 0.14285714285714285, 0.15384615384615385, 0.5, 0],
  f1: [0.36363636363636365, 0.125, 0.16666666666666666, 0.42857142857142855, 0],
};
/** Of yes, of no, of yes with weights, and the mean of yes and no. */
const yesOrNo = {
  precision: [0.6666666666666666, 0.7368421052631579, 0.7428571428571429, 0.7017543859649122],
  recall: [0.7368421052631579, 0.6666666666666666, 0.7027027027027027, 0.7017543859649122],
  f1: [0.7, 0.7, 0.7222222222222222, 0.7],
};

describeDevices('precision, recall and F1', () => {
  test.each(['precision', 'recall', 'f1'] as const)(
    '%s is that of scikit-learn, whatever the batch size',
    async (name) => {
      const make = (options: PrecisionRecallOptions = {}): F1Score | Precision | Recall => new metrics[name](options);
      expect(make().name).toBe(name);
      for (const average of ['macro', 'micro', 'weighted'] as const) {
        const [plain, weighted] = averages[name][average];
        for (const size of [1, 7, 40]) {
          expect(await inBatches(make({ average }), classes, { size })).toBeCloseTo(plain, 14);
          expect(await inBatches(make({ average }), classes, { size, weighted: true })).toBeCloseTo(weighted, 14);
        }
      }
      const metric = make();
      expect(await inBatches(metric, classes)).toBeCloseTo(averages[name].macro[0], 14);
      expect((await metric.perClass()).map((x) => x.toFixed(15))).toEqual(each[name].map((x) => x.toFixed(15)));
      const [yes = 0, no = 0, weighted = 0, mean = 0] = yesOrNo[name];
      expect(await inBatches(make(), binary, { size: 7 })).toBeCloseTo(yes, 14);
      expect(await inBatches(make({ positive: 0 }), binary)).toBeCloseTo(no, 14);
      expect(await inBatches(make(), binary, { weighted: true })).toBeCloseTo(weighted, 14);
      expect(await inBatches(make({ average: 'macro' }), binary)).toBeCloseTo(mean, 14);
    },
  );

  test('answers count as scores do, also as texts', async () => {
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const said = classes.scores.map((row) => row.indexOf(Math.max(...row)));
    const f1 = new F1Score({ labels, average: 'macro' });
    f1.update(said, classes.truth);
    expect(await f1.compute()).toBeCloseTo(averages.f1.macro[0], 14);
    f1.reset();
    const text = (index: number): string => labels[index] ?? '';
    f1.update(said.map(text), classes.truth.map(text), { weight: classes.weight });
    expect(await f1.compute()).toBeCloseTo(averages.f1.macro[1], 14);
    f1.reset();
    f1.update([said.slice(0, 3).map(text), said.slice(3).map(text)], [classes.truth.map(text)]);
    expect(await f1.compute()).toBeCloseTo(averages.f1.macro[0], 14);
    const one = new F1Score({ labels, positive: 'd' });
    f1.update(tensor(classes.scores), classes.truth.map(text));
    expect(await inBatches(one, classes)).toBeCloseTo(each.f1[3] ?? 0, 14);
  });

  test('real steps count, labels to ignore and padding do not', async () => {
    const f1 = new F1Score();
    const scores = [[[2, 1], [0, 3], [9, 0]], [[0, 4], [7, 7], [7, 7]]]; // prettier-ignore
    const labels = tensor([[0, 1, -100], [0, 1, 1]], { dtype: 'i32' }); // prettier-ignore
    f1.update(new PaddedSequence(tensor(scores), [3, 1]), new PaddedSequence(labels, [3, 1]));
    expect(await f1.compute()).toBe(2 / 3); // found 1 of 1, answered twice
    expect(String(await f1.report())).toContain('support');
  });
});

/** Macro and weighted, where 3 never occurs and 4 is never answered, with zeroDivision: NaN. */
const undefinedOnes = {
  precision: [0.375, 0.6],
  recall: [0.375, 0.5],
  f1: [0.3, 0.5],
} as const;

describe('what is not defined', () => {
  test.each(['precision', 'recall', 'f1'] as const)('is left out of the mean of classes: %s', async (name) => {
    const given = [
      [0, 0, 3, 1, 2, 2],
      [0, 0, 1, 2, 2, 4],
    ] as const;
    const found = await Promise.all(
      (['macro', 'weighted'] as const).map(async (average) => {
        const metric = new metrics[name]({ average, numClasses: 6, zeroDivision: Number.NaN });
        metric.update(...given);
        const { [average]: inReport } = await metric.report();
        expect(inReport[name]).toBe(await metric.compute());
        return metric.compute();
      }),
    );
    found.forEach((value, index) => expect(value).toBeCloseTo(undefinedOnes[name][index] ?? 0, 14));
  });

  test('is 0 as in scikit-learn, or what zeroDivision says', async () => {
    const value = async (Class: Kind, said: number[], truth: number[], options = {}): Promise<number> => {
      const metric = new Class(options);
      metric.update(said, truth);
      return metric.compute();
    };
    expect(await value(F1Score, [0, 0], [0, 0])).toBe(0);
    expect(await value(F1Score, [0, 0], [0, 0], { zeroDivision: 1 })).toBe(1);
    expect(await value(F1Score, [0, 0], [0, 0], { zeroDivision: Number.NaN })).toBeNaN();
    expect(await value(Precision, [0, 0], [0, 1])).toBe(0);
    expect(await value(Recall, [1, 0], [0, 0])).toBe(0);
    // m.f1_score([0, 0, 2], [0, 1, 2], average='macro'): classes that neither occur nor are answered do not count.
    expect(await value(F1Score, [0, 1, 2], [0, 0, 2], { numClasses: 5 })).toBeCloseTo(0.5555555555555555, 14);
  });

  test('is NaN where nothing was counted', async () => {
    const f1 = new F1Score({ labels: ['no', 'yes'], perClass: true });
    expect([await f1.compute(), await f1.perClass(), await f1.figures()]).toEqual([
      Number.NaN,
      [],
      { no: Number.NaN, yes: Number.NaN },
    ]);
    f1.update([0.7], [-100]);
    expect(await f1.compute()).toBeNaN();
  });

  test('NaN is no answer', async () => {
    const [precision, recall] = [new Precision(), new Recall()];
    for (const metric of [precision, recall]) metric.update([Number.NaN, 0.9, 0.2], [1, 1, 0]);
    expect([await precision.compute(), await recall.compute()]).toEqual([1, 1 / 2]);
  });
});

test('the figures of the classes have the names of the labels', async () => {
  const f1 = new F1Score({ labels: ['ham', 'spam'], perClass: true });
  expect(f1.figureNames).toEqual(['ham', 'spam']);
  f1.update(['ham', 'spam', 'ham'], ['ham', 'spam', 'spam']);
  expect([await f1.compute(), await f1.figures()]).toEqual([2 / 3, { ham: 2 / 3, spam: 2 / 3 }]);
  expect(new Recall({ numClasses: 3, perClass: true }).figureNames).toEqual(['0', '1', '2']);
});

describe('mistakes', () => {
  test('options', () => {
    expect(() => new F1Score({ averages: 'macro' } as object)).toThrow(/got an option averages/);
    expect(() => new F1Score({ average: 'mean' as 'macro' })).toThrow(/average: "mean"/);
    expect(() => new F1Score({ positive: 'spam' })).toThrow(
      'F1Score: got positive: "spam", expected labels beside it, or a number.',
    );
    expect(() => new F1Score({ positive: 'eggs', labels: ['ham', 'spam'] })).toThrow('expected one of ["ham", "spam"]');
    expect(() => new F1Score({ positive: 2, numClasses: 2 })).toThrow('got positive: 2 of 2 classes');
    expect(() => new F1Score({ perClass: true })).toThrow('F1Score: got perClass without labels');
    expect(() => new F1Score({ zeroDivision: 2 })).toThrow('expected 0, 1 or NaN');
    expect(() => new F1Score({ labels: ['a', 'a'] })).toThrow(OptionError);
    expect(() => new F1Score({ labels: ['a', 'b'], numClasses: 3 })).toThrow('got numClasses: 3 beside 2 labels');
  });

  test('labels and answers that are no class', async () => {
    const f1 = new F1Score();
    f1.update([0, 1], [0, 7]);
    await expect(f1.compute()).rejects.toThrow('F1Score: got 1 label that is no class, expected whole numbers in 0..1');
    f1.reset();
    f1.update([4, 1, 3], [0, 1, 1]);
    await expect(f1.report()).rejects.toThrow('F1Score: got 2 answers that are no class');
    expect(() => f1.update(['ham'], ['ham'])).toThrow(
      'F1Score: got "ham", expected numbers, or texts where the labels',
    );
    expect(() => new F1Score({ labels: ['a', 'b'] }).update(['a'], ['c'])).toThrow(
      'got "c", expected one of ["a", "b"]',
    );
    const wide = new F1Score({ positive: 3 });
    wide.update([0, 1], [0, 1]);
    await expect(wide.compute()).rejects.toThrow('F1Score: got positive: 3 of 2 classes');
  });

  test('batches of another number of classes', () => {
    const f1 = new F1Score();
    f1.update([[0.1, 0.9, 0.2]], [1]); // prettier-ignore
    expect(() => f1.update([[0.1, 0.9]], [1])).toThrow(/expected sums of one shape for all batches/);
    expect(() => new F1Score({ numClasses: 3 }).update(tensor([0.5]), tensor([1]))).toThrow(
      'numClasses: 2 for yes or no',
    );
  });
});
