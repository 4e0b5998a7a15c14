import { writeEvaluation, writeReport, type EvaluationRecord } from '../report';
import { numbersIn, weightsOf } from '../module/weights';
import type { Examples } from '../tasks/task';
import type { AnyTask, TaskEntry } from '../tasks/catalogue/task-entry';
import type { History } from '../training/history';
import type { TrainData } from './train-data';

/**
 * Trains a task on the examples that its entry read.
 *
 * @param check  called before the first step, once all that comes before the steps is done; what it throws ends the
 *   training
 * @param everyStep  whether to call it after each step, too, as where a training leaves no checkpoint
 */
export const fitTask = (
  entry: TaskEntry,
  task: AnyTask,
  { train, validation }: Pick<TrainData, 'train' | 'validation'>,
  options: Readonly<Record<string, unknown>>,
  check: () => void,
  everyStep = false,
): Promise<History> =>
  task.fit(entry.forTask(train) as Examples<unknown>, {
    ...options,
    callbacks: [{ onStart: check, ...(everyStep && { onStep: check }) }],
    validation: validation && (entry.forTask(validation) as Examples<unknown>),
  });

/** What an evaluation of a task on such examples gives. */
export const evaluateTask = (entry: TaskEntry, task: AnyTask, examples: readonly unknown[]): Promise<object> =>
  task.evaluate(entry.forTask(examples) as Examples<unknown>);

/**
 * Adds what a test came to to the report of a run folder.
 *
 * @param more  what was measured beside it
 */
export async function reportTask(
  entry: TaskEntry,
  task: AnyTask,
  examples: readonly unknown[],
  folder: string,
  more: Partial<EvaluationRecord> = {},
): Promise<void> {
  const record = await task.examine(entry.forTask(examples) as Examples<unknown>, 'test');
  await writeEvaluation(folder, { ...record, ...more });
  await writeReport(folder);
}

/** Learned numbers of a task's network, of 8 bits or of more. */
export const parametersOf = ({ model }: AnyTask): number => (model === undefined ? 0 : numbersIn(weightsOf(model)));
