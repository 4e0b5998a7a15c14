import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { FormatError } from 'stmnet';

const begin = join(tmpdir(), 'stmnet-files-');

/**
 * Makes files in a folder of their own, which goes when the tests of the file are done.
 *
 * @returns writes a file of that name, and gives its path
 */
export function fileMaker(): (name: string, contents: string | Uint8Array) => string {
  const folder = mkdtempSync(begin);
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name, contents) => {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  };
}

/** The message of the FormatError that reading ends with, its paths without the folder of `fileMaker`. */
export async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    (value) => new Error(`nothing was refused: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(String(error)).toMatch(/^FormatError: /);
  expect(error).toBeInstanceOf(FormatError);
  return String(error).replaceAll(new RegExp(`${begin}\\w+/`, 'g'), '');
}
