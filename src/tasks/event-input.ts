import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import type { EventEncoder } from './event-encoder';
import { endOf, historyAt } from './event-history';
import { sequenceOf, type EventKeys } from './event-rows';
import type { InputFault } from './input-fault';

/**
 * What is wrong with an input that came as JSON; undefined if it holds the rows of one customer, with the columns of
 * the training.
 */
export function eventsFault(input: unknown, encoder: EventEncoder, keys: EventKeys): InputFault | undefined {
  const fix = whatToSend(encoder, keys);
  if (!Array.isArray(input) || input.length === 0)
    return { given: describe(input), expected: 'an array with the rows of one customer, one at least', fix };
  const odd = input.findIndex((row) => !isPlainObject(row));
  if (odd >= 0) return { given: `${describe(input[odd])} as row ${odd}`, expected: 'an object for each row', fix };
  const op = 'input';
  try {
    const sequence = sequenceOf(op, input, 'row', keys);
    encoder.checkColumns(op, [sequence], false);
    const history = historyAt(sequence, endOf([sequence]));
    if (history !== undefined) encoder.encode(op, history);
    return undefined;
  } catch (error) {
    if (!(error instanceof OptionError) || error.messageParts === undefined) throw error;
    return { ...error.messageParts, fix };
  }
}

/** Columns of an example that is shown. */
const SHOWN = 6;

function whatToSend({ parts }: EventEncoder, { key, time }: EventKeys): string {
  const cells = [
    [key, 'c17'],
    [time, '2024-01-31'],
    ...parts.numeric.map(({ name }) => [name, 1]),
    ...parts.categorical.map(({ name, tokens }) => [name, tokens[1] ?? '']),
  ].map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const row = `{${[...cells.slice(0, SHOWN), ...(cells.length > SHOWN ? ['…'] : [])].join(', ')}}`;
  return `send {"input": [${row}]}, a row for each event of one customer, or an array of such arrays as "inputs"`;
}
