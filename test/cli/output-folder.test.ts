import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkOutputFile, checkOutputFolder } from '../../src/cli/output-folder';
import { makeFolder } from '../../src/files/make-folder';
import { stmnet } from '../support/cli';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('output-folder');

test('looks whether a folder can be written, and leaves the disk as it was', async () => {
  await checkOutputFolder(join(folder, 'new', 'run'));
  expect(existsSync(join(folder, 'new'))).toBe(false);
  mkdirSync(join(folder, 'old'));
  writeFileSync(join(folder, 'old', 'notes.txt'), '');
  await checkOutputFolder(join(folder, 'old'));
  expect(readdirSync(join(folder, 'old'))).toEqual(['notes.txt']);
  await expect(checkOutputFolder(join(folder, 'old', 'notes.txt'))).rejects.toMatchObject({ code: 'EEXIST' });
});

test('what begins at the same time below one folder does not meet folders that go again', async () => {
  for (let round = 0; round < 10; round++) {
    const above = join(folder, `round-${round}`);
    const runs = Array.from({ length: 10 }, (_, at) => join(above, 'runs', String(at)));
    const checks = [above, join(above, 'runs'), ...runs, ...runs].map((path) => checkOutputFolder(path));
    await Promise.all([...checks, makeFolder('test', join(above, 'runs', 'other'))]);
    expect(readdirSync(above)).toEqual(['runs']);
    expect(readdirSync(join(above, 'runs'))).toEqual(['other']);
  }
});

test('what is wrong with a folder is told before it is made, and nothing of it is left', async () => {
  mkdirSync(join(folder, 'there'));
  writeFileSync(join(folder, 'there', 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'there', 'link'));
  const refused = async (path: string, code: string): Promise<void> => {
    const reading = checkOutputFolder(join(folder, 'there', path));
    await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(path) as string });
  };
  await refused(`new/deep/${'x'.repeat(300)}`, 'ENAMETOOLONG');
  await refused('x'.repeat(300), 'ENAMETOOLONG');
  await refused('file/below', 'ENOTDIR');
  await refused('file', 'EEXIST');
  await refused('link', 'EEXIST');
  expect(readdirSync(join(folder, 'there'))).toEqual(['file', 'link']);
});

test('a file needs a folder that can be written', async () => {
  await checkOutputFile(join(folder, 'model.safetensors'));
  const [none, path] = [join(folder, 'no ne'), join(folder, 'no ne', 'x')];
  await expect(checkOutputFile(path)).rejects.toThrow(
    `there is no folder ${none} to write ${path} into. Fix: make it first, or name another.`,
  );
});

/** Linux has it: a folder that says of what is made in it that it is not there. */
const hasProc = existsSync('/proc');

test.skipIf(!hasProc)('a file in a folder that takes none is refused', async () => {
  await expect(checkOutputFile('/proc/x')).rejects.toMatchObject({ code: 'ENOENT' });
});

test.skipIf(!hasProc).each(['/proc/none', '/proc/none/run', '/proc'])(
  '%s as --output ends with 1 at once',
  (output) => {
    for (const command of ['train', 'tune', 'compare']) {
      const { code, stderr } = stmnet([command, 'classify', '--data', 'none.csv', '--output', output]);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(
          /^stmnet: .*\/proc.*system says ENOENT, expected a folder.*\n {2}Fix: .*\n$/,
        ) as string,
      });
    }
  },
);
