import { figureNamesOf, isMain } from '../best';
import { durationText, figureText, nameText, NONE, shortNumber } from '../format';
import { html } from '../html';
import type { Section } from '../page';
import type { RunData } from '../read-run';
import { table, type Cell } from '../table';
import { counted } from '../../tensor/counted';

/** All epochs as a table, for who reads numbers rather than curves. */
export function epochsSection({ history }: RunData): Section | undefined {
  const { epochs } = history;
  if (epochs.length === 0) return undefined;
  const trained = figureNamesOf(history, 'train').filter(isMain);
  const validated = epochs.some(({ validation }) => validation !== undefined)
    ? figureNamesOf(history, 'validation').filter(isMain)
    : [];
  const columns = [
    'Epoch',
    ...trained.map((name) => `Training ${nameText(name)}`),
    ...validated.map((name) => `Validation ${nameText(name)}`),
    'Learning rate',
    'Time',
  ].map((title) => ({ title, numbers: true }));
  const rows = epochs.map((record): Cell[] => [
    cell(record.epoch, String),
    ...trained.map((name) => cell(record.train[name], figureText)),
    ...validated.map((name) => cell(record.validation?.[name], figureText)),
    cell(record.learningRate, shortNumber),
    cell(record.seconds, durationText),
  ]);
  const content = html`<details>
    <summary>${counted(epochs.length, 'epoch')} as a table</summary>
    ${table('Epochs', columns, rows, { sortable: true })}
  </details>`;
  return { id: 'epochs', title: 'Epochs', content };
}

const cell = (value: number | undefined, shown: (value: number) => string): Cell =>
  value === undefined ? { content: NONE, value: NONE } : { content: shown(value), value };
