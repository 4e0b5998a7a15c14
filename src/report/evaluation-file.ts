import { join } from 'node:path';
import { checkPath } from '../files/check-path';
import { fileError } from '../files/file-error';
import { writeSafely } from '../files/safe-write';
import { FormatError, OptionError } from '../tensor/errors';
import { withoutOdd } from '../training/history-json';
import { evaluationIn } from './evaluation-form';
import type { EvaluationRecord } from './evaluation-record';
import { readJson } from '../files/json-file';
import { FormFault, listIn } from './json-form';

/** The file of a run folder that has what evaluations came to. */
const evaluationFile = (folder: string): string => join(folder, 'evaluation.json');

/** The part that a record is about. */
export const partOf = ({ part = 'test' }: EvaluationRecord): 'validation' | 'test' => part;

/**
 * Keeps what an evaluation came to in a run folder, as `evaluation.json`, for its report. The record takes the place of
 * an earlier one of the same part; those of other parts stay. NaN and infinity are written as in `history.json`.
 *
 * @param folder  the run folder, which has to be there
 * @param record  what was measured
 * @throws {OptionError} if the record is of another form
 * @throws {FormatError} if there is an `evaluation.json` that is damaged
 * @throws {FileError} if it cannot be read or written; its code is the system's
 */
export async function writeEvaluation(folder: string, record: EvaluationRecord): Promise<void> {
  const op = 'writeEvaluation';
  checkPath(op, folder, "writeEvaluation('run', { figures })");
  checkRecord(op, record);
  const others = (await readEvaluations(op, folder)).filter((other) => partOf(other) !== partOf(record));
  const path = evaluationFile(folder);
  const text = `${JSON.stringify(withoutOdd([...others, record]), undefined, 1)}\n`;
  try {
    await writeSafely(path, [Buffer.from(text)]);
  } catch (error) {
    throw fileError(op, path, 'write', error);
  }
}

function checkRecord(op: string, record: EvaluationRecord): void {
  try {
    evaluationIn(record, '');
  } catch (error) {
    if (!(error instanceof FormFault)) throw error;
    const given = `${error.path === '' ? 'a record' : error.path} that is ${error.found}`;
    throw new OptionError(op, { given, expected: error.expected, fix: 'pass what EvaluationRecord describes' });
  }
}

/**
 * What evaluations came to, in the order in which they were written; nothing where there was none.
 *
 * @param op  who reads, for messages
 * @throws {FormatError} if the file is damaged
 * @throws {FileError} if it cannot be read
 */
export async function readEvaluations(op: string, folder: string): Promise<readonly EvaluationRecord[]> {
  const path = evaluationFile(folder);
  const data = await readJson(op, path);
  if (data === undefined) return [];
  try {
    return listIn(evaluationIn)(data, '');
  } catch (error) {
    if (!(error instanceof FormFault)) throw error;
    const given = `${path}, in which ${error.path === '' ? 'all' : error.path} is ${error.found}`;
    throw new FormatError(op, { given, expected: error.expected, fix: 'delete the file, and evaluate again' });
  }
}
