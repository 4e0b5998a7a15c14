import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, systemCode } from '../files/file-error';
import { isFolder } from '../files/make-folder';
import { InputError } from './report-error';

/** What the file says that a command left in its folder. */
const LEFT = { 'config.json': 'a training', 'tune.json': 'a search', 'compare.json': 'a comparison' } as const;

/**
 * Sees to it, before hours of training, that a folder can be written, and that no command writes into what another one
 * left. It leaves the disk as it was.
 *
 * @param own  the file that the command looks after itself, as it may go on with what it left
 * @throws {InputError} if the folder holds another such file
 * @throws {FileError} if it cannot be made or written
 */
export async function checkOutputFolder(folder: string, own?: keyof typeof LEFT): Promise<void> {
  const [, what] = Object.entries(LEFT).find(([file]) => file !== own && existsSync(join(folder, file))) ?? [];
  if (what !== undefined)
    throw new InputError(`${folder} holds ${what} already. Fix: name another folder as --output.`);
  await checkWritable(folder);
}

/**
 * Sees to it, before anything is read, that a file can be written where there is none.
 *
 * @throws {InputError} if its folder is not there; {FileError} if nothing can be written into that
 */
export async function checkOutputFile(path: string): Promise<void> {
  const folder = dirname(path);
  if (!existsSync(folder))
    throw new InputError(`there is no folder ${folder} to write ${path} into. Fix: make it first, or name another.`);
  await checkWritable(folder);
}

/**
 * Makes what the folder lacks in one that no other command knows, so that those that begin at the same time do not meet
 * folders that are about to go.
 */
async function checkWritable(folder: string): Promise<void> {
  const { there, missing } = await placeOf(folder);
  try {
    if (missing.length === 0 && !(await isFolder(folder))) await mkdir(folder); // a file is in its place
    const own = await mkdtemp(join(there, '.stmnet-')); // permissions alone do not tell
    try {
      await mkdir(join(own, ...missing), { recursive: true });
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  } catch (error) {
    const isGone = systemCode(error) === 'ENOENT' && (await placeOf(folder)).there !== there;
    if (isGone) return checkWritable(folder);
    throw fileError('stmnet', folder, 'make', error);
  }
}

/** The path, or the nearest above it, where something is, and the names from there to it. */
async function placeOf(folder: string): Promise<{ there: string; missing: readonly string[] }> {
  let there = folder;
  const missing: string[] = [];
  const isThere = (path: string): Promise<boolean> =>
    lstat(path).then(
      () => true,
      () => false,
    );
  while (there !== dirname(there) && !(await isThere(there))) {
    missing.unshift(basename(there));
    there = dirname(there);
  }
  return { there, missing };
}
