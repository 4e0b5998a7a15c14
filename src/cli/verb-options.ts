import type { Command } from 'commander';
import { catalogue } from '../tasks/catalogue';
import { flagOf, type OptionDescriptor } from '../tasks/catalogue/descriptor';
import type { TaskEntry } from '../tasks/catalogue/task-entry';
import { addDescriptors, givenOptions } from './descriptor-options';
import type { OpenRun } from './open-run';
import { UsageError } from './report-error';

/** A verb of which some tasks have options of their own. */
export type Verb = 'predicting' | 'evaluating';

/** Of all tasks, one of each name: which task it is shows when the run is opened. */
const all = (verb: Verb): OptionDescriptor[] => [
  ...new Map(catalogue.flatMap((entry) => optionsOf(entry, verb)).map((one) => [one.name, one])).values(),
];

/** The names of the tasks that have an option. */
const tasksWith = (verb: Verb, name: string): string =>
  catalogue
    .filter((entry) => optionsOf(entry, verb).some((one) => one.name === name))
    .map((entry) => entry.name)
    .join(' and ');

const optionsOf = (entry: TaskEntry, verb: Verb): readonly OptionDescriptor[] => entry[verb]?.options ?? [];

/** Adds the options of a verb to a command, each with the tasks that have it. */
export function addVerbOptions(command: Command, verb: Verb): Command {
  for (const one of all(verb)) addDescriptors(command, [one], `Of ${tasksWith(verb, one.name)}:`);
  return command;
}

/**
 * Those that were given, by their names in the API.
 *
 * @throws {UsageError} if one is none of the task that the run holds
 */
export function verbOptions(
  command: Command,
  { entry }: Pick<OpenRun, 'entry'>,
  verb: Verb,
): Readonly<Record<string, unknown>> {
  const given = givenOptions(command, all(verb));
  const known = optionsOf(entry, verb).map(({ name }) => name);
  const odd = Object.keys(given).find((name) => !known.includes(name));
  if (odd === undefined) return given;
  const others = known.length === 0 ? '' : `, or write one of ${known.map(flagOf).join(', ')}`;
  throw new UsageError(
    `got ${flagOf(odd)}, which is no option of the task ${entry.name}, which the run holds. ` +
      `Fix: leave it out${others}.`,
  );
}
