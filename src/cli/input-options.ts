import type { Command } from 'commander';
import { catalogue } from '../tasks/catalogue';
import { flagOf, type OptionDescriptor } from '../tasks/catalogue/descriptor';
import type { DataSource } from '../tasks/catalogue/task-entry';
import { addDescriptors, givenOptions } from './descriptor-options';
import type { OpenRun } from './open-run';
import { UsageError } from './report-error';

const FORMAT = 'what a file is, of which each task takes some; auto goes by its name';

/**
 * How the data of any task are read: which task it is shows when the run is opened. An option of several tasks has the
 * names that any of them takes, or else the text of the first, which takes the most forms of data.
 */
const all: readonly OptionDescriptor[] = catalogue
  .flatMap(({ data }) => data)
  .reduce<readonly OptionDescriptor[]>((known, next) => {
    const at = known.findIndex(({ name }) => name === next.name);
    return at < 0 ? [...known, next] : known.map((one, place) => (place === at ? joined(one, next) : one));
  }, []);

function joined(one: OptionDescriptor, other: OptionDescriptor): OptionDescriptor {
  if (typeof one.kind === 'string' || typeof other.kind === 'string') return one;
  return { ...one, kind: [...new Set([...one.kind, ...other.kind])], help: FORMAT };
}

/** Adds the options about how data are read. */
export const addInputOptions = (command: Command): Command => addDescriptors(command, all, 'Data:');

/** Refuses what says how data are read where none are. @throws {UsageError} */
export function refuseInputOptions(command: Command): void {
  const [name] = Object.keys(givenOptions(command, all));
  if (name === undefined) return;
  throw new UsageError(
    `got ${flagOf(name)} beside inputs, which are taken as they are, expected it with --data or a pipe. ` +
      'Fix: leave it out.',
  );
}

/** What stands for standard input in place of a file. */
const STANDARD_INPUT = ['-', '/dev/stdin', '/dev/fd/0'];

/**
 * Data that a run is asked about, or measured on.
 *
 * @param data  the file, or what stands for standard input
 * @throws as `inputSettings`
 */
export function inputSource(command: Command, run: OpenRun, data: string): DataSource {
  const settings = inputSettings(command, run);
  return { from: STANDARD_INPUT.includes(data) ? process.stdin : data, settings, like: run.data };
}

/**
 * How to read data for a run: as those of its training, but for what was given now.
 *
 * @throws {UsageError} if an option was given that the task of the run does not have, or a name that it does not take
 */
function inputSettings(command: Command, { entry, settings, task }: OpenRun): Readonly<Record<string, unknown>> {
  const given = givenOptions(command, all);
  const odd = Object.keys(given).find((name) => !entry.data.some((descriptor) => descriptor.name === name));
  if (odd !== undefined)
    throw new UsageError(
      `got ${flagOf(odd)}, which is no option of the task ${entry.name}, which the run holds. Fix: leave it out.`,
    );
  for (const { name, kind } of entry.data) {
    const value = given[name];
    if (typeof kind === 'string' || typeof value !== 'string' || kind.includes(value)) continue;
    const expected = `one of ${kind.join(', ')} for the task ${entry.name}, which the run holds`;
    throw new UsageError(
      `got ${flagOf(name)} ${value}, expected ${expected}. Fix: write one of those, or leave ${flagOf(name)} out.`,
    );
  }
  return { ...task.options, ...settings, ...given };
}
