import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from './file-error';

/** One write call takes at most this much, so that other work on the pool of file threads gets its turn. */
const pieceBytes = 1 << 26;

/**
 * Writes a file so that a reader finds either the whole old one or the whole new one, whenever the disk fills or the process or the machine dies:
 *
 *   write a temporary file beside it → fsync → rename over it → fsync of the folder
 *
 * A failure removes the temporary file; a killed process leaves it behind under the name `.<file>.<random>.tmp`. A symbolic link is followed, and
 * a file that is replaced hands on its permissions.
 *
 * @param path    the file
 * @param chunks  its contents, one after another
 * @throws the file system's error (ENOENT, EACCES, ENOSPC, …)
 */
export async function writeAtomically(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const target = await followed(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(8).toString('hex')}.tmp`);
  const permissions = await permissionsOf(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const chunk of chunks) await writeWhole(file, chunk);
      if (permissions !== undefined) await file.chmod(permissions);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at, Math.min(pieceBytes, chunk.length - at));
    at += bytesWritten;
  }
}

/** The file that a path means: where a link points, or the path itself if nothing is there yet. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

async function permissionsOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => systemCode(error) === 'ENOENT';

/** The rename itself must reach the disk, or a power cut could undo it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
