import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';

/** Real data sets, which are no part of the repository: `STMNET_DATA`, or `shared/data` beside the checkout. */
const folder = process.env['STMNET_DATA'] ?? join(__dirname, '..', '..', '..', 'shared', 'data');

/** The path of a file of a data set. */
export const dataPath = (file: string): string => join(folder, file);

/**
 * A test with files of real data sets; where one is not there it is skipped, and its name says why.
 *
 * @param files  relative to the folder of data sets
 * @param body   gets their paths
 */
export function testWithData<const Files extends readonly string[]>(
  name: string,
  files: Files,
  body: (paths: { -readonly [K in keyof Files]: string }) => void | Promise<void>,
): void {
  const missing = files.find((file) => !existsSync(dataPath(file)));
  const title = missing === undefined ? name : `${name} (needs ${dataPath(missing)}, or STMNET_DATA)`;
  test.skipIf(missing !== undefined)(title, () =>
    body(files.map(dataPath) as { -readonly [K in keyof Files]: string }),
  );
}
