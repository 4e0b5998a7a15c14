import { expect, test } from 'vitest';
import {
  Accuracy,
  BCELoss,
  BCEWithLogitsLoss,
  crossEntropy,
  CrossEntropyLoss,
  ctcLoss,
  CTCLoss,
  DataLoader,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  logSoftmax,
  mseLoss,
  MSELoss,
  ones,
  PaddedSequence,
  SGD,
  SmoothL1Loss,
  tensor,
  Trainer,
  type LossFunction,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { column, expectFigure, Same, sumOf, type Item } from '../support/loss-figures';

/** Lengths of the rows: some batches are ragged, some are not, one has no step at all. */
const LENGTHS = [3, 2, 1, 1, 0, 4, 4, 2];

const wave = (row: number, length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => Math.fround(Math.sin(7 * row + 3 * i + seed)));
const chance = (values: readonly number[]): number[] => values.map((value) => Math.fround(0.5 + 0.4 * value));

const softplus = (x: number): number => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);

describeDevices('one figure for a data set, whatever the batches: point-wise losses over ragged rows', (device) => {
  const x = LENGTHS.map((length, row) => wave(row, 2 * length, 0)),
    t = LENGTHS.map((length, row) => wave(row, 2 * length, 1));
  const [p, q] = [x.map(chance), t.map(chance)];
  const items = (inputs: number[][], targets: number[][]): Item[] =>
    inputs.map((values, row) => ({ input: column(values, 2), target: column(targets[row] ?? [], 2) }));
  const each = (inputs: number[][], targets: number[][], f: (x: number, t: number) => number): number[] =>
    inputs.flatMap((values, row) => values.map((value, i) => f(value, targets[row]?.[i] ?? 0)));
  const smooth =
    (beta: number) =>
    (a: number, b: number): number =>
      Math.abs(a - b) < beta ? (a - b) ** 2 / (2 * beta) : Math.abs(a - b) - beta / 2;
  const rows: [
    string,
    (reduction: 'mean' | 'sum') => LossFunction,
    number[][],
    number[][],
    (x: number, t: number) => number,
  ][] = [
    ['MSELoss', (reduction) => new MSELoss({ reduction }), x, t, (a, b) => (a - b) ** 2],
    ['L1Loss', (reduction) => new L1Loss({ reduction }), x, t, (a, b) => Math.abs(a - b)],
    ['SmoothL1Loss', (reduction) => new SmoothL1Loss({ reduction, beta: 0.3 }), x, t, smooth(0.3)],
    ['HuberLoss', (reduction) => new HuberLoss({ reduction, delta: 0.3 }), x, t, (a, b) => 0.3 * smooth(0.3)(a, b)],
    [
      'BCELoss',
      (reduction) => new BCELoss({ reduction }),
      p,
      q,
      (a, b) => -(b * Math.log(a) + (1 - b) * Math.log(1 - a)),
    ],
    [
      'BCEWithLogitsLoss',
      (reduction) => new BCEWithLogitsLoss({ reduction, posWeight: tensor([3, 3]) }),
      x,
      q,
      (a, b) => 3 * b * softplus(-a) + (1 - b) * softplus(a),
    ],
    [
      'KLDivLoss',
      (reduction) => new KLDivLoss({ reduction }),
      p.map((row) => row.map(Math.log)),
      q,
      (a, b) => b * (Math.log(b) - a),
    ],
  ];
  test.each(rows)('%s', async (_, loss, inputs, targets, f) => {
    const data = items(inputs, targets);
    const losses = each(inputs, targets, f);
    await expectFigure(device, data, () => loss('mean'), sumOf(losses) / losses.length);
    await expectFigure(device, data, () => loss('sum'), sumOf(losses));
    if (_ === 'KLDivLoss')
      await expectFigure(device, data, () => new KLDivLoss({ reduction: 'batchmean' }), sumOf(losses) / LENGTHS.length);
  });
});

