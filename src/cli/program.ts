import { Command } from 'commander';
import { version } from '../files/package-version';
import { commandList } from './command-list';
import { UsageError } from './report-error';
import { usageMistake } from './usage-words';

/**
 * The command `stmnet`. Of the commands below it only those that are wanted are loaded: each says the rest itself, and
 * may bring the whole package with it.
 *
 * @param wanted  whether to load a command of this name
 */
export async function makeProgram(wanted: (name: string) => boolean): Promise<Command> {
  const program = settled(new Command('stmnet'))
    .description('LSTM networks for Node.js: train on a file of yours, evaluate, predict, serve.')
    .version(version)
    .addHelpText('after', '\nstmnet COMMAND --help says more, with examples.');
  for (const { name, summary, load } of commandList) {
    const command = wanted(name) ? await load() : new Command(name);
    program.addCommand(settled(command.summary(summary)));
  }
  return program;
}

/** Mistakes of usage in a command, and in those below it, come to whoever parses as errors, and are not told here. */
function settled(command: Command): Command {
  for (const below of command.commands) settled(below);
  const silent = (): void => undefined;
  return command.configureOutput({ writeErr: silent, outputError: silent }).exitOverride((error) => {
    throw error.exitCode === 0 ? error : new UsageError(usageMistake(error, command));
  });
}
