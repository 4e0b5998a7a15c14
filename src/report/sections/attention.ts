import type { AttentionRecord } from '../evaluation-record';
import { figure } from '../figure';
import { html, type Html } from '../html';

/** Examples that are drawn, and pixels of a token that was written. */
const [SHOWN, TOKEN] = [6, 22] as const;
/** Characters of a title. */
const TITLE = 60;

/** What each token that was written looked at in its source: a heat map for each example. */
export function attention(records: readonly AttentionRecord[]): Html | undefined {
  const shown = records.filter(({ source, target }) => source.length > 0 && target.length > 0).slice(0, SHOWN);
  if (shown.length === 0) return undefined;
  return html`<h3 class="part">Attention</h3>
    <p class="lede">
      A row is a token that was written, and how much it took of each token of the source: a row adds up to 100 %.
    </p>
    <div class="grid">${shown.map(pictureOf)}</div>`;
}

const pictureOf = ({ source, target, weights }: AttentionRecord): Html =>
  figure({
    title: titleOf(source),
    height: Math.min(120 + TOKEN * target.length, 800),
    chart: {
      kind: 'heat',
      columns: source,
      columnsAre: 'source',
      rows: target,
      rowsAre: 'written',
      value: { name: 'part of the attention', unit: 'percent', fromZero: true },
      frames: [{ name: '', values: weights }],
    },
  });

/** A source: letters side by side, words with blanks between. */
function titleOf(source: readonly string[]): string {
  const isSpelled = source.every((token) => Array.from(token).length === 1);
  const text = source.join(isSpelled ? '' : ' ');
  return text.length > TITLE ? `${text.slice(0, TITLE)} …` : text;
}
