import { counted } from '../tensor/counted';
import { describe } from '../tensor/options';
import type { ClassLabels } from './class-labels';

/** In fewer examples each may well have a label of its own. */
const MANY = 50;

/** Tells in a warning, `STM_MANY_LABELS`, that many examples have nearly as many labels, as numbers of rows would. */
export function warnOfMany(op: string, { size, multiple }: ClassLabels, examples: number): void {
  if (multiple || examples < MANY || size < 0.9 * examples) return;
  process.emitWarning(
    `${op}: got ${counted(size, 'label')} in ${counted(examples, 'example')}: hardly two have the same.\n` +
      '  Fix: look at which column holds the labels (labelColumn); the training goes on with them.',
    { type: 'StmnetWarning', code: 'STM_MANY_LABELS' },
  );
}

/** How many of them a warning names. */
const NAMED = 10;

/**
 * The labels of a validation that training never saw, by alphabet. If there are some, a warning names them,
 * `STM_UNKNOWN_LABELS`.
 *
 * @param examples  the labels of each
 * @param what      they are
 */
export function unknownInValidation(
  op: string,
  labels: ClassLabels,
  examples: readonly (readonly string[])[],
  what: 'label' | 'tag' | 'answer' = 'label',
): string[] {
  const unknown = labels.unknownAmong(examples.flat());
  if (unknown.length === 0) return unknown;
  const some = examples.filter((names) => labels.unknownAmong(names).length > 0).length;
  const named = unknown.slice(0, NAMED).map(describe).join(', ');
  const more = unknown.length > NAMED ? ` and ${unknown.length - NAMED} more` : '';
  process.emitWarning(
    `${op}: got ${counted(unknown.length, what)} that training never saw in ${some} of ` +
      `${counted(examples.length, 'validation example')}: ${named}${more}. ` +
      'The figures count them as wrong; the loss leaves these examples out.\n' +
      `  Fix: correct the ${what}s, or add examples of them to the training.`,
    { type: 'StmnetWarning', code: 'STM_UNKNOWN_LABELS' },
  );
  return unknown;
}
