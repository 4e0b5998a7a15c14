import { spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { FolderLock, lockName } from '../../src/files/folder-lock';
import { scratchFolder } from '../support/scratch';

const root = scratchFolder('lock');

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
  path = join(folder, lockName);
});

const take = (): Promise<FolderLock> => FolderLock.take('Trainer.fit', folder);

/** A lock that says something else of its holder than that of this process. */
async function writeLock(difference: object, ageMs = 0): Promise<void> {
  await rm(path, { force: true });
  const lock = await take();
  const own = JSON.parse(await readFile(path, 'utf8')) as object;
  await lock.release();
  await writeFile(path, JSON.stringify({ ...own, token: 'other', ...difference }));
  const time = (Date.now() - ageMs) / 1000;
  await utimes(path, time, time);
}

describe('a lock', () => {
  test('keeps others out until it is released', async () => {
    const lock = await take();
    await lock.check();
    await expect(take()).rejects.toMatchObject({ name: 'FileError', code: 'EBUSY' });
    await expect(take()).rejects.toThrow(`Trainer.fit: got ${folder}, which is in use by process ${process.pid} on `);
    await expect(take()).rejects.toThrow(/, this one \(last sign \d s ago\), expected a folder that no other training/);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await take()).release();
  });

  test('of a process that is alive is respected, however long it gave no sign', async () => {
    const begin = (await readFile(`/proc/${process.ppid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19];
    await writeLock({ pid: process.ppid, begin }, 10_000_000);
    await expect(take()).rejects.toThrow(`in use by process ${process.ppid} on `);
  });

  test.each([
    ['that was killed', { pid: spawnSync('true').pid, begin: '1' }],
    ['whose number another one has now', { pid: process.ppid, begin: '1' }],
  ])('of a process %s is no hindrance', async (_, holder) => {
    await writeLock(holder);
    const lock = await take();
    await lock.check();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['of another system', { where: '00000000', pid: 1 }],
    ['of a thread of this process', { thread: 99 }],
  ])('%s is void a minute after its last sign', async (_, holder) => {
    await writeLock(holder, 50_000);
    await expect(take()).rejects.toThrow(/last sign 50 s ago/);
    await writeLock(holder, 61_000);
    await (await take()).release();
  });

  test('that cannot be read as one counts as one that gives no reason', async () => {
    await writeFile(path, '{"token":');
    await expect(take()).rejects.toThrow('in use by something unknown');
    await utimes(path, 0, 0);
    await (await take()).release();
  });

  test('notices that another one stands in its place, and leaves that alone', async () => {
    const lock = await take();
    await rm(path);
    await expect(lock.check()).rejects.toThrow('which is not there any more, expected the lock of this one');
    const other = await take();
    await expect(lock.check()).rejects.toThrow('which is that of another training');
    await lock.release();
    await other.check();
    await other.release();
  });

  test('is given to one alone of many who find a void one', async () => {
    await writeLock({ pid: spawnSync('true').pid, begin: '1' });
    const results = await Promise.allSettled(Array.from({ length: 12 }, take));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    // Who took a lock that another one put away in the same moment hears of it before it writes anything.
    const checks = await Promise.allSettled(locks.map((lock) => lock.check()));
    expect(checks.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const lock of locks) await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a folder that cannot be taken', () => {
  test('is named', async () => {
    await expect(FolderLock.take('Trainer.fit', join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(path);
    await expect(take()).rejects.toMatchObject({ name: 'FileError', code: 'EISDIR' });
  });

  test('for a link to nowhere in the place of its lock is refused, and not tried for ever', async () => {
    await symlink(join(folder, 'nowhere'), path);
    await expect(take()).rejects.toMatchObject({ name: 'FileError', code: 'EBUSY' });
    await expect(take()).rejects.toThrow(
      `Trainer.fit: got ${path}, which is there and cannot be read, as a link to nowhere, expected the lock of a ` +
        'training, or nothing.\n  Fix: remove it.',
    );
    expect(await readdir(folder)).toEqual([lockName]);
  });
});
