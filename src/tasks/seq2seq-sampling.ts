import { noGrad } from '../tensor/grad-mode';
import { lt, where } from '../tensor/ops/elementwise';
import { rand } from '../tensor/ops/random';
import { argmax } from '../tensor/ops/reduce';
import { concat, slice } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf } from '../tensor/padded-sequence';
import type { PairBatch, Seq2SeqNetwork } from './seq2seq-network';

/**
 * A batch of whose targets some tokens that the decoder reads are its own: those that it thinks most probable after the
 * true ones before (scheduled sampling, Bengio et al., 2015, of all steps at once as in Duckworth et al., 2019).
 *
 * @param share  how many of them are, in (0, 1)
 */
export function withOwnTokens(network: Seq2SeqNetwork, batch: PairBatch, share: number): PairBatch {
  return noGrad(() => {
    const { source, previous } = batch;
    const before = valuesOf(previous);
    const said = argmax(valuesOf(network.forward(batch)), -1); // [N, T], each what comes behind its step
    const own = concat([slice(before, [0, 0], [null, 1]), slice(said, [0, 0], [null, -1])], 1);
    const mixed = where(lt(rand(before.shape, { device: before.device }), share), own, before);
    return {
      source,
      previous: previous instanceof PaddedSequence ? new PaddedSequence(mixed, previous.lengths) : mixed,
    };
  });
}
