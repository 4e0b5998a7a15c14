import { join, resolve } from 'node:path';
import { readJson } from '../files/json-file';
import type { OptionDescriptor } from '../tasks/catalogue/descriptor';
import type { TaskEntry } from '../tasks/catalogue/task-entry';
import type { RunFolder } from '../tasks/run-folder';
import { isPlainObject } from '../tensor/options';
import type { PlainOptions } from '../tasks/differing-options';
import { optionDifferences } from './option-differences';
import { InputError } from './report-error';

/** Where the examples of a training come from, as `config.json` of its folder keeps it. */
export interface KeptSource {
  readonly validation?: string | undefined;
  readonly validationSplit: number;
  readonly seed: number;
  /** How they are read. */
  readonly settings: PlainOptions;
}

/**
 * Refuses to go on with a training by options that read or divide its examples in another way.
 *
 * @param folder  the run folder; one without a checkpoint or `config.json` holds nothing to compare with
 * @param entry  what is trained now; of the folder of another task the training itself tells
 * @throws {InputError} that names these options; {FormatError} if `config.json` is damaged
 */
export async function checkResumedData(folder: RunFolder, now: KeptSource, entry: TaskEntry): Promise<void> {
  const file = join(folder.path, 'config.json');
  if (!folder.hasCheckpoints) return;
  const config = await readJson('train', file);
  const { task, source: before } = isPlainObject(config) ? config : {};
  if (task !== entry.name || !isPlainObject(before)) return; // or a program has made it
  const differ = optionDifferences(...unlike(dividing(before), dividing(now), entry.data));
  if (differ === undefined) return;
  throw new InputError(
    `${folder.path} holds a training that began with ${differ}. ` +
      'Fix: give the same, or name another folder as --output.',
  );
}

/** What decides how examples are read and which are held back, where no file names those to validate on. */
function dividing({ settings, validation, validationSplit, seed }: Partial<KeptSource>): PlainOptions {
  if (validation !== undefined) return { ...settings, validation };
  return { ...settings, validationSplit, ...(validationSplit !== 0 && { seed }) };
}

/** Both, without what says the same: a default that was typed, and a file by another path. */
function unlike(
  before: PlainOptions,
  now: PlainOptions,
  descriptors: readonly OptionDescriptor[],
): readonly [PlainOptions, PlainOptions] {
  const otherwise = new Map(descriptors.map((descriptor) => [descriptor.name, descriptor.otherwise]));
  // A default is noted as a text: 0 as "0".
  const meant = (name: string, value: unknown): string =>
    name === 'validation' && typeof value === 'string'
      ? resolve(value)
      : String(JSON.stringify(value ?? otherwise.get(name))).replaceAll('"', '');
  const rest = (options: PlainOptions): PlainOptions =>
    Object.fromEntries(
      Object.entries(options).filter(([name]) => meant(name, before[name]) !== meant(name, now[name])),
    );
  return [rest(before), rest(now)];
}
