import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../files/json-file';
import { defaultDevice } from '../tensor/device';
import { nearMiss } from '../tensor/option-names';
import { describe, isPlainObject } from '../tensor/options';
import type { OptionDescriptor, OptionKind } from '../tasks/catalogue/descriptor';
import type { TaskEntry } from '../tasks/catalogue/task-entry';
import type { Command } from 'commander';
import { givenOptions, parseValue } from './descriptor-options';
import { InputError, UsageError } from './report-error';

/** Which files hold the examples of a training, as far as that was said. */
export interface ExampleFiles {
  /** File of the examples. */
  readonly data: string;
  /** File of those to validate on. */
  readonly validation?: string | undefined;
  /** Without such a file: the part of the examples to hold back; 0 for none. */
  readonly validationSplit: number;
  /** File of those to evaluate on at the end. */
  readonly test?: string | undefined;
}

/** What a training is told: by a file, `--config`, and by options, which go before the file. */
export interface TrainConfig {
  /** Options of the task's class. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options of its `fit`. */
  readonly training: Readonly<Record<string, unknown>>;
  /** How the examples are read. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The same, and where the examples are. */
export interface WholeConfig extends TrainConfig {
  readonly files: ExampleFiles;
  /** Names of options that the command itself got. */
  readonly typed: readonly string[];
}

/** What the options of a command say of its data; `--data` may stand in a configuration. */
export type GivenFiles = Partial<ExampleFiles> & { readonly config?: string | undefined };

/**
 * What a command trains with: its options, and behind them those of its configuration that hold beside them. Files that
 * a configuration names are those of its data, and count for nothing where the command names other data.
 *
 * @returns options with a seed, 1 by default
 * @throws {InputError} as `readTrainConfig`; {UsageError} if nothing says where the examples are
 */
export async function trainConfig(entry: TaskEntry, command: Command, given: GivenFiles): Promise<WholeConfig> {
  const read = given.config === undefined ? undefined : await readTrainConfig(given.config, entry);
  const [options, typed] = [givenOptions(command, entry.options), givenOptions(command, entry.training)];
  const outdated = entry.outdated?.(read?.training ?? {}, typed) ?? [];
  const kept = Object.entries(read?.training ?? {}).filter(([name]) => !outdated.includes(name));
  const training = { seed: 1, ...Object.fromEntries(kept), ...typed };
  warnOfPrecision(training);
  return {
    options: { ...read?.options, ...options },
    training,
    settings: { ...read?.settings, ...givenOptions(command, entry.data) },
    files: filesOf(command, given, read?.files ?? {}),
    typed: [...Object.keys(options), ...Object.keys(typed)],
  };
}

/** The CPU has two precisions, whatever is asked for. */
function warnOfPrecision({ precision = 'fma', device = defaultDevice() }: Readonly<Record<string, unknown>>): void {
  if (precision === 'fma' || precision === 'bf16' || device !== 'cpu') return;
  process.emitWarning(`--precision ${String(precision)} changes nothing on the cpu, which computes in fma or bf16`, {
    type: 'StmnetWarning',
    code: 'STM_PRECISION',
  });
}

function filesOf(command: Command, given: GivenFiles, kept: Partial<ExampleFiles>): ExampleFiles {
  const data = given.data ?? kept.data;
  if (data === undefined)
    throw new UsageError(
      'got no --data, nor a --config that names it, expected --data <file>: examples to learn from. ' +
        'Fix: add --data <file>, or name the run folder of a training by --config.',
    );
  const others = data === kept.data ? kept : {};
  const splits = command.getOptionValueSource('validationSplit') === 'cli';
  if (splits && given.validation !== undefined && given.validationSplit !== 0)
    throw new UsageError(
      `got --validation-split ${given.validationSplit} beside --validation, expected one of them. Fix: leave one out.`,
    );
  return {
    data,
    validation: given.validation ?? (splits ? undefined : others.validation),
    validationSplit: (splits ? undefined : kept.validationSplit) ?? given.validationSplit ?? 0,
    test: given.test ?? others.test,
  };
}

/** What `config.json` of a run folder has beside that, which a training does not read. */
const PASSED_OVER = ['stmnet', 'task', 'environment', 'source', 'trial'];
/** Of those of `fit` what is not repeated: where the training was written. */
const NOT_REPEATED = ['output'];

/**
 * Reads a configuration: `config.json` of a run folder, what `tune` found best, or one of the user's own.
 *
 * @param place  its file, or the run folder
 * @throws {InputError} if it is not there, of another task, or has a key that nothing reads; {FormatError} if it is no
 *   JSON
 */
export async function readTrainConfig(
  place: string,
  entry: TaskEntry,
): Promise<TrainConfig & { readonly files: Partial<ExampleFiles> }> {
  const path = configFileOf(place);
  const given = await readJson('stmnet', path, 'mend it, or name another configuration');
  if (!isPlainObject(given)) throw new InputError(`${path} is no configuration. Expected { options, training }.`);
  checkKeys(path, '', given, ['options', 'training', ...PASSED_OVER]);
  const { task = entry.name, options = {}, training = {} } = given;
  if (task !== entry.name)
    throw new InputError(
      `${path} is a configuration of the task ${String(task)}, expected that of a training of ${entry.name}. ` +
        `Fix: name another configuration, or train ${String(task)}.`,
    );
  return {
    options: checked(path, 'options', options, entry.options),
    training: checked(path, 'training', training, entry.training),
    ...sourceIn(path, given['source'], entry),
  };
}

/** Where a training has its examples from, as the command line keeps it; a program may keep anything there. */
function sourceIn(
  path: string,
  source: unknown,
  { data: descriptors }: TaskEntry,
): { settings: TrainConfig['settings']; files: Partial<ExampleFiles> } {
  if (!isPlainObject(source)) return { settings: {}, files: {} };
  const { data, validation, validationSplit, test, settings = {} } = source;
  return {
    settings: typeof data === 'string' ? checked(path, 'source.settings', settings, descriptors) : {},
    files: {
      ...(typeof data === 'string' && { data }),
      ...(typeof validation === 'string' && { validation }),
      ...(typeof validationSplit === 'number' && { validationSplit }),
      ...(typeof test === 'string' && { test }),
    },
  };
}

function checked(
  path: string,
  part: string,
  given: unknown,
  descriptors: readonly OptionDescriptor[],
): Readonly<Record<string, unknown>> {
  if (!isPlainObject(given)) throw new InputError(`${path} has ${part} that are no object.`);
  const names = descriptors.map(({ name }) => name);
  checkKeys(path, `${part}.`, given, [...names, ...NOT_REPEATED]);
  for (const { name, kind } of descriptors) {
    const wrong = name in given ? mistakeIn(kind, given[name]) : undefined;
    if (wrong !== undefined) throw new InputError(`${path} has ${part}.${name}: ${describe(given[name])}. ${wrong}`);
  }
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

/** What was expected of a value of a kind; undefined where it is one, or its class has to say so. */
function mistakeIn(kind: OptionKind, value: unknown): string | undefined {
  if (kind === 'flag') return typeof value === 'boolean' ? undefined : 'Expected true or false.';
  if (kind === 'text' || kind === 'file') return typeof value === 'string' ? undefined : 'Expected a text, in quotes.';
  const type = typeof kind === 'string' ? TYPES[kind] : 'string';
  if (type === undefined) return undefined;
  try {
    parseValue(kind, typeof value === type ? String(value) : '');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

/** Types of values that can be looked at by their text. */
const TYPES: Readonly<Record<string, 'number'>> = {
  size: 'number',
  count: 'number',
  port: 'number',
  number: 'number',
  positive: 'number',
  part: 'number',
  probability: 'number',
};

function checkKeys(path: string, prefix: string, given: object, known: readonly string[]): void {
  const odd = Object.keys(given).find((key) => !known.includes(key));
  if (odd === undefined) return;
  const near = nearMiss(odd, known);
  const fix = near === undefined ? `leave it out; known are ${known.join(', ')}` : `write ${near}, if that is meant`;
  throw new InputError(`${path} has ${prefix}${odd}, which nothing reads. Fix: ${fix}.`);
}

/** Of a run folder its configuration, else the file itself. */
function configFileOf(place: string): string {
  const fix = 'Fix: name a configuration, such as config.json of a run folder or best.json of a search';
  if (!existsSync(place)) throw new InputError(`${place} is not there. ${fix}.`);
  if (!statSync(place).isDirectory()) return place;
  const file = join(place, 'config.json');
  if (existsSync(file)) return file;
  throw new InputError(`${place} is a folder without config.json. ${fix}.`);
}
