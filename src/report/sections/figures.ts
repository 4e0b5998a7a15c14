import { bestOf, figureNamesOf } from '../best';
import { partOf } from '../evaluation-file';
import { COUNTS, countText, figureText, NONE, titleText } from '../format';
import { html, type Html } from '../html';
import type { Section } from '../page';
import type { RunData } from '../read-run';
import { table, type Cell, type Column } from '../table';
import { meanings } from './meanings';

/** Names of further figures that are shown; a task with a hundred labels has as many. */
const MOST = 40;

/** All figures side by side: of the last epoch, the best of the validation, and of evaluations. */
export function figuresSection({ history, evaluations }: RunData): Section | undefined {
  const { last } = history;
  const validated = history.validations.at(-1)?.validation;
  const measured = evaluations.filter(({ figures }) => figures !== undefined);
  const names = [
    ...new Set([
      ...figureNamesOf(history, 'train'),
      ...figureNamesOf(history, 'validation'),
      ...measured.flatMap(({ figures = {} }) => Object.keys(figures)),
    ]),
  ];
  if (names.length === 0) return undefined;
  const columns: Column[] = [
    { title: 'Figure' },
    ...(last === undefined ? [] : [{ title: 'Training', numbers: true }]),
    ...(validated === undefined
      ? []
      : [
          { title: 'Validation', numbers: true },
          { title: 'Best validation', numbers: true },
        ]),
    ...measured.map((record) => ({ title: partOf(record) === 'test' ? 'Test' : 'Kept model', numbers: true })),
  ];
  const rows = names
    .slice(0, MOST)
    .map((name): (Cell | string)[] => [
      titleText(name),
      ...(last === undefined ? [] : [shown(name, last.train[name])]),
      ...(validated === undefined
        ? []
        : [shown(name, validated[name]), bestText(bestOf(history, `validation.${name}`))]),
      ...measured.map(({ figures = {} }) => shown(name, figures[name])),
    ]);
  const content = html`${table('Results', columns, rows)} ${last === undefined ? undefined : noteOf(last.epoch)}
  ${meanings(names)}`;
  return { id: 'figures', title: 'Results', content };
}

function shown(name: string, value: number | undefined): string {
  if (value === undefined) return NONE;
  return COUNTS.has(name) ? countText(value) : figureText(value);
}

const bestText = (best: { value: number; epoch: number } | undefined): Cell =>
  best === undefined
    ? { content: NONE }
    : { content: html`${figureText(best.value)} <span class="note">epoch ${best.epoch}</span>` };

const noteOf = (epoch: number): Html =>
  html`<p class="note">
    Training and validation: in the last epoch, ${epoch}. Best validation: of each figure in its own best epoch.
  </p>`;
