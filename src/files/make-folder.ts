import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, systemCode } from './file-error';

/** Attempts at one folder, while others make and remove those above it. */
const ATTEMPTS = 10;

/**
 * Makes a folder, and those above it that are not there, whoever else makes them at the same time. If that fails, those
 * that it made and that are empty go again. `mkdir` of Node.js with `recursive` does not come to an end where the
 * system says of a folder whose parent is there that it is not, as below `/proc`.
 *
 * @param op    the call that needs it, for the message
 * @param path  of the folder, which may be there already
 * @returns those that were not there, from the inmost one on
 * @throws {FileError} if it cannot be made, or a file is in its place; its code is the system's
 */
export async function makeFolder(op: string, path: string): Promise<readonly string[]> {
  const own: string[] = [];
  try {
    await make(path, own);
    return own;
  } catch (error) {
    for (const one of own) await rmdir(one).catch(() => undefined); // another program may have put something there
    throw fileError(op, path, 'make', error);
  }
}

/** @param own  gets the folders that it made, each before those above it */
async function make(path: string, own: string[]): Promise<void> {
  const above = dirname(path);
  for (let attempt = 1; ; attempt++) {
    const error = await tried(path);
    if (error === undefined) return void own.unshift(path);
    if (await isFolder(path)) return;
    // What was missing may be there by now, and what was in the way may be gone.
    const mayChange = ['ENOENT', 'EEXIST'].includes(systemCode(error) ?? '') && above !== path;
    if (!mayChange || attempt === ATTEMPTS) throw error;
    if (!(await isFolder(above))) await make(above, own);
  }
}

/** @returns the error of making it, if there was one */
const tried = (path: string): Promise<Error | undefined> =>
  mkdir(path).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );

/** Whether a folder is there, or a link to one. */
export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
