import { COUNTS, nameText } from '../report/format';
import type { RobustnessRecord } from '../report';
import { CHANGE_NAMES } from '../report/sections/robustness';
import { counted } from '../tensor/counted';
import { isPlainObject } from '../tensor/options';
import { cellText, fourDigits, paint, print, remark, tableText, type CommonOptions } from './output';

/** An evaluation for JSON: NaN and infinity, which it has no numbers for, become null. */
export const evaluationJson = (evaluation: object): unknown => JSON.parse(JSON.stringify(evaluation));

/** Prints the figures of an evaluation, those of each class, and the labels that training never saw. */
export async function printEvaluation(evaluation: object, options: CommonOptions): Promise<void> {
  if (options.json === true) return print(`${JSON.stringify(evaluation)}\n`);
  if ('question' in evaluation && isPlainObject(evaluation.question)) {
    const { horizon, cutOff } = evaluation.question;
    remark(options, `asked: the ${counted(Number(horizon), 'day')} after the cut-off, ${String(cutOff)}`);
  }
  const figures = Object.entries(evaluation).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number' ? [[name, value]] : [],
  );
  const width = Math.max(...figures.map(([name]) => nameText(name).length));
  const lines = figures.map(
    ([name, value]) => `${nameText(name).padEnd(width)}  ${paint('bold', told(name, value))}\n`,
  );
  await print(lines.join(''));
  for (const [name, value] of Object.entries(evaluation)) {
    if (isPlainObject(value) && Object.values(value).every(isPlainObject)) await print(`\n${classTable(name, value)}`);
    if (Array.isArray(value) && name.startsWith('unknown') && value.length > 0)
      await print(`\nNot in the training, and so counted as wrong: ${value.join(', ')}\n`);
    if (Array.isArray(value) && name === 'folds') await print(`\n${foldTable(value)}`);
    if (Array.isArray(value) && name === 'robustness') await print(`\n${robustnessTable(value)}`);
    if (Array.isArray(value) && name === 'baselines') await print(`\n${baselineTable(value)}`);
  }
}

const told = (name: string, value: number): string => (COUNTS.has(name) ? cellText(value) : fourDigits(value));

/** What one of them is. */
const SINGULAR: Readonly<Record<string, string>> = {
  classes: 'label',
  labels: 'label',
  tags: 'tag',
  entities: 'entity',
  targets: 'target',
};

/** @param name  what the classes are: `entities` */
function classTable(name: string, classes: Readonly<Record<string, unknown>>): string {
  const all = Object.entries(classes).flatMap(([label, figures]) =>
    isPlainObject(figures) ? [{ label, figures }] : [],
  );
  const heads = Object.keys(all[0]?.figures ?? {});
  const rows = all.map(({ label, figures }) => [label, ...heads.map((head) => Number(figures[head]))]);
  return tableText([SINGULAR[name] ?? name, ...heads.map(nameText)], rows, ['support']);
}

/** What each fold of a back-test came to; its baselines stand below in the mean over the folds. */
function foldTable(folds: readonly unknown[]): string {
  const known = folds.filter(isPlainObject);
  const heads = Object.entries(known[0] ?? {}).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []));
  const figures = heads.filter((name) => name !== 'from');
  const rows = known.map((fold) => [String(fold['from']), ...figures.map((name) => Number(fold[name]))]);
  return tableText(['fold from', ...figures.map(nameText)], rows, [...COUNTS].map(nameText));
}

/** How good a model is on changed examples. */
function robustnessTable(rows: readonly RobustnessRecord[]): string {
  const cells = rows.map(({ change, amount, accuracy, f1, changed }) => [
    CHANGE_NAMES[change],
    change === 'none' ? undefined : String(amount),
    accuracy,
    f1,
    changed,
  ]);
  return tableText(['changed texts', 'strength', 'accuracy', 'F1', 'other answers'], cells);
}

/** What simpler models come to. */
function baselineTable(baselines: readonly unknown[]): string {
  const known = baselines.filter(isPlainObject);
  const figuresOf = ({ figures }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    isPlainObject(figures) ? figures : {};
  const heads = [...new Set(known.flatMap((one) => Object.keys(figuresOf(one))))];
  const rows = known.map((one) => [
    typeof one['name'] === 'string' ? one['name'] : '',
    ...heads.map((head) => Number(figuresOf(one)[head])),
  ]);
  return tableText(['compared with', ...heads.map(nameText)], rows);
}
