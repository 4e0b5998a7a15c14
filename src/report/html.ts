/** Text that is HTML already; anything else is escaped where it is put into a page. */
export class Html {
  /** @param text  well-formed HTML, in which texts of the user's have been escaped */
  constructor(readonly text: string) {}
}

/** What a template takes: HTML as it is, texts and numbers escaped, lists one after another, nothing for undefined. */
export type Content = Html | string | number | undefined | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text as HTML, in elements and in quoted attributes. NUL, which HTML cannot hold, becomes U+FFFD. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '').replaceAll('\0', '\u{FFFD}');

/** HTML with values in it: html`<p title="${text}">${rows.map(row)}</p>`. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.map((part, index) => part + textOf(values[index])).join(''));
}

function textOf(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return value.map(textOf).join('');
}

/**
 * Data for the program of a page, in an element that nothing runs. No text in it can end the element, since there is no
 * `<` in it, and no line separator that older readers of JavaScript stumble over.
 */
export function jsonScript(data: unknown): Html {
  const safe = JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Html(`<script type="application/json">${safe}</script>`);
}
