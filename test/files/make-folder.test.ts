import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/files/make-folder';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('make-folder');
const bundle = join(__dirname, '..', '..', 'dist', 'bundle', 'stmnet.js');

test('makes a folder and those above it, says which were not there, and leaves one that is there', async () => {
  const inmost = join(folder, 'a', 'b', 'c');
  expect(await makeFolder('test', inmost)).toEqual([inmost, join(folder, 'a', 'b'), join(folder, 'a')]);
  expect(existsSync(inmost)).toBe(true);
  expect(await makeFolder('test', inmost)).toEqual([]);
  expect(await makeFolder('test', join(folder, 'a', 'd'))).toEqual([join(folder, 'a', 'd')]);
});

test('one that many make at once is made', async () => {
  const inmost = join(folder, 'many', 'at', 'once');
  const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder('test', inmost)));
  expect(made.flat().filter((path) => path === inmost)).toHaveLength(1);
});

/** Rounds in each of which folders are made in a folder that is not there yet. */
const ROUNDS = 40;

test('those that many make at once in a folder that is not there are made', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const siblings = Array.from({ length: 30 }, (_, at) => join(folder, `runs-${round}`, 'deep', String(at)));
    const made = await Promise.all(siblings.map((path) => makeFolder('test', path)));
    const above = join(folder, `runs-${round}`);
    expect(made.flat().sort()).toEqual([above, join(above, 'deep'), ...siblings].sort());
  }
});

test('so are those that several processes make at once', async () => {
  const script = `
    const { makeFolder } = require(${JSON.stringify(bundle)})('files/make-folder');
    process.stdin.once('data', async () => {
      for (let round = 0; round < ${ROUNDS}; round++)
        await makeFolder('test', ${JSON.stringify(folder)} + '/by-' + round + '/deep/' + process.pid);
      process.stdin.destroy();
    });
    console.log('ready');`;
  const children = Array.from({ length: 3 }, () => spawn(process.execPath, ['-e', script]));
  const ends = children.map(async ({ stderr }, at) => {
    const [told, [code]] = await Promise.all([text(stderr), once(children[at]!, 'close')]);
    return { told, code: code as number | null };
  });
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  for (const { stdin } of children) stdin.write('go');
  expect(await Promise.all(ends)).toEqual(children.map(() => ({ told: '', code: 0 })));
  for (let round = 0; round < ROUNDS; round++)
    expect(readdirSync(join(folder, `by-${round}`, 'deep'))).toHaveLength(children.length);
});

test('those above one that cannot be made go again, unless they were there or hold something', async () => {
  const tooLong = 'x'.repeat(300);
  const refused = (path: string) =>
    expect(makeFolder('test', path)).rejects.toMatchObject({ name: 'FileError', code: 'ENAMETOOLONG' });
  await refused(join(folder, 'new', 'deep', tooLong));
  expect(existsSync(join(folder, 'new'))).toBe(false);
  await makeFolder('test', join(folder, 'old'));
  await refused(join(folder, 'old', 'deep', tooLong));
  expect(readdirSync(join(folder, 'old'))).toEqual([]);
  await Promise.all([
    refused(join(folder, 'both', 'deep', tooLong)),
    makeFolder('test', join(folder, 'both', 'deep', 'other')),
  ]);
  expect(readdirSync(join(folder, 'both', 'deep'))).toEqual(['other']);
});

const hasProc = existsSync('/proc'); // as on Linux

test.skipIf(!hasProc).each(['/proc/none', '/proc/none/below/it'])(
  '%s ends with the error of the system',
  async (path) => {
    await expect(makeFolder('save', path)).rejects.toMatchObject({
      name: 'FileError',
      code: 'ENOENT',
      message:
        `save: got ${path}, of which the system says ENOENT, expected a folder that it can make.\n` +
        '  Fix: name a folder elsewhere: none can be made there.',
    });
  },
);

test('a file, or a link to nowhere, in the place of a folder is said', async () => {
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  writeFileSync(file, '');
  symlinkSync(join(folder, 'nowhere'), link);
  for (const path of [file, link]) await expect(makeFolder('test', path)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder('test', join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
