import { existsSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { loadSafetensors, saveSafetensors } from '../../io/safetensors';
import type { Tensor } from '../../tensor/tensor';
import { openRun, textIn, withoutNetwork } from '../open-run';
import { addCommonOptions, addExamples, print, type CommonOptions } from '../output';
import { checkOutputFile } from '../output-folder';
import { InputError, UsageError } from '../report-error';
import { counted } from '../../tensor/counted';

/** A name, or the beginning of names, and what it is called in the model. */
type Renaming = readonly [from: string, to: string];

/** Options of `stmnet convert`. */
interface ConvertOptions extends CommonOptions {
  readonly toPytorch?: string;
  readonly fromPytorch?: string;
  readonly output?: string;
  readonly rename: readonly Renaming[];
  readonly partial?: boolean;
}

/** The command `stmnet convert`. */
export function convertCommand(): Command {
  const command = new Command('convert')
    .description('Writes the weights of a trained task for PyTorch, as safetensors, or takes them from there.')
    .argument('<run>', 'run folder or model file')
    .option('--to-pytorch <file>', 'write the weights there, under the names and shapes of PyTorch')
    .option('--from-pytorch <file>', 'take weights from there, a state dict as safetensors')
    .option('--output <file>', 'the model with these weights')
    .option('--rename <from=to...>', 'what beginnings of names are called in the model', renamingOf, [])
    .option('--partial', 'keep the weights of names that the state dict lacks');
  addCommonOptions(command).action(convert);
  return addExamples(command, [
    'stmnet convert run --to-pytorch weights.safetensors',
    'stmnet convert run --from-pytorch weights.safetensors --output model.safetensors',
    'stmnet convert run --from-pytorch weights.safetensors --rename rnn.=encoder.1. --output model.safetensors',
  ]);
}

function renamingOf(text: string, before: readonly Renaming[]): readonly Renaming[] {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Expected from=to.');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

async function convert(path: string, options: ConvertOptions): Promise<void> {
  const { toPytorch, fromPytorch, output } = options;
  if ((toPytorch === undefined) === (fromPytorch === undefined))
    throw new UsageError('got neither or both of --to-pytorch and --from-pytorch, expected one of them.');
  if (fromPytorch !== undefined && output === undefined)
    throw new UsageError('got --from-pytorch without --output. Fix: name the model file to write.');
  const [target, option] = toPytorch === undefined ? [output ?? '', '--output'] : [toPytorch, '--to-pytorch'];
  if (existsSync(target))
    throw new InputError(`${target} is there already. Fix: name another ${option}, or remove it.`);
  await checkOutputFile(target);
  const { task } = await openRun(path);
  const { model } = task;
  if (model === undefined) throw withoutNetwork(path);
  if (toPytorch !== undefined) {
    const state = model.stateDict();
    if (Object.values(state).some(({ dtype }) => dtype === 'i8'))
      throw new InputError(
        `${path} has weights of 8 bits, which PyTorch's layers do not take. ` +
          'Fix: convert the run that stmnet quantize made it of.',
      );
    await saveSafetensors(toPytorch, state);
    return tell(options, { file: toPytorch, tensors: Object.keys(state) });
  }
  const given = Object.entries(await stateDictOf(fromPytorch ?? ''));
  checkRenamings(
    options.rename,
    given.map(([name]) => name),
    fromPytorch ?? '',
  );
  const state = Object.fromEntries(given.map(([name, tensor]) => [renamed(name, options.rename), tensor]));
  const { missing, unexpected } = model.loadStateDict(state, { strict: options.partial !== true });
  await task.save(target);
  return tell(options, { file: target, tensors: Object.keys(state), missing, unexpected });
}

/** @throws {InputError} if it is a folder or a text; {FormatError} if it is something else or damaged */
async function stateDictOf(path: string): Promise<Readonly<Record<string, Tensor>>> {
  const told = existsSync(path) && statSync(path).isDirectory() ? 'a folder' : undefined;
  const odd = told ?? (existsSync(path) ? await textIn(path) : undefined);
  if (odd === undefined) return loadSafetensors(path);
  throw new InputError(
    `${path} is ${odd}. Expected a state dict as safetensors. Fix: write one in Python: ` +
      "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors').",
  );
}

/** A renaming of nothing is a slip: what it was meant for keeps its name. */
function checkRenamings(rename: readonly Renaming[], names: readonly string[], path: string): void {
  const idle = rename.filter(([begin]) => !names.some((name) => name.startsWith(begin)));
  if (idle.length === 0) return;
  const begins = [...new Set(names.map((name) => name.replace(/[^.]*$/, '') || name))];
  const shown = begins.length > 20 ? `${begins.slice(0, 20).join(', ')}, … ${begins.length} in all` : begins.join(', ');
  throw new InputError(
    `no name in ${path} begins with ${idle.map(([begin]) => begin).join(' or ')}, which --rename names. ` +
      `Names begin with ${shown}. Fix: rename one of these, or leave it out.`,
  );
}

function renamed(name: string, rename: readonly Renaming[]): string {
  const [from, to] = rename.find(([begin]) => name.startsWith(begin)) ?? ['', ''];
  return `${to}${name.slice(from.length)}`;
}

/** What was written. */
interface Converted {
  readonly file: string;
  readonly tensors: readonly string[];
  readonly missing?: readonly string[];
  readonly unexpected?: readonly string[];
}

async function tell(options: CommonOptions, converted: Converted): Promise<void> {
  if (options.json === true) return print(`${JSON.stringify(converted)}\n`);
  if (options.quiet === true) return;
  const { file, tensors, missing = [], unexpected = [] } = converted;
  const rest = [
    ...(missing.length > 0 ? [`not in the state dict, and as before: ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`not in the model, and left out: ${unexpected.join(', ')}`] : []),
  ];
  await print([`${file}: ${counted(tensors.length, 'tensor')}`, ...rest].map((line) => `${line}\n`).join(''));
}
