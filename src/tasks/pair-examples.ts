import { counted } from '../tensor/counted';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';
import { isBlank, warnOfEmpty } from './empty-examples';

/** A text, and what is to be made of it: its translation, its pronunciation. */
export interface PairExample {
  /** What is read. */
  readonly source: string;
  /** What is written. */
  readonly target: string;
}

/** How an example looks. */
export const PAIR_FORM = "{ source: 'I am cold.', target: 'J’ai froid.' }";

/** Checks one example. @throws {OptionError} naming its place, if it is not of the form */
export function pairExample(op: string, example: unknown, place: number): PairExample {
  const { source, target } = fieldsOf(op, example, place, ['source', 'target'], PAIR_FORM);
  if (typeof source !== 'string') throw wrongExample(op, place, `source: ${describe(source)}`, PAIR_FORM);
  if (typeof target !== 'string') throw wrongExample(op, place, `target: ${describe(target)}`, PAIR_FORM);
  return placedAs({ source, target }, example);
}

/** Whether an example teaches nothing. */
export const isEmptyPair = ({ source, target }: PairExample): boolean => isBlank(source) || isBlank(target);

/** The pairs that have both sides. @throws {OptionError} if there is none */
export function fullPairs(op: string, pairs: readonly PairExample[]): PairExample[] {
  const full = pairs.filter((pair) => !isEmptyPair(pair));
  if (full.length > 0) return full;
  throw new OptionError(op, {
    given: `${counted(pairs.length, 'pair')}, of which each has an empty side`,
    expected: 'one with a source and a target at least',
    fix: 'look at which column holds the sources, and which the targets',
  });
}

/** Tells in a warning which pairs have an empty side: they are passed over. */
export const warnOfEmptyPairs = (
  op: string,
  train: readonly PairExample[],
  validation?: readonly PairExample[],
): void => warnOfEmpty(op, { train, validation }, isEmptyPair, 'an empty text', 'they are passed over');
