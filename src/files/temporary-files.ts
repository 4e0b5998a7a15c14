import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from './file-error';

/** `.stmnet-<where>-<process>-<random>.tmp`: short, so that the name beside it may be as long as names can be. */
const pattern = /^\.stmnet-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** A file from elsewhere, whose process cannot be asked for, is stale when nobody has written to it for a day. */
const dayMs = 86_400_000;

/** A name for a temporary file, different each time, that tells which process writes it. */
export const temporaryName = async (): Promise<string> =>
  `.stmnet-${await whereabouts()}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;

/**
 * Removes from a folder the temporary files of processes that were killed while they wrote. It does what it can: a
 * folder that cannot be read, or a file that another process removes at the same time, is no reason for a write to
 * fail.
 */
export async function clearStale(folder: string): Promise<void> {
  const here = await whereabouts();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, where, pid] = pattern.exec(name) ?? [];
    if (where === undefined || (where === here && isAlive(Number(pid)))) continue;
    const path = join(folder, name);
    if (where === here || (await isOld(path))) await rm(path, { force: true }).catch(() => undefined);
  }
}

/**
 * A short name of the place whose process numbers can be compared with those here: this machine since its last start,
 * and in it this container.
 */
async function whereabouts(): Promise<string> {
  const parts = [
    hostname(),
    await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    await readlink('/proc/self/ns/pid').catch(() => ''),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) !== 'ESRCH'; // one of another user may be asked for, and the answer is EPERM
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > dayMs;
}
