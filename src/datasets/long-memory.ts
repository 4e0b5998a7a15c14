import { OptionError } from '../tensor/errors';
import { nonNegativeInteger, positiveInteger } from '../tensor/options';
import { readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { RandomDraws } from './random-draws';

/** Options of the problems that take a long memory. */
export interface LongMemoryOptions {
  /** How many sequences to draw. */
  sequences: number;
  /** T, how many steps they have about, at least 10. Default 100. */
  steps?: number;
  /** The same number gives the same sequences. Default 1. */
  seed?: number;
}

/** Fewer steps have no room for what must be remembered. */
const FEWEST = 10;

const steps: OptionReader<number> = (op, name, value) => {
  const count = positiveInteger(op, name, value);
  if (count >= FEWEST) return count;
  throw new OptionError(op, {
    given: `${name}: ${count}`,
    expected: `at least ${FEWEST}`,
    fix: 'ask for longer sequences',
  });
};

/**
 * Sequences of a problem, drawn one after the other from the seed.
 *
 * @param draw  makes one of about T steps
 */
export function drawSequences<Sequence>(
  op: string,
  options: LongMemoryOptions,
  draw: (random: RandomDraws, steps: number) => Sequence,
): Sequence[] {
  const read = readOptions(op, options, {
    sequences: positiveInteger,
    steps: withDefault(steps, 100),
    seed: withDefault(nonNegativeInteger, 1),
  });
  const random = new RandomDraws(read.seed);
  return Array.from({ length: read.sequences }, () => draw(random, read.steps));
}
