import { copyFile, link, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, fileError, systemCode } from '../files/file-error';
import { FolderLock } from '../files/folder-lock';
import { makeFolder } from '../files/make-folder';
import { readCheckpoint, writeCheckpoint, type ReadCheckpoint } from '../io/checkpoint';
import { FormatError, OptionError } from '../tensor/errors';

/** A checkpoint that was read, and where it lies. */
export interface FoundCheckpoint extends ReadCheckpoint {
  path: string;
}

/** As `step-000000500.safetensors`, so that their order is that of a list. */
const nameOf = (step: number): string => `step-${String(step).padStart(9, '0')}.safetensors`;
const pattern = /^step-\d{9,16}\.safetensors$/;
const bestName = 'best.safetensors';

/** The folder of one training's checkpoints, which no other one may use meanwhile. */
export class CheckpointFolder {
  readonly #op: string;
  readonly #folder: string;
  readonly #lock: FolderLock;
  #writing: Promise<void> = Promise.resolve();

  private constructor(op: string, folder: string, lock: FolderLock) {
    this.#op = op;
    this.#folder = folder;
    this.#lock = lock;
  }

  /**
   * Takes a folder, and makes it if it is not there.
   *
   * @throws {FileError} if it cannot be made or written, or is in use
   */
  static async open(op: string, folder: string): Promise<CheckpointFolder> {
    await makeFolder(op, folder);
    return new CheckpointFolder(op, folder, await FolderLock.take(op, folder));
  }

