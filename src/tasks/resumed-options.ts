import { join } from 'node:path';
import { readJson } from '../files/json-file';
import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { differingOptions } from './differing-options';
import type { RunFolder } from './run-folder';

/** What may differ when a training is taken up again: where it computes, and what does not change its steps. */
const FREE: readonly string[] = ['output', 'device', 'seed', 'patience', 'keep', 'vectors', 'languageModel'];

/**
 * Refuses to take a training up again with other options than it began with, by their names.
 *
 * @param folder  one without a checkpoint, or `config.json` that can be read, holds nothing to compare with
 * @param now     the task, its options and those of its training, with their defaults
 * @throws {OptionError} if some differ
 */
export async function checkResumed(
  op: string,
  folder: RunFolder,
  now: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (!folder.hasCheckpoints) return;
  const before = await optionsIn(join(folder.path, 'config.json'));
  if (before === undefined) return;
  if (before['task'] !== undefined && before['task'] !== now['task']) {
    throw new OptionError(op, {
      given: `the folder ${folder.path}, which holds a training of the task ${describe(before['task'])}`,
      expected: `one of the task ${describe(now['task'])}`,
      fix: 'name the folder of this training, or begin anew in another one',
    });
  }
  const { names: odd, now: given } = differingOptions(before, now, FREE);
  if (odd.length === 0) return;
  throw new OptionError(op, {
    given: `${saidOf(odd, given)} for the training that ${folder.path} holds`,
    expected: `what it began with, ${saidOf(odd, before)}`,
    fix: odd.includes('epochs')
      ? 'pass the same for the same examples, as the learning rate goes by the number of epochs; to train longer, ' +
        'begin anew in another folder'
      : 'pass the same to go on with it, or begin anew in another folder',
  });
}

const saidOf = (names: readonly string[], options: Readonly<Record<string, unknown>>): string =>
  names
    .map((name) => (options[name] === undefined ? `no ${name}` : `${name}: ${JSON.stringify(options[name])}`))
    .join(', ');

async function optionsIn(file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  // Of a damaged one the checkpoints say themselves what they are of.
  const config = await readJson('fit', file).catch(() => undefined);
  if (!isPlainObject(config)) return undefined;
  const { task, options, training } = config;
  return isPlainObject(options) && isPlainObject(training) ? { task, ...options, ...training } : undefined;
}
