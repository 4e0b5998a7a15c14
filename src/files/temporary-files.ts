import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, whereabouts } from './process-place';

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

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > dayMs;
}
