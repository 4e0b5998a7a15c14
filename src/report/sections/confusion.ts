import type { ConfusionRecord } from '../evaluation-record';
import { figure } from '../figure';
import { countText, percentText } from '../format';
import { html, type Html } from '../html';
import { table } from '../table';

/** Labels up to which all counts stand in a table; more are a heat map. */
const MOST_IN_TABLE = 12;
/** Pairs that are listed. */
const MOST_PAIRS = 10;

/** Which label was taken for which. */
export function confusion({ labels, counts }: ConfusionRecord): Html {
  const pairs = mistakes({ labels, counts });
  const few = labels.length <= MOST_IN_TABLE;
  return html`<h3 class="part">Confusion matrix</h3>
    <p class="lede">A row is a label, and what the model took its examples for.${few ? COLOURS : ''}</p>
    <div class="grid tables">
      ${few ? counted({ labels, counts }) : coloured({ labels, counts })}
      ${pairs.length === 0 ? undefined : table('Most frequent mistakes', MISTAKES, pairs)}
    </div>`;
}

const COLOURS = ' Blue is right, red is wrong: the stronger, the larger the part of the row.';

const MISTAKES = [
  { title: 'Label' },
  { title: 'Taken for' },
  { title: 'Examples', numbers: true },
  { title: 'Part of the label', numbers: true },
];

/** A row for each label: the stronger the colour of a cell, the larger its part of the row. */
function counted({ labels, counts }: ConfusionRecord): Html {
  const rows = counts.map((row, index) => {
    const total = sum(row);
    const cells = row.map((count, column) => {
      const share = total > 0 ? count / total : 0;
      const kind = column === index ? 'right' : 'wrong';
      return html`<td class="number ${kind}" style="--share: ${share.toFixed(3)}">${countText(count)}</td>`;
    });
    return html`<tr>
      <th scope="row">${labels[index]}</th>
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll" role="region" aria-label="Confusion matrix">
    <table class="confusion">
      <thead>
        <tr>
          <th scope="col">Label ↓ predicted →</th>
          ${labels.map((label) => html`<th scope="col" class="number">${label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Parts of each row as colours. */
function coloured({ labels, counts }: ConfusionRecord): Html {
  const values = counts.map((row) => {
    const total = sum(row);
    return row.map((count) => (total > 0 ? count / total : null));
  });
  return figure({
    title: 'What each label was taken for',
    height: Math.min(160 + 18 * labels.length, 1000),
    chart: {
      kind: 'heat',
      columns: labels,
      columnsAre: 'predicted',
      rows: labels,
      rowsAre: 'label',
      value: { name: 'part of the label', unit: 'percent', fromZero: true },
      frames: [{ name: '', values }],
    },
  });
}

function mistakes({ labels, counts }: ConfusionRecord): string[][] {
  const pairs = counts.flatMap((row, index) =>
    row.flatMap((count, column) => (column === index || !(count > 0) ? [] : [{ index, column, count, of: sum(row) }])),
  );
  return pairs
    .toSorted((a, b) => b.count - a.count)
    .slice(0, MOST_PAIRS)
    .map(({ index, column, count, of }) => [
      labels[index] ?? '',
      labels[column] ?? '',
      countText(count),
      percentText(count / of),
    ]);
}

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
