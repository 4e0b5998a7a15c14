import { Tensor } from './tensor';

// Given a tensor with two axes, a recurrent layer cannot tell a batch of sequences without features from the steps of
// one sequence. Tensors that collate made, or a DataLoader, are batches: they are noted here.
const batches = new WeakSet<object>();

/** Notes that the first axis of a batch counts its items. @returns the batch @internal */
export function markRows<X extends object>(batch: X): X {
  if (batch instanceof Tensor) batches.add(batch);
  return batch;
}

/** Notes of a batch what is known of another one that has the same numbers. @returns the batch @internal */
export const markRowsLike = <X extends object>(like: object, batch: X): X =>
  batches.has(like) ? markRows(batch) : batch;

/** Whether the first axis is known to count the items of a batch. @internal */
export const countsRows = (x: object): boolean => batches.has(x);
