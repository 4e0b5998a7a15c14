/** Lets the headings of tables sort them: numbers the largest first, texts from A to Z; once more the other way. */
export function letTablesSort(): void {
  for (const table of document.querySelectorAll<HTMLTableElement>('table.sortable'))
    for (const head of table.querySelectorAll('th'))
      head.querySelector('button')?.addEventListener('click', () => sortBy(table, head));
}

function sortBy(table: HTMLTableElement, head: HTMLTableCellElement): void {
  const numeric = head.classList.contains('number');
  const sorted = head.getAttribute('aria-sort');
  const first = numeric ? 'descending' : 'ascending';
  const other = numeric ? 'ascending' : 'descending';
  const order = sorted === first ? other : first;
  const sign = order === 'ascending' ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...(body?.rows ?? [])].map((row) => ({ row, value: valueOf(row.cells[head.cellIndex]) }));
  // What has no number stays at the end either way.
  const compare = numeric
    ? (a: string, b: string): number => Number(isNone(a)) - Number(isNone(b)) || sign * (Number(a) - Number(b)) || 0
    : (a: string, b: string): number => sign * a.localeCompare(b, undefined, { numeric: true });
  body?.append(...rows.toSorted((a, b) => compare(a.value, b.value)).map(({ row }) => row));
  for (const one of table.querySelectorAll('th')) one.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', order);
}

const isNone = (value: string): boolean => Number.isNaN(Number(value));

const valueOf = (cell: HTMLTableCellElement | undefined): string => cell?.dataset['value'] ?? cell?.textContent ?? '';
