import { Command } from 'commander';
import { nameOf } from '../../tasks/catalogue/table-columns';
import { batchesOf } from '../batches';
import { addInputOptions, inputSource, refuseInputOptions } from '../input-options';
import { namedData } from '../named-data';
import { openRun, type OpenRun } from '../open-run';
import { addCommonOptions, addExamples, fourDigits, print, remark, type CommonOptions } from '../output';
import { UsageError } from '../report-error';
import { tellStrangers } from '../strangers';
import { addVerbOptions, verbOptions } from '../verb-options';

/** Options of `stmnet predict`. */
interface PredictOptions extends CommonOptions {
  readonly data?: string;
}

/** Inputs that are computed together. */
const BATCH = 256;

/** The command `stmnet predict`. */
export function predictCommand(): Command {
  const command = new Command('predict')
    .description(
      'Asks a trained task, one answer a line. From a pipe each line is an input, or a JSON value with --format jsonl.',
    )
    .argument('<run>', 'run folder or model file')
    .argument('[inputs...]', 'what to ask about; - for standard input')
    .optionsGroup('Data:')
    .option('--data <file>', 'inputs in a file, such as a table with --text-column; - for standard input');
  addInputOptions(command);
  addVerbOptions(command, 'predicting');
  addCommonOptions(command).action(async (run: string, inputs: readonly string[], options: PredictOptions) =>
    predict(command, run, inputs, options),
  );
  return addExamples(command, [
    'stmnet predict run "WINNER!! claim your prize"',
    'cat messages.txt | stmnet predict run - --json',
    'stmnet predict run --data messages.csv --text-column message',
  ]);
}

async function predict(
  command: Command,
  path: string,
  given: readonly string[],
  options: PredictOptions,
): Promise<void> {
  const { data = isPiped(given) ? '-' : undefined } = options;
  if (options.data !== undefined && given.length > 0)
    throw new UsageError('got both --data and inputs, expected one of them. Fix: leave one out.');
  if (data === undefined && given.length === 0)
    throw new UsageError(
      'got nothing to predict. Fix: write inputs behind the run, pass --data FILE, or pipe them in.',
    );
  const run = await openRun(path);
  const { entry, task } = run;
  const asked = verbOptions(command, run, 'predicting');
  if (data === undefined) refuseInputOptions(command);
  const source = data === undefined ? undefined : inputSource(command, run, data);
  const told = <T>(use: () => Promise<T>): Promise<T> =>
    source === undefined ? use() : namedData(nameOf(source.from), use);
  if (entry.answers !== undefined && source !== undefined) {
    const answers = await told(
      async () => (await entry.answers?.(task, source, (line) => remark(options, line))) ?? [],
    );
    return print(answers.map((answer) => answerLine(run, undefined, answer, options)).join(''));
  }
  const inputs = source === undefined ? streamOf(given.map((text) => entry.inputOf(text))) : entry.inputs(source);
  const strangers = new Set<string>();
  const ask = (batch: readonly unknown[]): Promise<readonly object[]> =>
    entry.predicting?.predict(task, batch, asked) ?? (task.predict(batch) as Promise<object[]>);
  for await (const batch of batchesOf(inputs, BATCH)) {
    tellStrangers(run, batch, options, strangers);
    const answers = await told(() => ask(batch));
    await print(answers.map((answer, at) => answerLine(run, batch[at], answer, options)).join(''));
  }
}

/** Whether the inputs come on standard input: where that is said, or nothing else is and it is no terminal. */
const isPiped = (given: readonly string[]): boolean =>
  given.length === 0 ? !process.stdin.isTTY : String(given) === '-';

async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function answerLine({ entry }: OpenRun, input: unknown, answer: object, { json }: PredictOptions): string {
  if (json === true)
    return `${JSON.stringify(Array.isArray(answer) ? { input, prediction: answer } : { ...answer, input })}\n`;
  const rows = entry.rows?.(input, answer) ?? [entry.row(input, answer)];
  return rows.map((row) => `${Object.values(row).map(toldIn).map(onOneLine).join('\t')}\n`).join('');
}

/** The numbers of an answer are probabilities. */
const toldIn = (value: string | number): string => (typeof value === 'number' ? fourDigits(value) : value);

/** A cell of a line whose cells stand between tabs: what would break it is written as in a program. */
const onOneLine = (cell: string): string =>
  cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
