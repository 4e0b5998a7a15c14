import { Command } from 'commander';
import { LanguageModel } from '../../tasks/language-model';
import { describes, type OptionDescriptor } from '../../tasks/catalogue/descriptor';
import { addDescriptors, givenOptions } from '../descriptor-options';
import { openRun } from '../open-run';
import { addCommonOptions, addExamples, print, type CommonOptions } from '../output';
import { InputError } from '../report-error';
import { tellStrangers } from '../strangers';

const options: readonly OptionDescriptor[] = [
  describes('prompt', 'text', 'nothing, as if a text began', 'what the text begins with'),
  describes('length', 'size', '200', 'number of tokens at most'),
  describes('temperature', 'number', '1', 'below 1 the likelier tokens come more often; 0: always the likeliest'),
  describes('topK', 'size', 'all', 'draws among so many likeliest tokens'),
  describes('topP', 'part', '1', 'draws among the likeliest tokens that have this probability together'),
  describes('stop', 'text', 'none', 'text that ends the generation'),
  describes('seed', 'count', 'another each time', 'the same seed gives the same text'),
];

/** The command `stmnet generate`. */
export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Lets a language model write on where a prompt ends, token by token.')
    .argument('<run>', 'run folder or model file of the task lm');
  addDescriptors(command, options, 'Text:');
  addCommonOptions(command).action(async (run: string, common: CommonOptions) => generate(command, run, common));
  return addExamples(command, [
    'stmnet generate shakespeare --prompt "ROMEO:" --length 400 --temperature 0.8',
    'stmnet generate shakespeare --top-k 40 --top-p 0.95 --seed 7',
    'stmnet generate run/model.safetensors --prompt "Once" --json',
  ]);
}

async function generate(command: Command, path: string, common: CommonOptions): Promise<void> {
  const { task, entry } = await openRun(path);
  if (!(task instanceof LanguageModel))
    throw new InputError(
      `${path} holds the task ${entry.name}, expected lm. Fix: name a run of stmnet train lm, or ask this one by ` +
        `stmnet predict.`,
    );
  const asked = givenOptions(command, options);
  const { prompt = '' } = asked;
  tellStrangers({ entry, task }, [String(prompt)], common);
  if (common.json === true) return print(`${JSON.stringify({ prompt, text: await task.generateText(asked) })}\n`);
  if (common.quiet !== true) await print(String(prompt));
  for await (const piece of task.generate(asked)) await print(piece);
  await print('\n');
}
