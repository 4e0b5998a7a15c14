import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { FileError, fileError, systemCode } from './file-error';
import { beginOf, isAlive, whereabouts } from './process-place';

/** What a lock says of whoever holds it. */
interface Holder {
  /** Differs for each lock. */
  readonly token: string;
  readonly pid: number;
  /** Of the process, by the system's count. */
  readonly begin: string;
  readonly thread: number;
  /** Where numbers of processes are those of one system. */
  readonly where: string;
  readonly host: string;
}

/** The file that says that a folder is in use. */
export const lockName = '.stmnet-lock';

/** How often a holder gives a sign of life, by the time of the file. */
const signMs = 10_000;
/** Without a sign for so long a holder that cannot be asked for is taken for dead. */
const silentMs = 60_000;

/**
 * A folder that is in use by one training alone. A holder that was killed is no hindrance: a process of this system is
 * asked for by its number and its begin; of another system, or of another thread, the lock is void a minute after its
 * last sign of life.
 */
export class FolderLock {
  readonly #op: string;
  readonly #path: string;
  readonly #own: Holder;
  readonly #signs: NodeJS.Timeout;

  private constructor(op: string, path: string, own: Holder) {
    this.#op = op;
    this.#path = path;
    this.#own = own;
    this.#signs = setInterval(() => void this.#sign(), signMs).unref();
  }

  /**
   * Takes a folder.
   *
   * @param op      who asks, for messages
   * @param folder  one that is there
   * @throws {FileError} with the code EBUSY if it is in use, or if something is in the lock's place that can be neither
   *   made nor read, such as a link to nowhere; with the system's if the folder cannot be written
   */
  static async take(op: string, folder: string): Promise<FolderLock> {
    const path = join(folder, lockName);
    const own = await holderHere();
    try {
      // One that was void is out of the way at the second try, unless someone else was quicker.
      for (let tries = 0; !(await created(path, own)); tries++) {
        const held = await read(path);
        if (held === undefined && tries <= 8) continue; // it was released in between
        if (held === undefined) throw obstructed(op, path);
        if (tries > 8 || (await isHeld(held))) throw inUse(op, folder, held);
        await putAway(path, held.holder?.token);
      }
    } catch (error) {
      throw fileError(op, path, 'write', error);
    }
    return new FolderLock(op, path, own);
  }

  /** @throws {FileError} with the code EBUSY if somebody else has taken the folder since */
  async check(): Promise<void> {
    const held = await read(this.#path);
    if (held?.holder?.token === this.#own.token) return;
    throw new FileError(
      this.#op,
      {
        given: `${this.#path}, which ${held === undefined ? 'is not there any more' : 'is that of another training'}`,
        expected: 'the lock of this one',
        fix: 'let each training have a folder of its own, and leave its lock there',
      },
      'EBUSY',
    );
  }

  /** Gives the folder free. */
  async release(): Promise<void> {
    clearInterval(this.#signs);
    const held = await read(this.#path).catch(() => undefined);
    if (held?.holder?.token === this.#own.token) await rm(this.#path, { force: true }).catch(() => undefined);
  }

  async #sign(): Promise<void> {
    const now = new Date();
    await utimes(this.#path, now, now).catch(() => undefined); // whoever writes next finds out that it is gone
  }
}

async function holderHere(): Promise<Holder> {
  return {
    token: randomBytes(12).toString('hex'),
    pid: process.pid,
    begin: await beginOf(process.pid),
    thread: threadId,
    where: await whereabouts(),
    host: hostname(),
  };
}

/** @returns whether the lock was made; false if there is one */
async function created(path: string, own: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(own), { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (systemCode(error) === 'ENOSPC') await rm(path, { force: true }).catch(() => undefined); // half of it
    throw error;
  }
}

/** A lock as it was found. */
interface Held {
  /** Undefined for one that is no lock of this kind, or that is being written. */
  readonly holder: Holder | undefined;
  /** Milliseconds since its last sign, by the clocks of both. */
  readonly silentMs: number;
}

async function read(path: string): Promise<Held | undefined> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    return { holder: holderOf(text), silentMs: Date.now() - mtimeMs };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    return typeof holder?.token === 'string' && typeof holder.pid === 'number' ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

async function isHeld({ holder, silentMs: silent }: Held): Promise<boolean> {
  const signs = silent < silentMs;
  if (holder === undefined || holder.where !== (await whereabouts())) return signs;
  if (!isAlive(holder.pid) || holder.begin !== (await beginOf(holder.pid))) return false;
  return holder.pid !== process.pid || signs; // a thread that was ended cannot be asked for
}

/**
 * Takes a void lock out of the way, and no other: if it is one that another process has put in its place meanwhile, it
 * goes back.
 */
async function putAway(path: string, token: string | undefined): Promise<void> {
  const aside = `${path}-${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await readFile(aside, 'utf8');
  if (holderOf(moved)?.token !== token) await writeFile(path, moved, { flag: 'wx' }).catch(() => undefined);
  await rm(aside, { force: true });
}

function inUse(op: string, folder: string, { holder, silentMs: silent }: Held): FileError {
  const seconds = Math.max(0, Math.round(silent / 1000));
  const who =
    holder === undefined
      ? 'something unknown'
      : `process ${holder.pid} on ${holder.host}${holder.pid === process.pid ? ', this one' : ''}`;
  return new FileError(
    op,
    {
      given: `${folder}, which is in use by ${who} (last sign ${seconds} s ago)`,
      expected: 'a folder that no other training uses',
      fix:
        'give each training a folder of its own; if that one has ended, it is free a minute after its last sign, or ' +
        `when you remove ${join(folder, lockName)}`,
    },
    'EBUSY',
  );
}

const obstructed = (op: string, path: string): FileError =>
  new FileError(
    op,
    {
      given: `${path}, which is there and cannot be read, as a link to nowhere`,
      expected: 'the lock of a training, or nothing',
      fix: 'remove it',
    },
    'EBUSY',
  );
