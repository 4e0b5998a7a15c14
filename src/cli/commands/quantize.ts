import { existsSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { COUNTS, nameText } from '../../report/format';
import { nameOf } from '../../tasks/catalogue/table-columns';
import { quantizeTask } from '../../tasks/quantize-task';
import { evaluationJson } from '../evaluation-text';
import { examplesText } from '../examples-text';
import { addInputOptions, inputSource } from '../input-options';
import { namedData } from '../named-data';
import { openRun, withoutNetwork } from '../open-run';
import {
  addCommonOptions,
  addExamples,
  cellText,
  print,
  remark,
  tableText,
  type Cell,
  type CommonOptions,
} from '../output';
import { checkOutputFile } from '../output-folder';
import { InputError } from '../report-error';
import { evaluateTask } from '../task-verbs';

/** Options of `stmnet quantize`. */
interface QuantizeOptions extends CommonOptions {
  readonly output: string;
  readonly data?: string;
}

/** The command `stmnet quantize`. */
export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .description(
      'Writes a trained task with weights of 8 bits, for answers on the CPU, and measures it beside the one that it ' +
        'is made of.',
    )
    .argument('<run>', 'run folder or model file')
    .requiredOption('--output <file>', 'the model with weights of 8 bits')
    .optionsGroup('Data:')
    .option('--data <file>', 'examples to measure both on; - for standard input');
  addInputOptions(command);
  addCommonOptions(command).action(async (run: string, options: QuantizeOptions) => quantize(command, run, options));
  return addExamples(command, [
    'stmnet quantize run --output small.safetensors',
    'stmnet quantize run --output small.safetensors --data test.csv',
    'stmnet quantize run/model.safetensors --output small.safetensors --data test.jsonl --json',
  ]);
}

async function quantize(command: Command, path: string, options: QuantizeOptions): Promise<void> {
  const { output } = options;
  if (existsSync(output)) throw new InputError(`${output} is there already. Fix: name another --output, or remove it.`);
  await checkOutputFile(output);
  const run = await openRun(path);
  const { entry, task } = run;
  if (task.model === undefined) throw withoutNetwork(path);
  const measure = await measuring(command, run, options);
  const before = await measure?.();
  const { quantized, left } = quantizeTask({ task: entry.name, model: task.model });
  const after = await measure?.();
  await task.save(output);
  const bytes = { before: statSync(run.file).size, after: statSync(output).size };
  if (options.json === true) {
    const figures = before && { before: evaluationJson(before), after: evaluationJson(after ?? {}) };
    return print(`${JSON.stringify({ file: output, task: entry.name, quantized, left, bytes, ...figures })}\n`);
  }
  remark(options, `8 bits: ${quantized.join(', ')}`);
  for (const one of left) remark(options, `left in f32: ${one.path}, because ${one.reason}`);
  const rows = before && after ? figuresOf(before, after) : [];
  await print(
    tableText(['', 'f32', '8 bits'], [...rows, ['bytes of the file', cellText(bytes.before), cellText(bytes.after)]]),
  );
}

/** What measures the task as it is at the call; undefined without data. */
async function measuring(
  command: Command,
  run: Awaited<ReturnType<typeof openRun>>,
  options: QuantizeOptions,
): Promise<(() => Promise<object>) | undefined> {
  if (options.data === undefined) return undefined;
  const { entry, task } = run;
  const source = inputSource(command, run, options.data);
  const examples = await entry.examples(source);
  const name = nameOf(source.from);
  remark(options, `${examplesText(entry, examples, source.settings)} of ${name}`);
  return () => namedData(name, () => evaluateTask(entry, task, examples));
}

/** The figures of two evaluations side by side. */
const figuresOf = (before: object, after: object): Cell[][] =>
  Object.entries(before).flatMap(([name, value]): Cell[][] => {
    const other: unknown = Reflect.get(after, name);
    if (typeof value !== 'number' || typeof other !== 'number') return [];
    return COUNTS.has(name) ? [[nameText(name), cellText(value), cellText(other)]] : [[nameText(name), value, other]];
  });
