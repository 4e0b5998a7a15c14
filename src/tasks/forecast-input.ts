import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import type { ForecastEncoder } from './forecast-encoder';
import type { ForecastRow } from './forecast-row';
import type { ForecasterSettings } from './forecaster-options';
import type { InputFault } from './input-fault';

/** Columns of an example that is shown. */
const SHOWN = 6;

/**
 * What is wrong with an input that came as JSON; undefined if it holds the rows of one series, with the columns of the
 * training and as many steps as are read.
 *
 * @param ask  makes of rows what is asked, or throws
 */
export function rowsFault(
  input: unknown,
  encoder: ForecastEncoder,
  settings: ForecasterSettings,
  ask: (rows: readonly ForecastRow[]) => void,
): InputFault | undefined {
  const fix = whatToSend(encoder, settings);
  if (!Array.isArray(input) || input.length === 0)
    return { given: describe(input), expected: 'an array with the rows of one series, in time', fix };
  const odd = input.findIndex((row) => !isPlainObject(row));
  if (odd >= 0) return { given: `${describe(input[odd])} as row ${odd}`, expected: 'an object for each row', fix };
  try {
    ask(input as readonly ForecastRow[]);
    return undefined;
  } catch (error) {
    if (!(error instanceof OptionError) || error.messageParts === undefined) throw error;
    return { ...error.messageParts, fix };
  }
}

function whatToSend({ parts }: ForecastEncoder, { time, series, target, window }: ForecasterSettings): string {
  const cells = [
    ...(series === undefined ? [] : [[series, 'one']]),
    [time, parts.step.unit === 'number' ? 1 : '2024-01-31'],
    ...target.map((name) => [name, 1]),
    ...parts.numeric.map(({ name }) => [name, 1]),
    ...parts.categorical.map(({ name, tokens }) => [name, tokens[1] ?? '']),
  ].map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const row = `{${[...cells.slice(0, SHOWN), ...(cells.length > SHOWN ? ['…'] : [])].join(', ')}}`;
  const each = `a row for each of ${window} steps at least`;
  return `send {"input": [${row}, …]}, ${each}, or an array of such arrays as "inputs"`;
}
