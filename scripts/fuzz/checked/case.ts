import type { Sequence, Tensor } from 'stmnet';
import type { Known } from '../inputs';
import type { Plain } from '../plain';
import type { Draw } from '../random';

/** One call with known inputs, and the plain evaluation of the same. */
export interface CheckedCase {
  /** The op, for counts and messages; with its options. */
  readonly label: string;
  readonly inputs: readonly Known[];
  /** The call: of the inputs' views. */
  readonly run: (...views: Tensor[]) => Sequence | readonly Tensor[];
  /** What it should give: of the views' numbers. */
  readonly plain: (...views: Plain[]) => Plain | readonly Plain[];
  /** Whether the derivative is compared too. Default true: where it jumps the comparison is left out. */
  readonly smooth?: boolean;
}

/** Makes a case of one family. */
export type CaseMaker = (draw: Draw) => CheckedCase;

/** A text for the options in a label. */
export const shown = (name: string, options: object): string => `${name} ${JSON.stringify(options)}`;
