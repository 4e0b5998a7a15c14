import { extname } from 'node:path';
import type { DataSource } from './task-entry';

/** Whether a file holds JSON Lines by its name, packed by gzip or not; a stream has no name that would tell. */
export const isJsonLines = ({ from }: Pick<DataSource, 'from'>): boolean =>
  typeof from === 'string' &&
  ['.jsonl', '.ndjson', '.json'].includes(extname(from.replace(/\.gz$/i, '')).toLowerCase());
