import type { CTCLengths, CTCLossOptions } from '../tensor/ops/losses-options';
import * as readers from '../tensor/ops/losses-options';
import { tensor } from '../tensor/factories';
import { div } from '../tensor/ops/elementwise';
import { ctcLoss } from '../tensor/ops/losses';
import { lengthsOf, PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { LossWithOptions } from './loss';
import { countingAlone, weighted } from './weighted';

/**
 * Connectionist temporal classification (Graves et al., 2006): -log of the probability that the steps spell the labels,
 * over all alignments.
 *
 * Shapes: input log-probabilities, a tensor [T, N, C] or a PaddedSequence of [N, T, C]; target whole numbers [N, S] or
 * a PaddedSequence of it → [] (or [N], for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.CTCLoss
 */
export class CTCLoss extends LossWithOptions<CTCLossOptions> {
  constructor(options: CTCLossOptions = {}) {
    super('CTCLoss', options, readers.ctcOfAllBatches);
  }

  /**
   * @param lengths  inputLengths and targetLengths, for tensors; a PaddedSequence has its own
   * @throws {ShapeError} if lengths and shapes do not fit
   */
  override forward(input: Sequence, target: Sequence, lengths: CTCLengths = {}): Tensor {
    const { inputLengths, targetLengths } = readOptions('CTCLoss.forward', lengths, readers.lengthsForCTC);
    return ctcLoss(input, target, { ...this.options, inputLengths, targetLengths });
  }

  /**
   * In a Trainer a tensor is [N, T, C], as where all rows of a batch are full; give a function that calls `forward` for
   * outputs of [T, N, C].
   *
   * @param weight  of each sequence, [N]
   * @throws {ShapeError} if there is not one weight for each sequence
   */
  override ofBatch(input: Sequence, target: Sequence, weight?: Sequence): Tensor {
    const [rows = 0, steps = 0] = input.shape;
    const known = input instanceof PaddedSequence || input.rank !== 3;
    const sequences = known ? input : new PaddedSequence(input, new Array<number>(rows).fill(steps));
    if (weight === undefined) return this.forward(sequences, target);
    const { reduction, blank } = this.options;
    const { dtype, device } = sequences;
    const weights = elementWeights('CTCLoss', weight, { shape: [rows], lengths: undefined, dtype });
    const label = blank === 0 ? 1 : 0; // one that a target may hold
    const values = ctcLoss(countingAlone(sequences, weights), countingAlone(target, weights, label), {
      ...this.options,
      reduction: 'none',
    });
    if (reduction !== 'mean') return weighted(values, weights, reduction);
    const labels = lengthsOf(target) ?? new Array<number>(rows).fill(target.shape[1] ?? 0);
    const counts = tensor(
      labels.map((count) => Math.max(count, 1)),
      { dtype, device },
    );
    return weighted(div(values, counts), weights, reduction);
  }
}