describeDevices('one figure for a data set, whatever the batches: classes', (device) => {
  const C = 3;
  const scores = LENGTHS.map((length, row) => wave(row, C * length, 2));
  // The third row is ignored as a whole, and some steps of others.
  const labels = LENGTHS.map((length, row) =>
    Array.from({ length }, (_, i) => (row === 2 || (row + i) % 4 === 3 ? -100 : (row + 2 * i) % C)),
  );
  const items = scores.map((values, row): Item => ({
    input: column(values, C),
    target: { data: Int32Array.from(labels[row] ?? []), shape: [labels[row]?.length ?? 0] },
  }));
  const weights = [0.5, 2, 10];

  function expected(w: readonly number[], smoothing: number, ignoreIndex = -100): { sum: number; weight: number } {
    let [sum, weight] = [0, 0];
    scores.forEach((values, row) =>
      labels[row]?.forEach((label, step) => {
        if (label === ignoreIndex || label === -100) return;
        const z = values.slice(step * C, step * C + C);
        const total = Math.log(sumOf(z.map(Math.exp)));
        sum +=
          (1 - smoothing) * (w[label] ?? 0) * (total - (z[label] ?? 0)) +
          (smoothing / C) * sumOf(z.map((one, c) => (w[c] ?? 0) * (total - one)));
        weight += w[label] ?? 0;
      }),
    );
    return { sum, weight };
  }

  test.each([0, 0.1])(
    'CrossEntropyLoss with ignored labels, class weights and label smoothing %f',
    async (labelSmoothing) => {
      for (const w of [[1, 1, 1], weights]) {
        const { sum, weight } = expected(w, labelSmoothing);
        const options = { labelSmoothing, ...(w === weights ? { weight: tensor(w, { device }) } : {}) };
        await expectFigure(device, items, () => new CrossEntropyLoss(options), sum / weight);
        await expectFigure(device, items, () => new CrossEntropyLoss({ ...options, reduction: 'sum' }), sum);
      }
    },
  );
  test('a class that weighs nothing keeps its part of the smoothed sum', async () => {
    const { sum, weight } = expected([0, 1, 1], 0.3);
    await expectFigure(
      device,
      items,
      () => new CrossEntropyLoss({ labelSmoothing: 0.3, weight: tensor([0, 1, 1], { device }) }),
      sum / weight,
    );
  });
  test('functions that call a loss are known by it; others say by what they divide', async () => {
    const { sum, weight } = expected([1, 1, 1], 0);
    await expectFigure(device, items, () => (output, target) => crossEntropy(output, target), sum / weight);
    const steps = sumOf(LENGTHS);
    const own = (output: Sequence): Tensor =>
      (output instanceof PaddedSequence ? output.zeroPadding().values : output).pow(2).sum();
    const realSteps = (output: Sequence): number =>
      output instanceof PaddedSequence
        ? sumOf([...output.lengths])
        : output.shape.slice(0, 2).reduce((a, b) => a * b, 1);
    const squares = sumOf(scores.flat().map((value) => value ** 2));
    await expectFigure(
      device,
      items,
      () => (output) => ({ loss: own(output).div(realSteps(output)), divisor: realSteps(output) }),
      squares / steps,
    );
    await expectFigure(device, items, () => (output) => ({ loss: own(output), divisor: 'none' }), squares);
    const onDevice = (output: Sequence): Tensor => tensor(realSteps(output), { device });
    await expectFigure(
      device,
      items.slice(0, 4),
      () => (output) => ({ loss: own(output).div(onDevice(output)), divisor: onDevice(output) }),
      sumOf(
        scores
          .slice(0, 4)
          .flat()
          .map((value) => value ** 2),
      ) / 7,
    );
    const combined: LossFunction = (output, target) => [
      crossEntropy(output, target),
      {
        loss: mseLoss(output, output instanceof PaddedSequence ? output.map((v) => v.mul(0)) : output.mul(0)),
        weight: 0.5,
      },
    ];
    await expectFigure(device, items, () => combined, sum / weight + (0.5 * squares) / (C * steps));
  });
});

