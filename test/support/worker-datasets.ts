import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { WorkerDataset, type WorkerDatasetOptions } from 'stmnet';
import { scratchFolder } from './scratch';

/** Where the modules of `moduleOf` lie. */
export const workersFolder = scratchFolder('workers');
let modules = 0;

/** A module of this text. */
export function moduleOf(text: string, suffix = 'mjs'): string {
  const path = join(workersFolder, `${modules++}.${suffix}`);
  writeFileSync(path, text);
  return path;
}

const opened: WorkerDataset<unknown>[] = [];
afterEach(async () => {
  for (const dataset of opened.splice(0)) await dataset.close();
});

/** A dataset that is closed after the test. */
export async function open<Item>(module: string | URL, options?: WorkerDatasetOptions): Promise<WorkerDataset<Item>> {
  const dataset = await WorkerDataset.open<Item>(module, options);
  opened.push(dataset);
  return dataset;
}
