import { html, type Content, type Html } from './html';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right, digits below digits. */
  readonly numbers?: boolean;
}

/** One cell: what it shows, and what it is sorted by where that is something else. */
export interface Cell {
  readonly content: Content;
  readonly value?: number | string;
}

/** A table; `sortable`: its headings are buttons that sort it. The first cell of a row is its heading. */
export function table(
  label: string,
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  { sortable = false }: { sortable?: boolean } = {},
): Html {
  const heads = columns.map(({ title, numbers }) => {
    const shown = sortable ? html`<button type="button">${title}</button>` : title;
    return html`<th scope="col" ${numbers === true ? html` class="number"` : undefined}>${shown}</th>`;
  });
  const lines = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, index) => cellOf(cell, index, columns[index]))}
      </tr> `,
  );
  return html`<div class="scroll" role="region" aria-label="${label}"><table${
    sortable ? html` class="sortable"` : undefined
  }>
<thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody></table></div>`;
}

function cellOf(cell: Cell | string, index: number, column: Column | undefined): Html {
  const { content, value }: Cell = typeof cell === 'string' ? { content: cell } : cell;
  const kind = column?.numbers === true ? html` class="number"` : undefined;
  const sorted = value === undefined ? undefined : html` data-value="${value}"`;
  return index === 0
    ? html`<th scope="row" ${kind}${sorted}>${content}</th>`
    : html`<td${kind}${sorted}>${content}</td>`;
}