describeDevices('one figure for a data set, whatever the batches: probabilities of classes', (device) => {
  const C = 3;
  const scores = LENGTHS.map((length, row) => wave(row, C * length, 2));
  const shares = LENGTHS.map((length, row) => {
    const raw = wave(row, C * length, 5).map(Math.exp);
    return raw.map((value, i) => Math.fround(value / sumOf(raw.slice(i - (i % C), i - (i % C) + C))));
  });
  const items = scores.map((values, row): Item => ({ input: column(values, C), target: column(shares[row] ?? [], C) }));
  const total = (w: readonly number[], s: number): number =>
    sumOf(
      scores.flatMap((values, row) =>
        values.map((value, i) => {
          const z = values.slice(i - (i % C), i - (i % C) + C);
          const share = (1 - s) * (shares[row]?.[i] ?? 0) + s / C;
          return share * (w[i % C] ?? 0) * (Math.log(sumOf(z.map(Math.exp))) - value);
        }),
      ),
    );

  test('CrossEntropyLoss divides by steps, or by their weights', async () => {
    const steps = sumOf(LENGTHS);
    for (const [w, labelSmoothing] of [
      [[1, 1, 1], 0],
      [[0.5, 2, 10], 0.2],
    ] as const) {
      const options = { labelSmoothing, ...(labelSmoothing > 0 ? { weight: tensor([...w], { device }) } : {}) };
      await expectFigure(device, items, () => new CrossEntropyLoss(options), total(w, labelSmoothing) / steps);
      await expectFigure(
        device,
        items,
        () => new CrossEntropyLoss({ ...options, reduction: 'sum' }),
        total(w, labelSmoothing),
      );
    }
    const half = (output: Sequence): Tensor => ones(output.shape.slice(0, 2), { device }).mul(0.5);
    const weighed: LossFunction = (output, target) => crossEntropy(output, target, { stepWeights: half(output) });
    await expectFigure(device, items, () => weighed, total([1, 1, 1], 0) / steps);
  });
  test('Accuracy takes the likeliest class for the right one', async () => {
    const likeliest = (values: readonly number[]): number[] =>
      Array.from({ length: values.length / C }, (_, i) => {
        const step = values.slice(i * C, i * C + C);
        return step.indexOf(Math.max(...step));
      });
    const right = scores.flatMap((values, row) => {
      const truth = likeliest(shares[row] ?? []);
      return likeliest(values).filter((answer, i) => answer === truth[i]);
    }).length;
    for (const batchSize of [1, 3, 8]) {
      const model = new Same();
      const optimizer = new SGD(model.parameters());
      const trainer = new Trainer({
        model,
        loss: new CrossEntropyLoss(),
        optimizer,
        metrics: [new Accuracy()],
        device,
      });
      expect((await trainer.evaluate(new DataLoader(items, { batchSize })))['accuracy']).toBe(right / sumOf(LENGTHS));
    }
  });
});

describeDevices('one figure for a data set, whatever the batches: CTC', (device) => {
  test('CTCLoss over ragged inputs and targets', async () => {
    const C = 3;
    const lengths = [4, 3, 5, 4, 2, 4];
    const labels = [[1, 2], [1], [2, 1, 2], [2, 1], [1, 1, 1], []];
    const chances = lengths.map((length, row) =>
      logSoftmax(tensor({ data: Float32Array.from(wave(row, C * length, 3)), shape: [length, C] }), -1),
    );
    const items = await Promise.all(
      chances.map(async (x, row): Promise<Item> => ({
        input: { data: await x.data(), shape: x.shape },
        target: { data: Int32Array.from(labels[row] ?? []), shape: [labels[row]?.length ?? 0] },
      })),
    );
    const each = await Promise.all(
      chances.map((x, row) =>
        ctcLoss(
          x.unsqueeze(1),
          tensor({ data: Int32Array.from(labels[row] ?? []), shape: [1, labels[row]?.length ?? 0] }),
          { reduction: 'sum', zeroInfinity: true },
        ).item(),
      ),
    );
    expect(each[4]).toBe(0); // three equal labels do not fit into two steps
    const means = each.map((loss, row) => loss / Math.max(labels[row]?.length ?? 0, 1));
    await expectFigure(device, items, () => new CTCLoss({ zeroInfinity: true }), sumOf(means) / means.length);
    await expectFigure(device, items, () => new CTCLoss({ zeroInfinity: true, reduction: 'sum' }), sumOf(each));
  });
});
