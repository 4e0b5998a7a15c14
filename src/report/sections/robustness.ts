import type { Line } from '../charts';
import type { RobustnessRecord } from '../evaluation-record';
import { figure } from '../figure';
import { figureText, NONE, percentText, shortNumber } from '../format';
import { html, type Html } from '../html';
import { table } from '../table';

/** What the changes are called. */
export const CHANGE_NAMES: Readonly<Record<RobustnessRecord['change'], string>> = {
  none: 'unchanged',
  swap: 'characters swapped',
  drop: 'characters dropped',
  insert: 'characters inserted',
  synonyms: 'words to synonyms',
  adversarial: 'vectors moved',
};

/** How good the model is where the examples are changed; undefined where that was not measured. */
export function robustness(rows: readonly RobustnessRecord[]): Html | undefined {
  if (rows.length === 0) return undefined;
  const columns = ['Change', 'Strength', 'Accuracy', 'F1', 'Other answers'].map((title, at) => ({
    title,
    numbers: at > 0,
  }));
  const cells = rows.map(({ change, amount, accuracy, f1, changed }) => [
    CHANGE_NAMES[change],
    change === 'none' ? NONE : strength(change, amount),
    figureText(accuracy),
    figureText(f1),
    percentText(changed),
  ]);
  const unchanged = rows.find(({ change }) => change === 'none');
  const charts = [
    chart('Accuracy over the changed part', 'part of the characters or words', false, rows, unchanged),
    chart('Accuracy over how far vectors are moved', 'length a text', true, rows, unchanged),
  ].filter((one) => one !== undefined);
  return html`<h3 class="part">Changed texts</h3>
    ${charts.length === 0 ? undefined : html`<div class="grid">${charts}</div>`}
    ${table('Changed texts', columns, cells)}
    <p class="note">
      Strength: the part of the characters or words that is changed, or the length by which the vectors of a text are
      moved to where the loss grows fastest. Other answers: the part of the texts of which the model says something else
      than without the change.
    </p>`;
}

const strength = (change: RobustnessRecord['change'], amount: number): string =>
  change === 'adversarial' ? shortNumber(amount) : percentText(amount);

/** @param moved  whether it shows moved vectors, or else changed texts; undefined if there are none */
function chart(
  title: string,
  x: string,
  moved: boolean,
  rows: readonly RobustnessRecord[],
  unchanged: RobustnessRecord | undefined,
): Html | undefined {
  const shown = rows.filter(({ change }) => change !== 'none' && (change === 'adversarial') === moved);
  const changes = [...new Set(shown.map(({ change }) => change))];
  if (changes.length === 0) return undefined;
  const lines = changes.map((change, hue): Line => {
    const own = shown.filter((row) => row.change === change).toSorted((a, b) => a.amount - b.amount);
    const first = unchanged === undefined ? [] : [unchanged];
    return {
      name: CHANGE_NAMES[change],
      hue,
      points: [...first, ...own].map(({ amount, accuracy }) => [amount, Number.isFinite(accuracy) ? accuracy : null]),
    };
  });
  return figure({
    title,
    legend: lines,
    chart: {
      kind: 'lines',
      x: { name: x, unit: moved ? 'number' : 'percent' },
      y: { name: 'accuracy', unit: 'percent' },
      lines,
    },
  });
}
