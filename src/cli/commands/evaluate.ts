import { join } from 'node:path';
import { Command } from 'commander';
import type { RobustnessRecord } from '../../report';
import { flagOf } from '../../tasks/catalogue/descriptor';
import { nameOf } from '../../tasks/catalogue/table-columns';
import { examplesText } from '../examples-text';
import { printEvaluation } from '../evaluation-text';
import { addInputOptions, inputSource } from '../input-options';
import { namedData } from '../named-data';
import { openRun } from '../open-run';
import { InputError } from '../report-error';
import { readTrainConfig } from '../train-config';
import { evaluateTask, reportTask } from '../task-verbs';
import { addCommonOptions, addExamples, remark, type CommonOptions } from '../output';
import { addVerbOptions, verbOptions } from '../verb-options';

/** The command `stmnet evaluate`. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description(
      'Measures a trained task on examples that it has not seen. Where a run folder is given, they are read as those ' +
        'of its training.',
    )
    .argument('<run>', 'run folder or model file')
    .optionsGroup('Data:')
    .requiredOption('--data <file>', 'examples to measure on; - for standard input');
  addInputOptions(command);
  addVerbOptions(command, 'evaluating');
  addCommonOptions(command).action(async (run: string, options: CommonOptions & { readonly data: string }) =>
    evaluate(command, run, options),
  );
  return addExamples(command, [
    'stmnet evaluate run --data test.csv',
    'stmnet evaluate run --data test.tsv --no-header --label-column 0 --text-column 1',
    'stmnet evaluate run/model.safetensors --data test.jsonl --json',
  ]);
}

async function evaluate(
  command: Command,
  path: string,
  options: CommonOptions & { readonly data: string },
): Promise<void> {
  const run = await openRun(path);
  const asked = verbOptions(command, run, 'evaluating');
  const [odd] = Object.keys(asked);
  if (odd !== undefined && run.folder === undefined && run.entry.evaluating?.trains === true)
    throw new InputError(
      `got ${flagOf(odd)}, which trains anew, for ${path}, which does not say how it was trained. ` +
        'Expected a run folder. Fix: name that of its training.',
    );
  const source = inputSource(command, run, options.data);
  const examples = await run.entry.examples(source);
  const name = nameOf(source.from);
  remark(options, `${examplesText(run.entry, examples, source.settings)} of ${name}`);
  const { entry, task, folder } = run;
  const isPlain = Object.keys(asked).length === 0;
  const training = isPlain || folder === undefined ? {} : (await readTrainConfig(folder, entry)).training;
  const evaluation = await namedData(name, () =>
    isPlain || entry.evaluating === undefined
      ? evaluateTask(entry, task, examples)
      : entry.evaluating.evaluate(task, examples, asked, training),
  );
  await printEvaluation(evaluation, options);
  if (folder === undefined || !('robustness' in evaluation)) return;
  await reportTask(entry, task, examples, folder, { robustness: evaluation.robustness as readonly RobustnessRecord[] });
  remark(options, `\n${join(folder, 'report.html')} shows it as its test`);
}
