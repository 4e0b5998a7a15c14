import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../native/folders';

/** The package's version. */
export const version: string = readVersion();

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : '';
}
