import type { OpenRun } from './open-run';
import { remark, type CommonOptions } from './output';

const MOST_NAMED = 20;

/**
 * Names what of some inputs a task has never seen in training, and so cannot go by.
 *
 * @param told  what was named before, to which this is added: each is named once
 */
export function tellStrangers(
  { entry, task }: Pick<OpenRun, 'entry' | 'task'>,
  inputs: readonly unknown[],
  options: CommonOptions,
  told = new Set<string>(),
): void {
  const found = new Set(inputs.flatMap((input) => entry.strangers?.(task, input) ?? []));
  const strangers = [...found].filter((token) => !told.has(token));
  if (strangers.length === 0) return;
  for (const token of strangers) told.add(token);
  const some = strangers.slice(0, MOST_NAMED).map((token) => JSON.stringify(token));
  const more = strangers.length > MOST_NAMED ? `, … ${strangers.length} in all` : '';
  remark(options, `never seen in training, and read as unknown: ${some.join(', ')}${more}`);
}
