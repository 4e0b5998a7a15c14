import { readFile } from 'node:fs/promises';
import { FormatError } from '../tensor/errors';
import { fileError, systemCode } from './file-error';
import { writeSafely } from './safe-write';

/**
 * What a JSON file holds; undefined where there is no such file.
 *
 * @param op   who reads, for messages
 * @param fix  what to do about one that is damaged
 * @throws {FormatError} if it is no JSON
 * @throws {FileError} if it cannot be read; its code is the system's
 */
export async function readJson(
  op: string,
  path: string,
  fix = 'restore it from a copy, or delete it and run again what wrote it',
): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fileError(op, path, 'read', error);
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const told = new FormatError(op, {
      given: `${path}, which is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      expected: 'a whole file',
      fix,
    });
    told.cause = error;
    throw told;
  }
}

/**
 * Writes plain data as JSON, whole or not at all.
 *
 * @param op  who writes, for messages
 * @throws {FileError} if it cannot be written; its code is the system's
 */
export async function writeJson(op: string, path: string, data: unknown): Promise<void> {
  try {
    await writeSafely(path, [Buffer.from(`${JSON.stringify(data, undefined, 2)}\n`)]);
  } catch (error) {
    throw fileError(op, path, 'write', error);
  }
}
