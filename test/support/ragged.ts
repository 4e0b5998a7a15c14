import { PaddedSequence, tensor, type Tensor } from 'stmnet';

/** Rows [1, 2, 3] and [4], of two features each, NaN in the padding. */
export const leaf = (): Tensor =>
  tensor(
    [
      [
        [1, -1],
        [2, -2],
        [3, -3],
      ],
      [
        [4, -4],
        [NaN, NaN],
        [NaN, NaN],
      ],
    ],
    { requiresGrad: true },
  );

export const lengths = [3, 1];

/** The gradient of a sum over the results' real steps. */
export async function gradient(x: Tensor, y: PaddedSequence | Tensor): Promise<unknown> {
  (y instanceof PaddedSequence ? y.zeroPadding().values : y).sum().backward();
  return x.grad?.array();
}
