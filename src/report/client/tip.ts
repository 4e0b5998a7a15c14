/** One line at the cursor. */
export interface TipRow {
  readonly name: string;
  readonly value: string;
  /** Of the mark before it; none where there is one thing only. */
  readonly colour?: string;
}

/** What the cursor tells, as elements: texts of the user's are texts here, whatever they say. */
export function tip(title: string, rows: readonly TipRow[]): HTMLElement {
  const box = element('div', 'tip');
  box.append(element('strong', '', title));
  const list = element('dl', '');
  for (const { name, value, colour } of rows) {
    const term = element('dt', '');
    if (colour !== undefined) {
      const mark = element('i', '');
      mark.style.background = colour;
      term.append(mark);
    }
    term.append(name);
    list.append(term, element('dd', '', value));
  }
  box.append(list);
  return box;
}

function element(name: string, kind: string, text = ''): HTMLElement {
  const made = document.createElement(name);
  if (kind !== '') made.className = kind;
  made.textContent = text;
  return made;
}

/** The same for a screen reader. */
export const spoken = (box: HTMLElement): string => {
  const parts = [...box.querySelectorAll('dt')].map(
    (term) => `${term.textContent} ${term.nextElementSibling?.textContent ?? ''}`,
  );
  return [box.querySelector('strong')?.textContent ?? '', ...parts].join(', ');
};
