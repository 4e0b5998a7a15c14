import type { Command } from 'commander';
import type { TaskEntry } from '../tasks/catalogue/task-entry';
import { addDescriptors, parseValue } from './descriptor-options';

const probability = (text: string): number => Number(parseValue('probability', text));

/** Adds the options about the data of a training. */
export function addDataOptions(command: Command, entry: TaskEntry): Command {
  command
    .optionsGroup('Data:')
    .option('--data <file>', 'examples to learn from; may be left out where --config names them')
    .option('--validation <file>', 'examples to validate on (default: a part of the data is held back)')
    .option('--validation-split <p>', 'the part to hold back; 0 for none', probability, 0.1)
    .option('--test <file>', 'examples to evaluate on at the end');
  return addDescriptors(command, entry.data, 'Data:');
}
