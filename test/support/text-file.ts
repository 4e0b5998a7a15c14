import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/**
 * Makes files in a folder of their own, which goes when the tests of the file are done.
 *
 * @returns writes a file of that name, and gives its path
 */
export function fileMaker(): (name: string, contents: string | Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-files-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name, contents) => {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  };
}
