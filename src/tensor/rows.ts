import { Tensor } from './tensor';

// Of a tensor with two axes a recurrent layer cannot tell whether the first counts sequences or the steps of one. Of a
// batch it is known.
const batches = new WeakSet<object>();

/** Notes that the first axis of a batch counts its items. @returns the batch @internal */
export function markRows<X extends object>(batch: X): X {
  if (batch instanceof Tensor) batches.add(batch);
  return batch;
}

/** Whether the first axis is known to count the items of a batch. @internal */
export const countsRows = (x: object): boolean => batches.has(x);
