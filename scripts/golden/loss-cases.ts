import {
  PaddedSequence,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  ctcLoss,
  huberLoss,
  klDivergence,
  l1Loss,
  logSoftmax,
  mseLoss,
  sigmoid,
  smoothL1Loss,
  type Tensor,
} from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import type { GoldenCase } from './golden-case';

/** Each loss with the options that its cases have. */
const losses: Readonly<Record<string, (golden: GoldenCase, input: Tensor) => Tensor>> = {
  crossEntropy: (golden, input) => {
    const weight = golden.hasArray('weight') ? { weight: golden.tensor('weight') } : {};
    const options = { ...golden.options('reduction', 'ignoreIndex', 'labelSmoothing'), ...weight };
    const target = golden.tensor('target');
    if (!golden.hasArray('lengths')) return crossEntropy(input, target, options);
    const lengths = golden.numbers('lengths');
    return crossEntropy(new PaddedSequence(input, lengths), new PaddedSequence(target, lengths), options);
  },
  binaryCrossEntropy: (golden, input) =>
    binaryCrossEntropy(input, golden.tensor('target'), golden.options('reduction')),
  binaryCrossEntropyWithLogits: (golden, input) => {
    const posWeight = golden.hasArray('posWeight') ? { posWeight: golden.tensor('posWeight') } : {};
    return binaryCrossEntropyWithLogits(input, golden.tensor('target'), {
      ...golden.options('reduction'),
      ...posWeight,
    });
  },
  mse: (golden, input) => mseLoss(input, golden.tensor('target'), golden.options('reduction')),
  l1: (golden, input) => l1Loss(input, golden.tensor('target'), golden.options('reduction')),
  smoothL1: (golden, input) => smoothL1Loss(input, golden.tensor('target'), golden.options('reduction')),
  huber: (golden, input) => huberLoss(input, golden.tensor('target'), golden.options('reduction')),
  klDivergence: (golden, input) => klDivergence(input, golden.tensor('target'), golden.options('reduction')),
  ctc: (golden, input) =>
    ctcLoss(input, golden.tensor('target'), {
      ...golden.options('blank', 'reduction'),
      inputLengths: golden.numbers('inputLengths'),
      targetLengths: golden.numbers('targetLengths'),
    }),
};

const transforms: Readonly<Record<string, (input: Tensor) => Tensor>> = {
  sigmoid: (input) => sigmoid(input),
  logSoftmax: (input) => logSoftmax(input, -1),
};

/** A loss: its value and the gradient of its input. */
export async function runLossCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const loss = losses[golden.text('loss')];
  const transform = golden.has('transform') ? transforms[golden.text('transform')] : (input: Tensor): Tensor => input;
  if (loss === undefined || transform === undefined)
    throw new Error(
      `${golden.path}: got an unknown loss or transform, expected one of ${Object.keys(losses).join(', ')}`,
    );
  const input = golden.leaf('input');
  const result = loss(golden, transform(input));
  await comparison.check('result', result);
  backwardFrom(golden, { result });
  await comparison.checkGradients({ input });
}