  /** Where the checkpoint of a step lies. */
  pathOf(step: number): string {
    return join(this.#folder, nameOf(step));
  }

  /** Where the best one lies. */
  get bestPath(): string {
    return join(this.#folder, bestName);
  }

  /** Begins a new training. @throws {OptionError} if there are checkpoints already */
  async refuseOld(): Promise<void> {
    const newest = (await this.#names())[0];
    if (newest === undefined) return;
    throw new OptionError(this.#op, {
      given: `a folder with checkpoints of an earlier training (${join(this.#folder, newest)})`,
      expected: 'an empty one, where the training is not to go on from there',
      fix: 'pass resume: true to go on, or another folder, or remove this one',
    });
  }

  /**
   * Reads the newest whole checkpoint. One that is damaged is put aside, with a warning that names both.
   *
   * @returns undefined if there is none
   * @throws {FormatError} if all are damaged, or the newest is of a newer version
   */
  async newest(): Promise<FoundCheckpoint | undefined> {
    const damaged: string[] = [];
    let first: unknown;
    for (const name of await this.#names()) {
      const path = join(this.#folder, name);
      try {
        const found = await readCheckpoint({ op: this.#op, path });
        if (damaged.length > 0) await this.#putAside(damaged, path, first);
        return { ...found, path };
      } catch (error) {
        if (!(error instanceof FormatError) || error.code === 'ERR_STM_VERSION') throw error;
        first ??= error;
        damaged.push(path);
      }
    }
    if (first === undefined) return undefined;
    throw allDamaged(this.#op, damaged, first);
  }

  /** Reads the best one. */
  async best(): Promise<ReadCheckpoint> {
    await this.#writing;
    return readCheckpoint({ op: this.#op, path: this.bestPath });
  }

  /**
   * Waits for what is being written, and makes sure that the folder is still this training's: to be called before a
   * write.
   *
   * @throws {FileError} if something could not be written, or another training has taken the folder
   */
  async ready(): Promise<void> {
    await this.settled();
    await this.#lock.check();
  }

  /**
   * Writes the checkpoint of a step. Its values are those of the moment of the call; what is slow goes on beside the
   * training. Older ones are removed when it is whole.
   *
   * @param keep  how many there may be
   * @param best  whether it is the best one, too
   */
  write(step: number, tree: Readonly<Record<string, unknown>>, { keep, best }: { keep: number; best: boolean }): void {
    const path = this.pathOf(step);
    this.#begin(
      this.#written(path, tree).then(async () => {
        if (best) await this.#link(path);
        await this.#prune(keep);
      }),
    );
  }

  /** Writes the best one alone. */
  writeBest(tree: Readonly<Record<string, unknown>>): void {
    this.#begin(this.#written(this.bestPath, tree));
  }

  #begin(writing: Promise<void>): void {
    this.#writing = writing;
    writing.catch(() => undefined); // told where it is awaited
  }

  /** Lets the checkpoint of a step be the best one, too, where it is not yet. */
  async linkBest(step: number): Promise<void> {
    await this.#link(this.pathOf(step));
  }

  /** Waits for what is being written. @throws {FileError} if it could not be */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Gives the folder free, when all is written that can be. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#lock.release();
  }

  /** Names of the checkpoints, the newest first. */
  async #names(): Promise<string[]> {
    try {
      const names = (await readdir(this.#folder)).filter((name) => pattern.test(name));
      return names.sort((a, b) => stepOf(b) - stepOf(a));
    } catch (error) {
      throw fileError(this.#op, this.#folder, 'read', error);
    }
  }

  async #written(path: string, tree: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await writeCheckpoint({ op: this.#op, path }, tree, async () => {
        const before = (await this.#names()).length;
        await this.#prune(1); // the newest whole one stays until there is another
        return before > 1;
      });
    } catch (error) {
      throw error instanceof FileError ? await this.#toldWhere(error) : error;
    }
  }

  async #toldWhere(error: FileError): Promise<FileError> {
    const newest = (await this.#names().catch(() => []))[0];
    const [text = '', fix = ''] = error.message.split('\n  Fix: ');
    const from = newest === undefined ? '' : `; ${join(this.#folder, newest)} is whole, and resume: true goes on there`;
    const told = new FileError(
      error.op,
      `${text}\n  Fix: ${fix.replace(/\.$/, '')}${from}. The model in memory is that of the last step.`,
      error.code,
    );
    told.cause = error.cause;
    return told;
  }

  async #prune(keep: number): Promise<void> {
    for (const name of (await this.#names()).slice(keep)) await rm(join(this.#folder, name), { force: true });
  }

  /** The two are one file until one of them is replaced. */
  async #link(path: string): Promise<void> {
    const temporary = `${this.bestPath}.new`;
    try {
      await rm(temporary, { force: true });
      try {
        await link(path, temporary);
      } catch (error) {
        if (systemCode(error) === 'ENOENT') throw error;
        await copied(path, temporary); // a file system without links
      }
      await rename(temporary, this.bestPath);
    } catch (error) {
      throw fileError(this.#op, this.bestPath, 'write', error);
    }
  }

  async #putAside(damaged: readonly string[], whole: string, reason: unknown): Promise<void> {
    for (const path of damaged) {
      await rename(path, `${path}.damaged`).catch((error: unknown) => {
        throw fileError(this.#op, path, 'write', error);
      });
    }
    process.emitWarning(
      `${this.#op}: ${damaged.join(', ')} ${damaged.length === 1 ? 'is' : 'are'} damaged ` +
        `(${messageOf(reason)}); the training goes on from ${whole}. ` +
        `What is damaged is kept as *.damaged.`,
      { type: 'StmnetWarning', code: 'STM_DAMAGED_CHECKPOINT' },
    );
  }
}

const stepOf = (name: string): number => Number(/\d+/.exec(name)?.[0]);

const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);

async function copied(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function allDamaged(op: string, damaged: readonly string[], reason: unknown): FormatError {
  const error = new FormatError(op, {
    given: `nothing but ${damaged.length === 1 ? 'one damaged checkpoint' : 'damaged ones'} (${messageOf(reason)})`,
    expected: 'one that is whole to go on from',
    fix: `copy ${damaged.join(', ')} again from where it is whole, or begin anew in another folder`,
  });
  error.cause = reason;
  return error;
}
