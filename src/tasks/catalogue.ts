import '../tensor/methods.generated';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { classify } from './catalogue/classify';
import { events } from './catalogue/events';
import { forecast } from './catalogue/forecast';
import { lm } from './catalogue/lm';
import { seq2seq } from './catalogue/seq2seq';
import { qa } from './catalogue/qa';
import { span } from './catalogue/span';
import { speech } from './catalogue/speech';
import { tag } from './catalogue/tag';
import type { AnyTask, TaskEntry } from './catalogue/task-entry';
import { readTaskExtras } from './task-file';

/** All tasks, in the order in which they are listed. */
export const catalogue: readonly TaskEntry[] = [classify, tag, lm, events, seq2seq, speech, forecast, qa, span];

/** The entry of a name. @throws {OptionError} if there is none; the near one is suggested */
export function entryOf(op: string, name: string): TaskEntry {
  const found = catalogue.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const names = catalogue.map((entry) => entry.name);
  const near = nearMiss(name, names);
  throw new OptionError(op, {
    given: `the task ${JSON.stringify(name)}`,
    expected: `one of ${names.join(', ')}`,
    fix: near === undefined ? 'name one of them' : `write ${near}, if that is meant`,
  });
}

/**
 * Builds the task again that a file holds, whichever it is.
 *
 * @throws {FormatError} if the file is damaged or of no task; {FileError} if it cannot be read
 */
export async function loadAnyTask(op: string, path: string): Promise<{ entry: TaskEntry; task: AnyTask }> {
  const { task: name } = await readTaskExtras(op, path);
  const entry = entryOf(op, name);
  return { entry, task: await entry.load(path) };
}
