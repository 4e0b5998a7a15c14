import { describe, expect, test } from 'vitest';
import {
  mseLoss,
  MSELoss,
  pad,
  PaddedSequence,
  SGD,
  tensor,
  Trainer,
  type LossFunction,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';
import { column, expectFigure, Same, sumOf, type Item } from '../support/loss-figures';

describe("losses of one's own", () => {
  const batches = [
    { input: tensor([[1], [2], [3]]), target: tensor([[0], [0], [0]]) },
    { input: tensor([[6]]), target: tensor([[0]]) },
  ];
  const evaluate = (loss: unknown): Promise<Record<string, number>> => {
    const model = new Same();
    return new Trainer({ model, loss: loss as LossFunction, optimizer: new SGD(model.parameters()) }).evaluate(batches);
  };
  test('count by the real elements of the target, padded or not', async () => {
    const mean = (output: Sequence): Tensor => {
      const steps =
        output instanceof PaddedSequence ? sumOf([...output.lengths]) : (output.shape[0] ?? 0) * (output.shape[1] ?? 0);
      return (output instanceof PaddedSequence ? output.zeroPadding().values : output).sum().div(steps);
    };
    const rows = [[1, 2], [3, 4], [5], [6]].map((values): Item => ({ input: column(values), target: column(values) }));
    await expectFigure(here, rows, () => mean, 21 / 6);
  });
  test('count by the lengths of the output where the target is plain', async () => {
    const batchOf = (rows: number[][]): { input: PaddedSequence; target: Tensor } => {
      const input = pad(
        rows.map((row) => row.map((value) => [value])),
        { steps: 3, device: here },
      );
      return { input, target: input.values.mul(0) };
    };
    for (const batches of [[[[1, 2, 3], [5]]], [[[1, 2, 3]], [[5]]]]) {
      const model = new Same().to(here),
        optimizer = new SGD(model.parameters());
      const { loss } = await new Trainer({ model, loss: (x, y) => mseLoss(x, y).mul(1), optimizer }).evaluate(
        batches.map(batchOf),
      );
      expect(loss).toBeCloseTo((1 + 4 + 9 + 25) / 4, 5);
    }
  });

  test('count by the rows of the target where each has one, unless they tell their divisor', async () => {
    expect((await evaluate((output: Tensor) => output.mean()))['loss']).toBe((3 * 2 + 6) / 4);
    expect((await evaluate((output: Tensor) => ({ loss: output.mean(), divisor: 1 })))['loss']).toBe((2 + 6) / 2);
  });
  test('a class that changes what its base computes is asked, not its base', async () => {
    class Twice extends MSELoss {
      override forward(input: Sequence, target: Sequence): Tensor {
        return super.forward(input, target).mul(2);
      }
    }
    expect((await evaluate(new Twice()))['loss']).toBeCloseTo((2 * (1 + 4 + 9 + 36)) / 4, 5);
  });
  test('a divisor of 0 adds nothing, whatever 0 / 0 is', async () => {
    const loss = (output: Tensor): unknown =>
      output.shape[0] === 3
        ? { loss: output.mean(), divisor: 3 }
        : { loss: output.sum().mul(Number.NaN), divisor: tensor(0) };
    expect((await evaluate(loss))['loss']).toBe(2);
  });
  test('that return no loss are refused', async () => {
    await expect(evaluate((output: Tensor) => output)).rejects.toThrow(
      `Trainer: the loss: got f32[3, 1] on ${here}, expected a tensor of one element.\n` +
        "  Fix: take its mean() or sum(); a loss with reduction: 'none' does not.",
    );
    await expect((async () => evaluate(new MSELoss({ reduction: 'none' })))()).rejects.toThrow(
      "Trainer: got a loss with reduction: 'none', expected reduction: 'mean' or 'sum'.\n  Fix: leave reduction out",
    );
    await expect(evaluate(() => 3)).rejects.toThrow('Trainer: the loss: got 3, expected a tensor of one element.');
    await expect(evaluate(async () => tensor(1))).rejects.toThrow(
      'Fix: let the loss function return it without async.',
    );
    await expect(evaluate(() => [])).rejects.toThrow('Trainer: the loss: got no term, expected at least one.');
    await expect(evaluate((output: Tensor) => ({ loss: output.mean(), divisors: 1 }))).rejects.toThrow(
      'Fix: write divisor, if that is what you mean by divisors.',
    );
    await expect(evaluate((output: Tensor) => ({ loss: output.mean(), divisor: -1 }))).rejects.toThrow(
      'got divisor: -1',
    );
    await expect(evaluate((output: Tensor) => ({ loss: output.mean(), divisor: output }))).rejects.toThrow(
      'Fix: take the sum() of the weights.',
    );
  });
});
