import { DTypeError, OptionError, ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { lengthsOf, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { checkTensor } from '../tensor/tensor';

/** What the scores of a model trained by CTC are of. @internal */
export interface CTCExtents {
  /** C, the number of classes, the blank among them. */
  readonly classes: number;
  /** The real steps of each row. */
  readonly lengths: readonly number[];
}

/** Looks at scores [N, T, C]. @internal */
export function ctcExtents(op: string, scores: Sequence, blank: number): CTCExtents {
  const values = valuesOf(scores);
  checkTensor(values, op, 'scores', 'a Tensor or a PaddedSequence');
  const [rows = 0, steps = 0, classes = 0] = values.shape;
  if (values.rank !== 3 || classes === 0)
    throw new ShapeError(op, {
      given: `scores ${describe(scores)}`,
      expected: '[N, T, C], of one class at least',
      fix: 'put the batch first, as by scores.unsqueeze(0) for one sequence; [T, N, C] is transposed',
    });
  if (values.dtype !== 'f32' && values.dtype !== 'f64')
    throw new DTypeError(op, { given: `scores ${describe(scores)}`, expected: 'f32 or f64', fix: 'pass the scores' });
  if (blank >= classes)
    throw new OptionError(op, {
      given: `blank: ${blank} with scores ${describe(scores)}`,
      expected: `a class in 0..${classes - 1}`,
      fix: 'pass the blank that CTCLoss was told',
    });
  return { classes, lengths: lengthsOf(scores) ?? new Array<number>(rows).fill(steps) };
}

/** A step whose scores are none, by the highest of them. @internal */
export interface OddStep {
  readonly row: number;
  readonly step: number;
  /** NaN, Infinity, or -Infinity: all of them are. */
  readonly highest: number;
}

/** The error of scores that are none. @internal */
export function notCTCScores(op: string, { row, step, highest }: OddStep, expected: string): OptionError {
  const scores = `the scores of step ${step} of row ${row}`;
  return new OptionError(op, {
    given: highest === Number.NEGATIVE_INFINITY ? `-Infinity as all of ${scores}` : `${highest} among ${scores}`,
    expected,
    fix: 'look at how the model was trained, and at what it reads',
  });
}
