// The reports that the scripts for a GPU write.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { root } from '../toolchain.mjs';

/**
 * Writes `report` as JSON to `file`, from the repository's root: beside it and then in its place, as a limit may end
 * the process at any time.
 */
export function writeReport(file, report, { quiet = false } = {}) {
  const path = resolve(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(report, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
  if (!quiet) console.log(`report: ${file}`);
}
