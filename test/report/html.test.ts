import { expect, test } from 'vitest';
import { escaped, html, jsonScript } from '../../src/report/html';

test('texts in a template are escaped, HTML in it is not', () => {
  const name = `<b id="x">'&\0`;
  expect(html`<p title="${name}">${[html`<i>${1}</i>`, name, undefined]}</p>`.text).toBe(
    '<p title="&lt;b id=&quot;x&quot;&gt;&#39;&amp;\u{FFFD}"><i>1</i>&lt;b id=&quot;x&quot;&gt;&#39;&amp;\u{FFFD}</p>',
  );
  expect(escaped('&lt;')).toBe('&amp;lt;');
});

test('data of a script say the same, and cannot end it', () => {
  const data = { text: '</script><!--<script>\u2028\u2029&', number: 1.5, missing: null };
  const { text } = jsonScript(data);
  const inner = text.replace('<script type="application/json">', '').replace(/<\/script>$/u, '');
  expect(inner).not.toMatch(/[<>&\u2028\u2029]/u);
  expect(JSON.parse(inner)).toEqual(data);
});
