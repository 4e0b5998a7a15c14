import { describe } from '../tensor/options';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';
import { isBlank } from './empty-examples';

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
