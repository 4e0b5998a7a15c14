import { AllowanceError, withAllowance } from '../module/allowance';
import { Module, type ModuleConfig } from '../module/module';
import { rebuild, RebuildError, type ModuleClasses } from '../module/rebuild';
import type { Sequential } from '../layers/sequential';
import { assign, matchState, type StateMatch } from '../module/state-dict';
import { remedy } from '../tensor/package-copies';
import { synchronize } from '../tensor/device';
import { NativeError, OptionError, ShapeError, type FormatError, type StmnetError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { checkOptions, describe, isPlainObject } from '../tensor/options';
import { keepRandomState } from '../tensor/generator';
import { refuseInStep } from '../tensor/replay-notes';
import { checkPath } from '../files/check-path';
import { checkRebuildable } from './check-rebuildable';
import { extrasMetadata, type Extras } from './extras';
import { checkFormat, currentFormat, formatKey, parseMetadataJson } from './model-metadata';
import { readTensors, type HostTensor } from './read-tensors';
import { formatError, type Source } from './safetensors-header';
import { makeTensor, writeTensors } from './safetensors';

const configKey = 'stmnet.config';

/** Options of `save`. */
export interface SaveOptions {
  /** What goes into the file beside the model, and comes back by `loadExtras`: a vectorizer, the names of classes. */
  extras?: Extras;
}

/** Options of `load`. */
export interface LoadOptions {
  /** Classes of your own that the model holds, by the name they were saved under: `{ Tagger }`. */
  classes?: ModuleClasses;
  /** Where the model goes. Default: the default device; the CPU, where alone they compute, for weights of 8 bits. */
  device?: string;
}

/** What an object of one of these classes is; of none, a Sequential. */
export type LoadedModule<Classes extends ModuleClasses> = [keyof Classes] extends [never]
  ? Sequential
  : InstanceType<Classes[keyof Classes]>;

/**
 * Writes a model to one file: weights and buffers under the names of its state dict, and in the metadata what the model
 * is rebuilt from, and what else was given: `save(model, path, { extras: { text, labels } })`.
 *
 * The values are those of the moment of the call: training may go on at once. The file is a safetensors file that any
 * reader of the format opens. It appears whole or not at all: a full disk or a killed process leaves an older file as
 * it was. A SHA-256 in its metadata lets `load` know a damaged file.
 *
 * So that what is saved can be loaded, the model is built once more as `load` builds it, by the constructors of your
 * classes too, and compared: nothing is computed for that, and the random state stays as it is.
 *
 * @param model  built of the package's layers, or of a class of your own; one whose constructor needs options keeps
 * them in a field `options`
 * @param path   the file, replaced if it exists; links are followed, and a device or FIFO is written to and stays what
 *   it is
 * @throws {OptionError} if the options of a module hold what JSON cannot carry, a function or a tensor say; if a class
 *   of your own has no name, or that of another one; if its constructor throws when it gets the field `options`, or
 *   nothing if there is none, or builds other modules, parameters, buffers, ties or settings than those of the model;
 *   if two fields have one path; if `model` is no Module or `path` no string; if an extra is neither plain data nor a
 *   text object; inside a step of `compile`
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if the host has no room for a copy of the values
 * @throws {FileError} if `path` cannot be written; its code is the system's: ENOENT, EACCES, ENOSPC, …
 */
export async function save(model: Module, path: string, options: SaveOptions = {}): Promise<void> {
  checkExtrasAside(options);
  checkOptions('save', options, ['extras']);
  checkModel(model, path);
  checkPath('save', path, 'save(model, path)');
  refuseInStep('save()', 'save outside the step');
  const extras = extrasMetadata(options.extras);
  const config = checkRebuildable(model);
  const state = model.stateDict();
  try {
    await writeTensors({ op: 'save', path }, state, {
      [formatKey]: String(currentFormat),
      [configKey]: config,
      ...extras,
    });
  } finally {
    for (const tensor of Object.values(state)) tensor.dispose();
  }
}

/**
 * Rebuilds the model that `save` wrote, in training mode like every new model: call `eval()` before predicting. The
 * random numbers that come after are those that would have come without it.
 *
 * What it gives is typed as one of `classes`, a Tagger for `load('tagger.safetensors', { classes: { Tagger } })`, and
 * as a Sequential without them. A type parameter says otherwise, as in `load<Sequential>('model.safetensors', {
 * classes: { Highway } })` for a Sequential that holds a layer of your own.
 *
 * @param path  a regular file
 * @throws {FormatError} if the file is damaged or asks for more weights than it holds, of a newer format, no model, or
 *   the model of a class that is not in `classes`; nothing is half-loaded
 * @throws {OptionError} if the constructor of a class in `classes` throws, which the error's cause tells
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if it does not fit into memory
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export function load<Classes extends ModuleClasses, M extends Module = Extract<LoadedModule<Classes>, Module>>(
  path: string,
  options: LoadOptions & { classes: Classes },
): Promise<M>;
export function load<M extends Module = Sequential>(path: string, options?: LoadOptions): Promise<M>;
export async function load(path: string, options: LoadOptions = {}): Promise<Module> {
  checkOptions('load', options, ['classes', 'device']);
  checkPath('load', path, 'load(path, options)');
  const source = { op: 'load', path };
  const { tensors, metadata } = await readTensors(source);
  const config = readConfig(source, metadata);
  await synchronize(options.device); // what failed before is not the file's fault
  try {
    const elements = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    const model = withAllowance({ tensors: tensors.size, elements }, () =>
      rebuilt(source, config, options.classes ?? {}),
    );
    const isQuantized = model.modulesInside().some((module) => module.isQuantized);
    const device = options.device ?? (isQuantized ? 'cpu' : undefined);
    if (device !== undefined) model.to(device);
    await restore(source, model, tensors, device);
    await synchronize(device);
    return model;
  } catch (error) {
    // A damaged configuration may have asked for a model that no memory holds: that fault belongs to this error, not to
    // the caller's next read.
    await synchronize(options.device).catch(() => undefined);
    throw error;
  }
}

/** So many bytes are on their way into the model at once. */
const batchBytes = 1 << 26;

/**
 * Copies what the file holds into the model, a few tensors at a time, so that there are never three copies of a large
 * model.
 */
async function restore(
  source: Source,
  model: Module,
  tensors: ReadonlyMap<string, HostTensor>,
  device: string | undefined,
): Promise<void> {
  let bytes = 0;
  for (const { name, target, source: host } of matched(source, model, tensors)) {
    const values = makeTensor(source, name, host, device);
    assign(target, values);
    values.dispose();
    bytes += host.data.byteLength;
    if (bytes < batchBytes) continue;
    await synchronize(device);
    bytes = 0;
  }
}

function matched(
  source: Source,
  model: Module,
  tensors: ReadonlyMap<string, HostTensor>,
): StateMatch<HostTensor>['pairs'] {
  try {
    return matchState(`${model.constructor.name}.loadStateDict`, model.namedTensors(), tensors, true).pairs;
  } catch (error) {
    throw error instanceof ShapeError ? misfit(source, error, firstLine(error)) : error;
  }
}

const misfit = (source: Source, error: unknown, why: string): FormatError =>
  causedBy(
    error,
    formatError(
      source,
      `weights that do not fit the model (${why})`,
      'those of the model it describes',
      'read them by loadSafetensors() and choose',
    ),
  );

function readConfig(source: Source, metadata: ReadonlyMap<string, string>): ModuleConfig {
  checkFormat(source, metadata);
  const json = metadata.get(configKey);
  const meaning = 'the configuration of the model';
  if (json === undefined) throw formatError(source, `no ${configKey} in the metadata`, meaning);
  return parseMetadataJson(source, configKey, json, meaning) as ModuleConfig;
}

/**
 * A model with fresh weights. What a constructor says of a damaged configuration becomes an error that names the file.
 */
function rebuilt(source: Source, config: ModuleConfig, classes: ModuleClasses): Module {
  try {
    return keepRandomState(() => rebuild(config, classes));
  } catch (error) {
    if (error instanceof RebuildError) {
      const { given, expected, fix } = error.parts;
      if (error.own)
        throw causedBy(
          error.cause ?? error,
          new OptionError(source.op, { given: `${given} in ${source.path}`, expected, fix }),
        );
      throw causedBy(error, formatError(source, given, expected, fix));
    }
    if (error instanceof AllowanceError) {
      throw misfit(source, error, `it asks for ${error.asked}, and the file holds less`);
    }
    if (error instanceof NativeError) throw error;
    // What the constructor of a layer advises is meant for whoever wrote its options in a program: only what it says is
    // wrong is of use here.
    throw causedBy(
      error,
      formatError(
        source,
        `a model that cannot be rebuilt (${firstLine(error)})`,
        'classes and options that this version knows',
      ),
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first line of an error's message, which says what is wrong and not how to fix it, without its full stop. */
const firstLine = (error: unknown): string => (messageOf(error).split('\n', 1)[0] ?? '').replace(/\.$/, '');

function causedBy<E extends StmnetError>(cause: unknown, error: E): E {
  error.cause = cause;
  return error;
}

/** Refuses what was given beside the extras and belongs among them. */
function checkExtrasAside(options: unknown): void {
  const known = ['extras', 'classes', 'device', 'metadata'];
  const key = isPlainObject(options)
    ? Object.keys(options).find((name) => nearMiss(name, known) === undefined)
    : undefined;
  if (key === undefined) return;
  throw new OptionError('save', {
    given: `an option ${key}`,
    expected: 'only extras',
    fix: `put it among them: save(model, path, { extras: { ${key} } }); loadExtras(path) gives it back`,
  });
}

function checkModel(model: unknown, path: unknown): void {
  if (model instanceof Module) return;
  const fix =
    path instanceof Module
      ? 'swap the arguments: save(model, path)'
      : remedy(model, 'pass a model; tensors go into a file by saveSafetensors(path, tensors)');
  throw new OptionError('save', { given: `${describe(model)} as model`, expected: 'a Module', fix });
}
