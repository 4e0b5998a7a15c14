import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion-script';
import { addCommonOptions, addExamples, print } from '../output';

/** The command `stmnet completion`. @param load  loads all commands */
export function completionCommand(load: () => Promise<Command>): Command {
  const command = new Command('completion')
    .description('Prints what lets a shell complete the words of stmnet.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS));
  addCommonOptions(command).action(async (shell: Shell) => print(completionScript(shell, await load())));
  return addExamples(command, [
    'stmnet completion bash > ~/.local/share/bash-completion/completions/stmnet',
    'stmnet completion zsh > ~/.zfunc/_stmnet',
    'stmnet completion fish > ~/.config/fish/completions/stmnet.fish',
  ]);
}
