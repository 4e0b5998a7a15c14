import { checkPath } from '../files/check-path';
import { extrasIn, type Extras } from '../io/extras';
import { load } from '../io/model-file';
import type { Module } from '../module/module';
import type { ModuleClasses } from '../module/rebuild';
import { FormatError, OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { isTaskName, TASK_CLASSES, type TaskName } from './task-names';

/** What stands in the file of each task beside its weights. */
export interface TaskExtras {
  /** What the command line calls the task. */
  readonly task: string;
  /** The options of the task. */
  readonly options: object;
}

/** What the file of a task says of it. @throws {FormatError} if it is of no task; {FileError} if it cannot be read */
export async function readTaskExtras(op: string, path: string): Promise<TaskExtras> {
  checkPath(op, path, `${op}(path)`);
  const extras: Partial<TaskExtras> = await extrasIn({ op, path }, {});
  const { task, options } = extras;
  if (typeof task === 'string' && typeof options === 'object') return { ...extras, task, options };
  throw new FormatError(op, {
    given: `${path}, a model without a task`,
    expected: 'what the save() of a task wrote',
    fix: 'read it by load(path), and loadExtras(path) for what lies beside the weights',
  });
}

/**
 * Reads the file of one task.
 *
 * @param classes  those of its model
 * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
 */
export async function loadTask<Found extends TaskExtras>(
  op: string,
  path: string,
  task: TaskName,
  classes: ModuleClasses,
): Promise<{ model: Module; extras: Found }> {
  const extras = await readTaskExtras(op, path);
  if (extras.task !== task) {
    throw new FormatError(op, {
      given: `${path}, which holds the task ${describe(extras.task)}`,
      expected: `the task '${task}'`,
      fix: isTaskName(extras.task) ? `read it by ${TASK_CLASSES[extras.task]}.load(path)` : 'pass another file',
    });
  }
  const model = await load<ModuleClasses, Module>(path, { classes });
  return { model: model.eval(), extras: extras as Found };
}

/** Of a task that has learned nothing yet. */
export const notTrained = (op: string): OptionError =>
  new OptionError(op, {
    given: 'a task that has learned nothing yet',
    expected: 'a call of fit, or a task that was loaded',
    fix: 'call await task.fit(examples) first, or load one',
  });

/** What a task gives `save` beside its weights: what is undefined is left out. */
export const savedExtras = (extras: TaskExtras & Readonly<Record<string, unknown>>): { extras: Extras } => ({
  extras: Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== undefined)),
});
