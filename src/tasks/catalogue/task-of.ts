import { OptionError } from '../../tensor/errors';
import type { AnyTask } from './task-entry';

/** A task as one of the class that an entry is of. @throws {OptionError} if it is of another */
export function taskOf<Known>(op: string, task: AnyTask, kind: abstract new (...given: never[]) => Known): Known {
  if (task instanceof kind) return task;
  throw new OptionError(op, {
    given: `the task ${task.task}`,
    expected: `a ${kind.name}`,
    fix: 'ask it by its own entry of the catalogue',
  });
}
