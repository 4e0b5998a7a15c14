import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

/**
 * A folder for the files of a test file, which goes when its tests are done.
 *
 * @param name  a part of its path
 * @param each  gets a folder within it before each test
 */
export function scratchFolder(name: string, each?: (folder: string) => void): string {
  const root = mkdtempSync(join(tmpdir(), `stmnet-${name}-`));
  afterAll(() => rmSync(root, { recursive: true }));
  if (each !== undefined) beforeEach(() => each(mkdtempSync(join(root, 'case-'))));
  return root;
}
