import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemCode } from './file-error';

/**
 * A short name of the place whose process numbers can be compared with those here: this machine since its last start,
 * and in it this container.
 */
export async function whereabouts(): Promise<string> {
  const parts = [
    hostname(),
    await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    await readlink('/proc/self/ns/pid').catch(() => ''),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8);
}

/** Whether there is a process of that number here. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) !== 'ESRCH'; // one of another user may be asked for, and the answer is EPERM
  }
}

/**
 * When a process here began, by the system's own count: a number that is used again is that of another process. Empty
 * where the system does not tell.
 */
export async function beginOf(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // 'number (name) state …': the name may hold blanks and brackets. The begin is the 22nd of all.
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
