// Reference values: scripts/metric-references.py classes (scikit-learn 1.9.1).
import { expect, test } from 'vitest';
import { ConfusionMatrix, F1Score } from 'stmnet';
import { describeDevices } from '../support/devices';
import { classes, inBatches } from '../support/metric-data';

const counts = [
  [4, 0, 6, 4, 0],
  [0, 1, 3, 0, 3],
  [1, 8, 2, 1, 1],
  [3, 0, 0, 3, 0],
  [0, 0, 0, 0, 0],
];

describeDevices('ConfusionMatrix', () => {
  test('is that of scikit-learn, whatever the batch size; its value the balanced accuracy', async () => {
    for (const size of [1, 7, 40]) {
      const matrix = new ConfusionMatrix();
      expect(await inBatches(matrix, classes, { size })).toBeCloseTo(0.2706043956043956, 14);
      expect(await matrix.matrix()).toEqual(counts);
      expect(await inBatches(matrix, classes, { size, weighted: true })).toBeCloseTo(0.24220596926713947, 14);
    }
  });

  test('normalize divides by labels, answers or all', async () => {
    const matrix = new ConfusionMatrix({ numClasses: 5 });
    await inBatches(matrix, classes);
    expect((await matrix.matrix({ normalize: 'true' }))[1]).toEqual([0, 1 / 7, 3 / 7, 0, 3 / 7]);
    expect((await matrix.matrix({ normalize: 'pred' }))[2]).toEqual([1 / 8, 8 / 9, 2 / 11, 1 / 8, 1 / 4]);
    expect((await matrix.matrix({ normalize: 'all' }))[0]).toEqual([0.1, 0, 0.15, 0.1, 0]);
    expect((await matrix.matrix({ normalize: 'true' }))[4]).toEqual([0, 0, 0, 0, 0]);
    await expect(matrix.matrix({ normalize: 'rows' as 'true' })).rejects.toThrow(/normalize: "rows"/);
  });

  test('report and table are plain data and texts', async () => {
    const [matrix, f1] = [new ConfusionMatrix(), new F1Score()];
    for (const metric of [matrix, f1]) await inBatches(metric, classes);
    const report = await matrix.report();
    expect(JSON.parse(JSON.stringify(await f1.report()))).toEqual(JSON.parse(JSON.stringify(report)));
    expect(report.classes['1']).toEqual({ precision: 1 / 9, recall: 1 / 7, f1: 0.125, support: 7 });
    expect(report.accuracy).toBe(0.25);
    expect(report.weighted.f1).toBeCloseTo(0.2676001082251082, 14);
    expect(String(report).split('\n')).toEqual([
      '          precision  recall      f1  support',
      '0            0.5000  0.2857  0.3636       14',
      '1            0.1111  0.1429  0.1250        7',
      '2            0.1818  0.1538  0.1667       13',
      '3            0.3750  0.5000  0.4286        6',
      '4            0.0000  0.0000  0.0000        0',
      '',
      'accuracy                     0.2500       40',
      'macro        0.2336  0.2165  0.2168       40',
      'weighted     0.3098  0.2500  0.2676       40',
    ]);
    const named = new ConfusionMatrix({ labels: ['ham', 'spam'] });
    named.update(['ham', 'spam', 'spam'], ['ham', 'ham', 'spam'], { weight: [1, 0.5, 2] });
    expect(await named.table()).toBe('      ham    spam\nham     1  0.5000\nspam    0       2');
    expect((await named.report()).classes['spam']?.support).toBe(2);
    expect(await new ConfusionMatrix({ labels: ['a', 'b'] }).matrix()).toEqual([[0, 0], [0, 0]]); // prettier-ignore
  });

  test('answers that are no class', async () => {
    const matrix = new ConfusionMatrix({ numClasses: 3 });
    matrix.update([-1, 1], [0, 1]);
    expect(await matrix.matrix()).toEqual([[0, 0, 0], [0, 1, 0], [0, 0, 0]]); // prettier-ignore
    matrix.update([5], [0]);
    await expect(matrix.compute()).rejects.toThrow('ConfusionMatrix: got 1 answer that is no class');
  });
});
