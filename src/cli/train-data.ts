import { existsSync, realpathSync } from 'node:fs';
import type { DataSource, TaskEntry } from '../tasks/catalogue/task-entry';
import { examplesText } from './examples-text';
import { UsageError } from './report-error';
import type { ExampleFiles } from './train-config';

/** Which data a training is made of. */
export interface TrainDataOptions extends ExampleFiles {
  /** Of the part that is held back. */
  readonly seed: number;
}

/** Examples, read and divided. */
export interface TrainData {
  readonly train: readonly unknown[];
  readonly validation: readonly unknown[] | undefined;
  readonly test: readonly unknown[] | undefined;
  /** How many those are, and of which file: `40 rows of 3 customers of rows.csv`. */
  readonly testText: string | undefined;
  /** What was done, for people, a line each. */
  readonly lines: readonly string[];
}

/** Reads the examples of a training, all files before the first step, and holds a part back for validation. */
export async function readTrainData(
  entry: TaskEntry,
  options: TrainDataOptions,
  settings: DataSource['settings'],
): Promise<TrainData> {
  const { data, validation, validationSplit, test, seed } = options;
  if (validation !== undefined && data === validation)
    throw new UsageError('--validation names the file of --data. Fix: leave it out, and a part is held back.');
  warnOfKnownTest(data, test, validation);
  const count = (examples: readonly unknown[]): string => examplesText(entry, examples, settings);
  const read = (from: string): Promise<readonly unknown[]> => entry.examples({ from, settings });
  const all = await read(data);
  const [checks, tests] = [validation && (await read(validation)), test && (await read(test))];
  const testText = tests ? `${count(tests)} of ${test}` : undefined;
  const ending = testText === undefined ? [] : [`${testText} are for the test at the end`];
  const begun = { test: tests || undefined, testText };
  if (checks)
    return {
      ...begun,
      train: all,
      validation: checks,
      lines: [`${count(all)} of ${data}, validated on ${count(checks)} of ${validation}`, ...ending],
    };
  const parts = validationSplit > 0 ? entry.holdBack(all, validationSplit, seed, settings) : undefined;
  if (parts === undefined) {
    const why = validationSplit > 0 ? 'too few to hold some back' : 'none held back';
    return { ...begun, train: all, validation: undefined, lines: [`${count(all)} of ${data}, ${why}`, ...ending] };
  }
  const held = `${count(parts.validation)} held back for validation (${parts.how})`;
  return { ...begun, ...parts, lines: [`${count(parts.train)} of ${data} to train on, ${held}`, ...ending] };
}

/** Tells of a test that says nothing, as its file is learned from, or chosen by: `STM_KNOWN_TEST`. */
function warnOfKnownTest(data: string, test: string | undefined, validation: string | undefined): void {
  const known = [data, validation].find((file) => file !== undefined && test !== undefined && isSameFile(file, test));
  if (known === undefined) return;
  process.emitWarning(
    `got --test ${test}, the file of ${known === data ? '--data' : '--validation'}: its figures tell how well the ` +
      'model knows these examples, not how good it is on others.\n' +
      '  Fix: pass another file as --test, or leave it out.',
    { type: 'StmnetWarning', code: 'STM_KNOWN_TEST' },
  );
}

/** Whether two paths lead to one file. */
const isSameFile = (one: string, other: string): boolean =>
  one === other || (existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other));
