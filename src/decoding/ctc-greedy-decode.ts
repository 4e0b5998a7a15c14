import { noGrad } from '../tensor/grad-mode';
import { cast, isNaN } from '../tensor/ops/elementwise';
import { argmax, max } from '../tensor/ops/reduce';
import { stack } from '../tensor/ops/shape';
import { nonNegativeInteger } from '../tensor/options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { refuseInStep } from '../tensor/replay-notes';
import { scope } from '../tensor/scope';
import { ctcExtents, notCTCScores } from './ctc-scores';

/** Options of `ctcGreedyDecode`. */
export interface CTCGreedyOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number;
}

/**
 * The labels on the most probable alignment of each row: the highest class of each step, repetitions once, blanks left
 * out (Graves et al., 2006). Only classes are read, not scores.
 *
 * @param scores  [N, T, C], before softmax or after, also log-probabilities; of a PaddedSequence the real steps count
 * @returns the labels of each row; none for a row of length 0
 * @throws {ShapeError} if the scores are not [N, T, C]; {OptionError} if the blank is no class, or a real score is NaN
 * @see ctcBeamSearch for the most probable labels, which those on the most probable alignment need not be
 */
export async function ctcGreedyDecode(scores: Sequence, options: CTCGreedyOptions = {}): Promise<number[][]> {
  const op = 'ctcGreedyDecode';
  const { blank } = readOptions(op, options, { blank: withDefault(nonNegativeInteger, 0) });
  refuseInStep(`${op}()`);
  const { lengths } = ctcExtents(op, scores, blank);
  const values = valuesOf(scores);
  const [rows = 0, steps = 0] = values.shape;
  if (rows * steps === 0) return lengths.map(() => []);
  const best = scope(() => noGrad(() => stack([argmax(values, -1), cast(isNaN(max(values, -1)), 'i32')], 0)));
  const data = await best.data().finally(() => best.dispose());
  return lengths.map((length, row) => {
    const labels: number[] = [];
    let before = blank;
    for (let step = 0; step < length; step++) {
      const place = row * steps + step;
      if (data[rows * steps + place] !== 0) throw notCTCScores(op, { row, step, highest: Number.NaN }, 'numbers');
      const label = data[place] ?? blank;
      if (label !== blank && label !== before) labels.push(label);
      before = label;
    }
    return labels;
  });
}
