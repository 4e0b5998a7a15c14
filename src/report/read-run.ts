import { join } from 'node:path';
import { FileError } from '../files/file-error';
import { FormatError } from '../tensor/errors';
import { isPlainObject } from '../tensor/options';
import { History } from '../training/history';
import { readEvaluations } from './evaluation-file';
import type { EvaluationRecord } from './evaluation-record';
import { readJson } from '../files/json-file';

/** What a training has left in its folder. */
export interface RunData {
  readonly folder: string;
  /** All that `config.json` has; undefined where there is none. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** Without epochs where there is no `history.json` yet. */
  readonly history: History;
  readonly evaluations: readonly EvaluationRecord[];
}

/**
 * Reads a run folder.
 *
 * @param op  who reads, for messages
 * @throws {FormatError} if one of its files is damaged; the message names it
 * @throws {FileError} if a file cannot be read, or the folder has neither of the two
 */
export async function readRun(op: string, folder: string): Promise<RunData> {
  const [config, history, evaluations] = await Promise.all([
    readConfig(op, join(folder, 'config.json')),
    readHistory(op, join(folder, 'history.json')),
    readEvaluations(op, folder),
  ]);
  if (config === undefined && history === undefined) {
    const given = `${folder}, which has neither config.json nor history.json`;
    const expected = 'the folder of a training';
    throw new FileError(op, { given, expected, fix: 'check the path, or train with this folder as output' }, 'ENOENT');
  }
  return { folder, config, history: history ?? new History(), evaluations };
}

async function readConfig(op: string, path: string): Promise<RunData['config']> {
  const data = await readJson(op, path);
  if (data === undefined || isPlainObject(data)) return data;
  throw new FormatError(op, {
    given: `${path}, which is no object`,
    expected: 'the configuration of a training',
    fix: 'restore it from a copy, or train again',
  });
}

async function readHistory(op: string, path: string): Promise<History | undefined> {
  const data = await readJson(op, path);
  if (data === undefined) return undefined;
  try {
    return History.fromJSON(data);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const told = new FormatError(op, {
      given: `${path}, which is damaged or no history`,
      expected: '{ epochs, validations }, as JSON.stringify(history) writes it',
      fix: 'restore it from a copy, or train again',
    });
    told.cause = error;
    throw told;
  }
}
