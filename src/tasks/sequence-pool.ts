import { AttentionPool } from '../layers/attention-pool';
import { LastStep, MaxPool, MeanPool } from '../layers/pooling';
import { encodedSize, type EncoderOptions } from './recurrent-encoder';

/** How the steps of a sequence become one vector. */
export type Pooling = 'max' | 'mean' | 'last' | 'attention';

/** What makes one vector of the steps of recurrent layers: [N, T, K·H] → [N, K·H]. */
export function sequencePool(
  pooling: Pooling,
  encoder: Required<EncoderOptions>,
): AttentionPool | LastStep | MaxPool | MeanPool {
  if (pooling === 'mean') return new MeanPool();
  if (pooling === 'last') return new LastStep({ bidirectional: encoder.bidirectional });
  if (pooling === 'attention') return new AttentionPool({ inputSize: encodedSize(encoder) });
  return new MaxPool();
}
