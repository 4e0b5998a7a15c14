import type { EvaluationRecord, ExampleRecord } from '../evaluation-record';
import { percentText } from '../format';
import { html, type Html } from '../html';

/** Examples that are read at once; the others unfold. */
const FIRST = 5;
/** Characters of a text that are shown at once, and those that unfold. */
const [SHOWN_CHARACTERS, MOST_CHARACTERS] = [400, 1500] as const;

/** Texts with what the model said of them: those that are most wrong, and those it was least sure of. */
export function examples({ worst = [], uncertain = [] }: NonNullable<EvaluationRecord['examples']>): Html | undefined {
  if (worst.length + uncertain.length === 0) return undefined;
  return html`<div class="grid tables">
    ${listOf('Surest mistakes', worst)} ${listOf('Most uncertain', uncertain)}
  </div>`;
}

function listOf(title: string, records: readonly ExampleRecord[]): Html | undefined {
  if (records.length === 0) return undefined;
  const [first, rest] = [records.slice(0, FIRST), records.slice(FIRST)];
  return html`<div>
    <h3 class="part">${title}</h3>
    <ul class="examples">
      ${first.map(itemOf)}
    </ul>
    ${
      rest.length === 0
        ? undefined
        : html`<details>
            <summary>${rest.length} more</summary>
            <ul class="examples">
              ${rest.map(itemOf)}
            </ul>
          </details>`
    }
  </div>`;
}

function itemOf({ text, label, predicted, probability }: ExampleRecord): Html {
  const right = label !== undefined && label === predicted;
  const said = [
    label === undefined ? undefined : html`<span>label <strong>${label}</strong></span>`,
    predicted === undefined
      ? undefined
      : html`<span class="${right ? 'right' : 'wrong'}">predicted <strong>${predicted}</strong></span>`,
    probability === undefined ? undefined : html`<span>probability ${percentText(probability)}</span>`,
  ];
  return html`<li class="card">
    ${textOf(text)}
    <p class="note">${said}</p>
  </li>`;
}

/** A text; of a long one the beginning, to which the rest unfolds. */
function textOf(text: string): Html {
  if (text.trim() === '') return html`<p class="note">(empty)</p>`;
  const characters = Array.from(text);
  const part = (from: number, to: number): string =>
    characters.slice(from, to).join('') + (characters.length > to ? ' …' : '');
  if (characters.length <= 1.25 * SHOWN_CHARACTERS) return html`<p dir="auto">${text}</p>`;
  return html`<p dir="auto">${part(0, SHOWN_CHARACTERS)}</p>
    <details>
      <summary>The rest of it</summary>
      <p dir="auto">… ${part(SHOWN_CHARACTERS, MOST_CHARACTERS)}</p>
    </details>`;
}
