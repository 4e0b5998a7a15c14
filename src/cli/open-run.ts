import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readJson } from '../files/json-file';
import { loadSafetensorsMetadata } from '../io/safetensors';
import { FormatError } from '../tensor/errors';
import { isPlainObject } from '../tensor/options';
import { loadAnyTask } from '../tasks/catalogue';
import { seemingOf } from '../tasks/catalogue/seeming';
import type { AnyTask, TaskEntry } from '../tasks/catalogue/task-entry';
import { RunFolder } from '../tasks/run-folder';
import { InputError } from './report-error';

/** A trained task that a command was given: as a run folder, or as its model file. */
export interface OpenRun {
  readonly entry: TaskEntry;
  readonly task: AnyTask;
  /** Its file. */
  readonly file: string;
  /** The run folder, if it was given as one. */
  readonly folder: string | undefined;
  /** How the data of its training were read, as far as that is known. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The file of its training, as far as that is known. */
  readonly data: string | undefined;
}

/** Of a run whose task is no network, for a command that needs one. */
export const withoutNetwork = (path: string): InputError =>
  new InputError(`${path} has no network. Expected a task that has one. Fix: name the run of another task.`);

/** Where the model of a run folder lies. */
export const modelIn = (folder: string): string => join(folder, 'model.safetensors');

/**
 * The model file of a run folder, or the file itself. While a training has not come to its end, it is what that has
 * learned so far.
 *
 * @throws {InputError} if there is none, or the file is a text, such as the data; {FileError} if it cannot be read
 */
export async function modelFileOf(path: string): Promise<{ file: string; folder: string | undefined }> {
  if (!existsSync(path)) throw new InputError(`${path} is not there. Expected a run folder or a model file.`);
  if (!statSync(path).isDirectory()) {
    const told = await textIn(path);
    if (told === undefined) return { file: path, folder: undefined };
    throw new InputError(`${path} is ${told}. Expected a run folder or a model file. Fix: ${insteadOf(path)}.`);
  }
  const file = modelIn(path);
  if (existsSync(file)) return { file, folder: path };
  const { unfinished } = new RunFolder(path);
  if (existsSync(unfinished)) return { file: unfinished, folder: path };
  throw new InputError(
    existsSync(join(path, 'config.json'))
      ? `${path} holds a training that has not come to the end of an epoch. ` +
          `Fix: go on with it by stmnet train … --output ${path} --resume.`
      : `${path} is no run folder: it has no model.safetensors. Fix: ${insteadOf(path)}.`,
  );
}

/** What a file seems to hold that is a text, or has nothing in it; undefined of any other. */
export async function textIn(path: string): Promise<string | undefined> {
  if (!statSync(path).isFile()) return undefined;
  try {
    return (await seemingOf('stmnet', path))?.told ?? 'empty';
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** What to name in place of what is no run: of a file or folder in one, that. */
function insteadOf(path: string): string {
  const above = dirname(resolve(path));
  return existsSync(modelIn(above)) ? `name the run folder, ${relative('', above) || '.'}` : NAME_OUTPUT;
}

const NAME_OUTPUT = 'name what stmnet train got as --output, or the model.safetensors in it';

/**
 * Loads a trained task.
 *
 * @param path  a run folder, or a model file
 * @throws {InputError} if there is none; {FormatError} if it is damaged or holds no task
 */
export async function openRun(path: string): Promise<OpenRun> {
  const { file, folder } = await modelFileOf(path);
  const { entry, task } = await loadAnyTask('stmnet', file).catch(async (error: unknown) => {
    throw (error instanceof FormatError && (await otherTensors(path, file))) || error;
  });
  if (folder !== undefined && file === new RunFolder(folder).unfinished) await warnOfUnfinished(folder, entry.name);
  return {
    entry,
    task,
    file,
    folder,
    ...(folder === undefined ? { settings: {}, data: undefined } : await sourceOf(folder)),
  };
}

/** What a file of safetensors is that is no model; undefined if it seems to be one, or is none of safetensors. */
async function otherTensors(path: string, file: string): Promise<InputError | undefined> {
  const names = await loadSafetensorsMetadata(file).catch(() => ({ 'stmnet.config': '' }));
  if ('stmnet.config' in names) return undefined;
  const run = dirname(dirname(resolve(path)));
  if ('stmnet.checkpoint' in names)
    return new InputError(
      `${path} is a checkpoint of a training. Expected a run folder or a model file. ` +
        `Fix: ${existsSync(modelIn(run)) ? `name the run folder, ${relative('', run) || '.'}` : NAME_OUTPUT}.`,
    );
  return new InputError(
    `${path} holds tensors alone, as PyTorch writes them. Expected a run folder or a model file. ` +
      `Fix: put them into a model by stmnet convert RUN --from-pytorch ${path} --output MODEL.`,
  );
}

/** Tells that a run has not come to its end, and how it would. */
async function warnOfUnfinished(folder: string, task: string): Promise<void> {
  const [history, config] = await Promise.all(
    ['history.json', 'config.json'].map((name) => readJson('stmnet', join(folder, name)).catch(() => undefined)),
  );
  const epochs = isPlainObject(history) && Array.isArray(history['epochs']) ? history['epochs'].length : 0;
  const training = isPlainObject(config) && isPlainObject(config['training']) ? config['training'] : {};
  const planned = typeof training['epochs'] === 'number' ? ` of ${training['epochs']}` : '';
  process.emitWarning(
    `${folder} has not come to its end: it stands after epoch ${epochs}${planned}. ` +
      `Using what it has learned so far; stmnet train ${task} --output ${folder} --resume goes on`,
    { type: 'StmnetWarning', code: 'STM_UNFINISHED_RUN' },
  );
}

/** What `train` kept of its data and how it read them; nothing where the folder is of another hand. */
async function sourceOf(folder: string): Promise<Pick<OpenRun, 'settings' | 'data'>> {
  const path = join(folder, 'config.json');
  const config = await readJson('stmnet', path, 'restore it, or give model.safetensors in place of the folder');
  const source = isPlainObject(config) ? config['source'] : undefined;
  const { settings, data } = isPlainObject(source) ? source : {};
  return { settings: isPlainObject(settings) ? settings : {}, data: typeof data === 'string' ? data : undefined };
}
