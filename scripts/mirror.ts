import { basename, dirname } from 'node:path';

/**
 * The tests that stand where nobody looks for them. Tests mirror src/: `test/a/b.test.ts` is about `src/a/b.ts`, and
 * `test/a/b-c.test.ts` about C of it. What concerns several files of a folder bears the folder's name instead:
 * `test/a/a-c.test.ts`. Folders of tests that src/ does not have are about something else.
 *
 * @param files  paths of all files, relative to the root
 * @returns the tests that are named after no file and not after their folder, in their order
 */
export function findOrphans(files: readonly string[]): string[] {
  const names = new Map<string, string[]>(); // of each folder of src/, with its own
  for (const file of files.filter((path) => path.startsWith('src/') && path.endsWith('.ts'))) {
    const folder = dirname(file);
    names.set(folder, [...(names.get(folder) ?? [basename(folder)]), basename(file, '.ts')]);
  }
  return files.filter((file) => {
    const known = /^test\/.+\.test\.ts$/.test(file) && names.get(dirname(file).replace(/^test\//, 'src/'));
    const name = basename(file, '.test.ts');
    return known && !known.some((one) => name === one || name.startsWith(`${one}-`));
  });
}
