import { expect, test } from 'vitest';
import { MeanAbsoluteError, MSELoss, tensor, Trainer, type Tensor } from 'stmnet';
import { unit } from '../support/trainers';

test('what the from of a metric gives has to be tensors, numbers or texts', async () => {
  const { model, batches } = unit(2);
  const evaluate = async (given: unknown): Promise<unknown> => {
    const metric = { metric: new MeanAbsoluteError(), from: () => given as readonly [Tensor, Tensor] };
    return new Trainer({ model, loss: new MSELoss(), metrics: [metric] }).evaluate(batches);
  };
  const [output, target] = [tensor([1, 2]), tensor([1, 4])];
  expect(await evaluate([output, target, undefined])).toMatchObject({ meanAbsoluteError: 1 });
  expect(await evaluate([output, target, tensor([1, 3])])).toMatchObject({ meanAbsoluteError: 1.5 });
  expect(await evaluate([[1, 2], [1, 4], [1, 3]])).toMatchObject({ meanAbsoluteError: 1.5 }); // prettier-ignore
  expect(await evaluate(Promise.resolve([output, target]))).toMatchObject({ meanAbsoluteError: 1 });
  const expected =
    'expected [output, target] or [output, target, weight] of tensors, PaddedSequences, or arrays of numbers or ' +
    'texts.\n' +
    '  Fix: return what the metric is to compare, as in from: (output, batch) => [output.tags, batch.tags].';
  for (const [given, text] of [
    [output, String(output)],
    [[output], `[${String(output)}]`],
    [[output, target, 3], `[${String(output)}, ${String(target)}, 3]`],
    [undefined, 'undefined'],
  ])
    await expect(evaluate(given)).rejects.toThrow(`Trainer: the from of a metric: got ${String(text)}, ${expected}`);
});

test('a weight that metrics cannot take is refused, not left out', async () => {
  const { model } = unit(2);
  const trainer = new Trainer({
    model,
    forward: (linear, batch: { x: Tensor; target: Tensor; weight: unknown }) => linear.forward(batch.x),
    loss: (output) => output.mean(),
    metrics: [new MeanAbsoluteError()],
  });
  const batch = { x: tensor([[1], [2]]), target: tensor([[2], [8]]) }; // prettier-ignore
  expect(await trainer.evaluate([{ ...batch, weight: tensor([3, 1]) }])).toMatchObject({ meanAbsoluteError: 1 });
  await expect(trainer.evaluate([{ ...batch, weight: [3, 1] }])).rejects.toThrow(
    'Trainer: the weight of the batch: got [3, 1], expected a tensor or a PaddedSequence.\n' +
      '  Fix: make a tensor of it, or say what a metric compares: ' +
      '{ metric, from: (output, batch) => [output.tags, batch.target.tags] }.',
  );
});
