import type { TaskEntry } from '../tasks/catalogue/task-entry';
import { counted } from '../tensor/counted';

/** How many examples there are, for people. */
export const examplesText = (
  entry: TaskEntry,
  examples: readonly unknown[],
  settings: Readonly<Record<string, unknown>>,
): string => entry.examplesText?.(examples, settings) ?? counted(examples.length, 'example');
