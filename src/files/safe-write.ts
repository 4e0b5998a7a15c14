import { constants, type Stats } from 'node:fs';
import { open, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode } from './file-error';
import { clearStale, temporaryName } from './temporary-files';

/** One write call takes at most this much, so that other work on the pool of file threads gets its turn. */
const pieceBytes = 1 << 26;

/**
 * Writes a file so that a reader finds either the whole old one or the whole new one, whenever the disk fills or the
 * process or the machine dies:
 *
 *   write a temporary file beside it → fsync → rename over it → fsync of the folder
 *
 * A failure removes the temporary file; that of a killed process is removed by the next write into the folder. Links
 * are followed, also those that point to nothing yet, and a file that is replaced hands on its permissions, and its
 * owner where this user may. What is no regular file, a device or a FIFO, is written straight to; a FIFO waits for its
 * reader.
 *
 * @param path    the file
 * @param chunks  its contents, one after another
 * @throws the file system's error (ENOENT, EACCES, ENOSPC, …)
 */
export async function writeSafely(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const target = await targetOf(path);
  if (target === undefined) return writeStraight(path, chunks);
  const folder = dirname(target.path);
  await clearStale(folder);
  const temporary = join(folder, await temporaryName());
  try {
    // Readable by its owner alone until it has the permissions of the file that it replaces.
    const file = await open(temporary, 'wx', target.old === undefined ? 0o666 : 0o600);
    try {
      for (const chunk of chunks) await writeWhole(file, chunk);
      if (target.old !== undefined) await handOn(file, target.old);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target.path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await syncFolder(folder);
}

/**
 * The regular file that a path means, there or not, and what it is like; undefined for what is there and no regular
 * file.
 */
async function targetOf(path: string): Promise<{ path: string; old?: Stats } | undefined> {
  const old = await unlessMissing(stat(path));
  if (old === undefined) return { path: await endOfLinks(path) };
  // Under /proc a link can lead to a file that has no path any more.
  const real = old.isFile() ? await unlessMissing(realpath(path)) : undefined;
  return real === undefined ? undefined : { path: real, old };
}

/**
 * Where the last of a chain of links points. That the chain ends is known: for one without end, `stat` fails with
 * ELOOP.
 */
async function endOfLinks(path: string): Promise<string> {
  let end = path;
  for (;;) {
    const next = await unlessMissing(readlink(end), 'EINVAL');
    if (next === undefined) return end;
    end = isAbsolute(next) ? next : `${dirname(end)}/${next}`; // not normalized: the folder can be a link itself
  }
}

async function unlessMissing<T>(result: Promise<T>, ...more: string[]): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || (code !== undefined && more.includes(code))) return undefined;
    throw error;
  }
}

async function handOn(file: FileHandle, old: Stats): Promise<void> {
  const own = await file.stat();
  if (own.uid !== old.uid || own.gid !== old.gid) await giveTo(file, old);
  if ((own.mode & 0o7777) !== (old.mode & 0o7777)) await file.chmod(old.mode & 0o7777);
}

/**
 * Gives the file to a user and a group. Where the user may not do that (only root may give files to others), to the
 * group alone, which is allowed for a group that the user is in.
 */
async function giveTo(file: FileHandle, { uid, gid }: Stats): Promise<void> {
  for (const owner of [uid, -1]) {
    try {
      return await file.chown(owner, gid);
    } catch (error) {
      if (systemCode(error) !== 'EPERM') throw error;
    }
  }
}

async function writeStraight(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await openWithReader(path);
  try {
    for (const chunk of chunks) await writeWhole(file, chunk);
  } finally {
    await file.close();
  }
}

/**
 * Opens a file, device or FIFO that is there. A FIFO can only be opened once it has a reader; trying again and again
 * keeps no thread of Node's pool waiting meanwhile, as a blocking `open` would.
 */
async function openWithReader(path: string): Promise<FileHandle> {
  for (let wait = 1; ; wait = Math.min(2 * wait, 50)) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK);
    } catch (error) {
      if (systemCode(error) !== 'ENXIO' || !(await stat(path)).isFIFO()) throw error;
      await pause(wait);
    }
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    try {
      at += (await file.write(chunk, at, Math.min(pieceBytes, chunk.length - at))).bytesWritten;
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      await pause(1); // a pipe that is full
    }
  }
}

/**
 * The rename itself must reach the disk, or a power cut could undo it. Where a folder cannot be opened or synced, that
 * is up to the system.
 */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EACCES', 'EINVAL', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
  }
}
