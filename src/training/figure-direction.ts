import { OptionError } from '../tensor/errors';
import { oneOf } from '../tensor/options';

/** Whether a figure should become small or large. */
export type Mode = 'min' | 'max';

const SMALL = /loss|error|perplexity|distance|brier|bitsper|divergence|^(?:(?:scaled)?r?m[as]e|s?mape|wer|cer)$/u;
const LARGE = /accuracy|precision|recall|sensitivity|specificity|f1|fbeta|auc|auroc|bleu|chrf|rouge|exactmatch|^r2$/u;

/**
 * Whether a figure should become small or large, by its name: a loss or an error should be small, an accuracy large.
 *
 * @param op      whose option `mode` is missing
 * @param figure  `train.NAME` or `validation.NAME`
 * @throws {OptionError} if the name does not tell
 */
export function directionOf(op: string, figure: string): Mode {
  const told = toldDirection(figure);
  if (told !== undefined) return told;
  throw new OptionError(op, {
    given: `figure: "${figure}" without a mode`,
    expected: 'to be told whether it should become small or large',
    fix: "pass mode: 'min' or mode: 'max'",
  });
}

/** The same; undefined where the name does not tell. */
export function toldDirection(figure: string): Mode | undefined {
  const name = figure.replace(/^(?:train|validation)\./u, '').toLowerCase();
  const [small, large] = [SMALL.test(name), LARGE.test(name)];
  if (small === large) return undefined;
  return small ? 'min' : 'max';
}

/** Reads an option `mode`. @throws {OptionError} if it is something else */
export function modeGiven(op: string, name: string, value: unknown): Mode {
  if (value !== 'auto') return oneOf(op, name, value, ['min', 'max']);
  throw new OptionError(op, {
    given: `${name}: "auto"`,
    expected: "one of 'min', 'max'",
    fix: 'leave it out: what the name of the figure says is the default',
  });
}

/** Whether a value is better than the best one so far by more than `margin`; NaN and infinity never are. */
export function isBetter(value: number, best: number | undefined, mode: Mode, margin = 0): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  return mode === 'min' ? value < best - margin : value > best + margin;
}
