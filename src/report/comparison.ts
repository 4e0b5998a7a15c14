import { checkPath } from '../files/check-path';
import { flag } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { toldDirection } from '../training/figure-direction';
import type { Axis } from './charts';
import { figure } from './figure';
import { countText, durationText, figureText, nameText, NONE, titleText } from './format';
import { html, type Html } from './html';
import { statusLine, textGiven, writePage } from './page';
import { countStatus } from './status';
import { table, type Cell } from './table';

/** One model of a comparison. */
export interface ComparisonRow {
  /** As in `LSTM-64`. */
  readonly name: string;
  /** Seconds that its training took. */
  readonly trainingSeconds: number;
  /** Seconds that the prediction of one example takes. */
  readonly predictionSeconds: number;
  /** How many numbers it learns. */
  readonly parameters: number;
  /** How good it is, by the same names in all rows; the first is what matters most. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Options of writeComparison. */
export interface ComparisonOptions {
  /** Default `Comparison`. */
  title?: string;
  /** Whether more rows are to come: the page then loads itself anew. Default false. */
  running?: boolean;
}

const training: Axis = { name: 'training time', unit: 'seconds', fromZero: true };
const prediction: Axis = { name: 'prediction time', unit: 'seconds', fromZero: true };
const size: Axis = { name: 'parameters', unit: 'count', fromZero: true };

/**
 * Writes a page that compares models: a table, and charts of their quality over what they cost.
 *
 * @param path  of the page
 * @param rows  one a model, in the order of the table
 * @throws {OptionError} if an option is unknown or the path no text
 * @throws {FileError} if it cannot be written; its code is the system's
 */
export async function writeComparison(
  path: string,
  rows: readonly ComparisonRow[],
  options: ComparisonOptions = {},
): Promise<void> {
  const op = 'writeComparison';
  checkPath(op, path, "writeComparison('compare.html', rows)");
  const { title, running } = readOptions(op, options, {
    title: withDefault(textGiven, 'Comparison'),
    running: withDefault(flag, false),
  });
  const names = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  await writePage(op, path, {
    title,
    header: statusLine(countStatus(rows.length, 'model', running)),
    running,
    sections: [
      { id: 'models', title: 'Models', content: models(rows, names) },
      rows.length === 0 ? undefined : { id: 'charts', title: 'Quality and cost', content: charts(rows, names) },
    ],
  });
}

function models(rows: readonly ComparisonRow[], names: readonly string[]): Html {
  const columns = [
    { title: 'Model' },
    ...[...names.map(titleText), 'Training time', 'Prediction time', 'Parameters'].map((title) => ({
      title,
      numbers: true,
    })),
  ];
  const best = new Map(names.map((name) => [name, bestOf(rows, name)]));
  const cells = rows.map((row): (Cell | string)[] => [
    row.name,
    ...names.map((name) => figureCell(row.figures[name], best.get(name))),
    { content: durationText(row.trainingSeconds), value: row.trainingSeconds },
    { content: durationText(row.predictionSeconds), value: row.predictionSeconds },
    { content: countText(row.parameters), value: row.parameters },
  ]);
  return html`${table('Models', columns, cells, { sortable: true })}
    <p class="note">
      Bold: the best of a figure. Prediction time: of one example. Parameters: how many numbers a model learns.
    </p>`;
}

function figureCell(value: number | undefined, best: number | undefined): Cell {
  if (value === undefined) return { content: NONE, value: NONE };
  const text = figureText(value);
  return { content: value === best ? html`<strong>${text}</strong>` : text, value };
}

/** The best value of a figure; undefined where its name does not tell what is better. */
function bestOf(rows: readonly ComparisonRow[], name: string): number | undefined {
  const mode = toldDirection(name);
  const values = rows.map(({ figures }) => figures[name] ?? Number.NaN).filter(Number.isFinite);
  if (mode === undefined || values.length === 0) return undefined;
  return mode === 'min' ? Math.min(...values) : Math.max(...values);
}

function charts(rows: readonly ComparisonRow[], [quality]: readonly string[]): Html {
  return html`${
      quality === undefined
        ? undefined
        : html`<div class="grid">
            ${scatter(rows, quality, training, ({ trainingSeconds }) => trainingSeconds)}
            ${scatter(rows, quality, prediction, ({ predictionSeconds }) => predictionSeconds)}
          </div>`
    }
    <div class="grid">
      ${bars(rows, 'Training time', training, ({ trainingSeconds }) => trainingSeconds)}
      ${bars(rows, 'Prediction time of one example', prediction, ({ predictionSeconds }) => predictionSeconds)}
      ${bars(rows, 'Parameters', size, ({ parameters }) => parameters)}
    </div>`;
}

/** In which corner the good ones are. */
function whereToLook(quality: string): string {
  const mode = toldDirection(quality);
  if (mode === undefined) return '';
  return `The nearer to the ${mode === 'max' ? 'top' : 'bottom'} left, the better and quicker. `;
}

type Cost = (row: ComparisonRow) => number;

function scatter(rows: readonly ComparisonRow[], quality: string, x: Axis, cost: Cost): Html {
  const points = rows.flatMap((row) => {
    const y = row.figures[quality] ?? Number.NaN;
    return Number.isFinite(y) ? [{ name: row.name, x: cost(row), y, size: row.parameters }] : [];
  });
  return figure({
    title: `${titleText(quality)} over ${x.name}`,
    height: 300,
    chart: { kind: 'scatter', x, y: { name: nameText(quality), unit: 'figure' }, size, points },
    note: `${whereToLook(quality)}The area of a point is its number of parameters.`,
  });
}

const bars = (rows: readonly ComparisonRow[], title: string, value: Axis, cost: Cost): Html =>
  figure({
    title,
    height: Math.max(60 + 30 * rows.length, 140),
    chart: {
      kind: 'bars',
      lying: true,
      names: rows.map(({ name }) => name),
      namesAre: 'model',
      value,
      values: rows.map(cost),
    },
  });
