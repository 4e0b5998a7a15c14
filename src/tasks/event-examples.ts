import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { EventClassifierSettings } from './event-classifier-options';
import {
  cutOffOf,
  endOf,
  examplesAt,
  historyAt,
  labelledExamples,
  momentLike,
  type EventHistory,
  type EventQuestion,
} from './event-history';
import { collectSequences, type EventExample, type EventSequence } from './event-rows';
import type { Examples } from './task';
import { counted } from '../tensor/counted';

/** What is learned from, or evaluated on. */
export interface EventExamples {
  readonly histories: readonly EventHistory[];
  /** Whether each had a label; else they were looked at from cut-offs. */
  readonly labelled: boolean;
  /** The rows that they come from, and the last moment that was looked from. */
  readonly sequences: readonly EventSequence[];
  readonly cutOff: number;
}

type Settings = Pick<EventClassifierSettings, 'key' | 'time' | 'horizon' | 'targetColumn' | 'targetValue' | 'cutOffs'>;

/**
 * Examples of rows at their last cut-off, or of sequences that have a label.
 *
 * @param cutOff  Default: so long before the last row that the horizon lies within the rows
 * @param times   how many cut-offs, one horizon apart, the last one first
 * @throws {OptionError} if a row is none, the horizon does not lie within the rows, or nobody has an event before it
 */
export async function readExamples(
  op: string,
  examples: Examples<EventExample>,
  settings: Settings,
  { cutOff: given, times = 1 }: { cutOff?: unknown; times?: number } = {},
): Promise<EventExamples> {
  const sequences = await collectSequences(op, examples, settings);
  if (sequences[0]?.label !== undefined) {
    if (given === undefined)
      return { histories: labelledExamples(op, sequences), labelled: true, sequences, cutOff: endOf(sequences) };
    throw new OptionError(op, {
      given: `cutOff: ${describe(given)} beside sequences with a label`,
      expected: 'a cut-off for rows alone',
      fix: 'give it to each sequence: { events, label, cutOff }, or leave it out',
    });
  }
  const { horizon } = settings;
  const cutOff = cutOffOf(op, sequences, given, horizon);
  const question = { horizon, counts: questionOf(settings) };
  const histories = Array.from({ length: times }, (_, back) =>
    examplesAt(sequences, cutOff - back * horizon, question),
  );
  return { histories: histories.flat(), labelled: false, sequences, cutOff };
}

/** Which rows are what is asked for. */
function questionOf({ targetColumn, targetValue }: Settings): EventQuestion['counts'] {
  if (targetColumn === undefined) return () => true;
  return ({ row }) => String(row[targetColumn] ?? '') === String(targetValue);
}

/** @throws {OptionError} if it happened in all examples, or in none */
export function checkBoth(
  op: string,
  { histories, labelled }: EventExamples,
  { horizon, targetColumn }: Settings,
): void {
  const count = histories.filter(({ happened }) => happened).length;
  if (count > 0 && count < histories.length) return;
  const which = count === 0 ? 'none' : 'all';
  const span = count === 0 ? 'lengthen' : 'shorten';
  const fix =
    targetColumn === undefined ? `${span} the horizon` : `look at targetColumn and targetValue, or ${span} the horizon`;
  const within = labelled ? '' : ` within ${counted(horizon, 'day')}`;
  throw new OptionError(op, {
    given: `${counted(histories.length, 'example')}, in ${which} of which it happened${within}`,
    expected: 'some in which it happened and some in which it did not',
    fix: labelled ? 'look at the labels' : fix,
  });
}

/**
 * Customers who are learned from and validated on have to be looked at later then: what happened to them must not be
 * known yet.
 *
 * @throws {OptionError} naming one of whom it is
 */
export function checkApart(op: string, train: EventExamples, validation: EventExamples, horizon: number): void {
  if (
    train.labelled ||
    validation.labelled ||
    validation.cutOff >= Math.min(train.cutOff + horizon, endOf(train.sequences))
  )
    return;
  const known = new Set(train.sequences.map(({ customer }) => customer));
  const twice = validation.sequences.find(({ customer }) => known.has(customer));
  if (twice === undefined) return;
  throw new OptionError(op, {
    given: `${describe(twice.customer)} in examples and validation, whose cut-off is before the end of the training`,
    expected: 'other customers in validation, or a later cut-off',
    fix: 'split by customer: splitDataset(rows, sizes, { groupBy: (row) => row.customer })',
  });
}

/**
 * What is known of customers who are asked about; undefined of one who has no event until the moment to look from.
 *
 * @param given    the moment. Default: the last event of all of them
 * @param ownEnds  whether the last event of each is the default in place of that
 * @throws {OptionError} if it is no moment of the kind that the rows have
 */
export function askedHistories(
  op: string,
  sequences: readonly EventSequence[],
  given: unknown,
  ownEnds: boolean,
): (EventHistory | undefined)[] {
  const dated = sequences[0]?.events[0]?.dated ?? false;
  const cutOff = given === undefined ? endOf(sequences) : momentLike(op, given, dated);
  return sequences.map((one) => historyAt(one, given === undefined && ownEnds ? endOf([one]) : cutOff));
}
