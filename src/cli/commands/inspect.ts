import { statSync } from 'node:fs';
import { Command } from 'commander';
import { loadExtras } from '../../io/extras';
import { loadSafetensors, loadSafetensorsMetadata } from '../../io/safetensors';
import { summaryRows, summaryTable } from '../../module/summary';
import { LanguageModel } from '../../tasks/language-model';
import { TASK_CLASSES } from '../../tasks/task-names';
import { tensor } from '../../tensor/factories';
import { noGrad } from '../../tensor/grad-mode';
import { memory } from '../../tensor/memory';
import { isPlainObject } from '../../tensor/options';
import { scope } from '../../tensor/scope';
import { Vocabulary } from '../../text/vocabulary';
import { parseValue } from '../descriptor-options';
import { typedOptions } from '../option-differences';
import { modelFileOf, openRun, type OpenRun } from '../open-run';
import { addCommonOptions, addExamples, cellText, paint, print, tableText, type CommonOptions } from '../output';
import { parametersOf } from '../task-verbs';
import { counted } from '../../tensor/counted';

/** Options of `stmnet inspect`. */
interface InspectOptions extends CommonOptions {
  readonly batchSize: number;
  readonly length: number;
}

const size = (text: string): number => Number(parseValue('size', text));

/** The command `stmnet inspect`. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'Says what a trained task is made of: layers, shapes, parameters, vocabulary, and the memory that it needs. Of ' +
        'another file of safetensors it lists the tensors.',
    )
    .argument('<run>', 'run folder or model file')
    .optionsGroup('Memory:')
    .option('--batch-size <n>', 'inputs at once', size, 32)
    .option('--length <n>', 'tokens of each', size, 100);
  addCommonOptions(command).action(inspect);
  return addExamples(command, [
    'stmnet inspect run',
    'stmnet inspect run --batch-size 256 --length 500',
    'stmnet inspect run/model.safetensors --json',
  ]);
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { file } = await modelFileOf(path);
  if (!('stmnet.config' in (await loadSafetensorsMetadata(file)))) return listTensors(file, options);
  const run = await openRun(path);
  const facts = await factsOf(run, options);
  const { model } = run.task;
  if (options.json === true)
    return print(`${JSON.stringify({ layers: model === undefined ? [] : summaryRows(model), ...facts })}\n`);
  if (model !== undefined) await print(`${summaryTable(model)}\n\n`);
  const shown = Object.entries(facts).filter(([, value]) => !isPlainObject(value) || Object.keys(value).length > 0);
  const rows = shown.map(([name, value]) => {
    const head = name.replace('Bytes', 'Memory').replace('fileMemory', 'fileSize');
    return `${paint('bold', wordsOf(head).padEnd(18))} ${told(name, value)}\n`;
  });
  await print(rows.join(''));
}

/** What there is to say of a run. Sizes are in bytes. */
interface Facts {
  readonly task: string;
  readonly file: string;
  readonly fileBytes: number;
  readonly parameters: number;
  readonly labels?: readonly string[];
  readonly tags?: readonly string[];
  /** Which columns of a table are read as what. */
  readonly columns?: object;
  readonly vocabularies: Readonly<Record<string, number>>;
  /** Weights, gradients and the two moments of AdamW; left out of a model that is not trained, of 8 bits. */
  readonly trainingBytes?: number;
  /** The most that a prediction held beside the weights. */
  readonly predictionBytes: number;
  readonly predictionOf: string;
  readonly options: object;
}

async function factsOf({ entry, task, file }: OpenRun, { batchSize, length }: InspectOptions): Promise<Facts> {
  const before = memory().usedBytes;
  const [whole, shorter] = [length, Math.max(length - 1, 1)].map((count) => entry.inputOfLength(count, task));
  await task.predict(Array.from({ length: batchSize }, () => whole));
  const predictionBytes = Math.max(memory().peakBytes - before, 0);
  await task.predict([shorter, whole]); // of different lengths, so that shapes show which axis is time
  if (task instanceof LanguageModel) runForward(task);
  const extras: Readonly<Record<string, unknown>> = await loadExtras(file);
  const { labels, tags } = extras;
  const sizes = Object.entries(extras).flatMap(([name, part]): [string, number][] =>
    part instanceof Vocabulary ? [[name, part.size]] : [],
  );
  const parameters = parametersOf(task);
  const columns = entry.columns?.(task);
  const trained = task.model?.modulesInside().every(({ isQuantized }) => !isQuantized) ?? true;
  return {
    task: `${entry.name} (${TASK_CLASSES[entry.name]})`,
    file,
    fileBytes: statSync(file).size,
    parameters,
    ...(Array.isArray(labels) && { labels: labels.map(String) }),
    ...(Array.isArray(tags) && { tags: tags.map(String) }),
    ...(columns && { columns }),
    vocabularies: Object.fromEntries(sizes),
    ...(trained && { trainingBytes: 4 * 4 * parameters }),
    predictionBytes,
    predictionOf: `${counted(batchSize, 'input')} of ${counted(length, entry.unit)}`,
    options: task.options,
  };
}

/** A prediction asks for the last step alone, past the network's own forward: of this the shapes are shown. */
function runForward({ model }: LanguageModel): void {
  if (model === undefined) return;
  const input = tensor({ data: Int32Array.of(0, 0), shape: [1, 2] }, { device: model.head.weight.device });
  scope(() => noGrad(() => model.forward(input).output));
  input.dispose();
}

function told(name: string, value: unknown): string {
  if (name.endsWith('Bytes')) return bytesText(Number(value));
  if (typeof value === 'number') return cellText(value);
  if (name === 'options' && isPlainObject(value)) return typedOptions(value);
  if (Array.isArray(value)) {
    const more = value.length > 20 ? ` … ${value.length} in all` : '';
    return `${value.slice(0, 20).join(', ')}${more}`;
  }
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, one]) => `${key} ${typeof one === 'number' ? cellText(one) : JSON.stringify(one)}`)
      .join(', ');
  return String(value);
}

/** As in `training memory` of `trainingMemory`. */
const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** As in `12.5 MiB`. */
const bytesText = (bytes: number): string =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** A file of weights alone, as PyTorch writes it. */
async function listTensors(file: string, options: CommonOptions): Promise<void> {
  const tensors = Object.entries(await loadSafetensors(file));
  const rows = tensors.map(([name, { dtype, shape, size: count }]) => ({ name, dtype, shape, size: count }));
  if (options.json === true) return print(`${JSON.stringify({ file, tensors: rows })}\n`);
  const cells = rows.map(({ name, dtype, shape, size: count }) => [name, `${dtype}[${shape.join(', ')}]`, count]);
  await print(tableText(['name', 'tensor', 'numbers'], cells, ['numbers']));
}
