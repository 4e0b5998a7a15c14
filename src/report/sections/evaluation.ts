import { partOf } from '../evaluation-file';
import type { BaselineRecord, CalibrationBin, EvaluationRecord, LabelFigures } from '../evaluation-record';
import { figure } from '../figure';
import { countText, figureText, NONE, percentText, titleText } from '../format';
import { html, type Html } from '../html';
import type { Section } from '../page';
import { table, type Cell } from '../table';
import { attention } from './attention';
import { confusion } from './confusion';
import { distributions } from './distributions';
import { examples } from './examples';
import { forecasts } from './forecasts';
import { robustness } from './robustness';

/** What an evaluation came to beside its figures; a section for each part. */
export function evaluationSection(record: EvaluationRecord): Section | undefined {
  const part = partOf(record);
  const { baselines = [], perClass = [], calibration: bins = [] } = record;
  const shown = [
    record.confusion === undefined ? undefined : confusion(record.confusion),
    forecasts(record),
    beside([
      baselines.length === 0 ? undefined : comparison(baselines, record.figures ?? {}),
      perClass.length === 0 ? undefined : classes(perClass),
      bins.length === 0 ? undefined : calibration(bins),
    ]),
    robustness(record.robustness ?? []),
    examples(record.examples ?? {}),
    attention(record.attention ?? []),
    distributions(record),
  ].filter((content) => content !== undefined);
  if (shown.length === 0) return undefined;
  return { id: part, title: part === 'test' ? 'Test' : 'Validation', content: shown };
}

/** Parts that stand beside each other where there is room; undefined if there are none. */
function beside(parts: readonly (Html | undefined)[]): Html | undefined {
  const shown = parts.filter((part) => part !== undefined);
  return shown.length === 0
    ? undefined
    : html`<div class="grid tables">${shown.map((part) => html`<div>${part}</div>`)}</div>`;
}

function comparison(baselines: readonly BaselineRecord[], own: Readonly<Record<string, number>>): Html {
  const all = [{ name: 'This model', figures: own }, ...baselines];
  const names = [...new Set(baselines.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = all.map(({ name, figures }) => [
    name,
    ...names.map((figureName) => {
      const value = figures[figureName];
      return value === undefined ? NONE : figureText(value);
    }),
  ]);
  const columns = [
    { title: 'On the same examples' },
    ...names.map((name) => ({ title: titleText(name), numbers: true })),
  ];
  return html`<h3 class="part">Beside simpler models</h3>
    ${table('Beside simpler models', columns, rows)}`;
}

function classes(rows: readonly LabelFigures[]): Html {
  const columns = ['Label', 'Precision', 'Recall', 'F1', 'Examples'].map((title, index) => ({
    title,
    numbers: index > 0,
  }));
  const cells = rows.map(({ label, precision, recall, f1, support }): (Cell | string)[] => [
    label,
    ...[precision, recall, f1].map((value) => ({ content: barOf(value), value })),
    { content: countText(support), value: support },
  ]);
  return html`<h3 class="part">Labels</h3>
    ${table('Labels', columns, cells, { sortable: true })}
    <p class="note">
      Precision: the part of those predicted so that are so. Recall: the part of those that are so that was found.
    </p>`;
}

/** A figure in [0, 1] with a bar of that length. */
const barOf = (value: number): Html =>
  html`<span class="bar" style="--part: ${Number.isFinite(value) ? value.toFixed(3) : 0}">${figureText(value)}</span>`;

function calibration(bins: readonly CalibrationBin[]): Html {
  const used = bins.filter(({ count }) => count > 0);
  const total = used.reduce((sum, { count }) => sum + count, 0);
  const error = used.reduce((sum, { predicted, observed, count }) => sum + count * Math.abs(predicted - observed), 0);
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return html`<h3 class="part">Calibration</h3>
    ${figure({
      title: 'Observed share over predicted probability',
      ...(total > 0 ? { aside: `on average ${percentText(error / total)} apart` } : {}),
      height: 340,
      chart: {
        kind: 'calibration',
        bins: bins.map((bin) => ({ ...bin, predicted: finite(bin.predicted), observed: finite(bin.observed) })),
      },
      note:
        'On the dashed line both are the same: of what is said to be probable by 70 %, 70 % are so. ' +
        'Below: how many examples there are.',
    })}`;
}
