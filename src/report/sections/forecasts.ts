import type { Line } from '../charts';
import type { EvaluationRecord, ForecastRecord, StepErrorRecord } from '../evaluation-record';
import { figure } from '../figure';
import { html, type Html } from '../html';

/** Some forecasts beside what came, and how far forecasts are off at each step. */
export function forecasts({ forecasts: shown = [], stepErrors = [], interval }: EvaluationRecord): Html | undefined {
  const steps = stepErrors.reduce((most, { values }) => Math.max(most, values.length), 0);
  if (shown.length === 0 && steps < 2) return undefined;
  return html`<h3 class="part">Forecasts</h3>
    <div class="grid">${shown.map((one) => curve(one, interval))} ${steps < 2 ? undefined : errors(stepErrors)}</div>`;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function curve({ title, before, truth, forecast, low, high }: ForecastRecord, interval: string | undefined): Html {
  const known = [...before, ...truth].map((value, place) => [place - before.length + 1, finite(value)] as const);
  const said = forecast.map((value, place) => [place + 1, finite(value)] as const);
  const lines: Line[] = [
    { name: 'what came', hue: 0, points: known },
    { name: 'forecast', hue: 1, points: said },
  ];
  const between = low?.map((value, place) => [place + 1, value, high?.[place] ?? value] as const) ?? [];
  return figure({
    title,
    legend: lines,
    chart: {
      kind: 'lines',
      x: { name: 'step', unit: 'count' },
      y: { name: 'value', unit: 'figure' },
      lines,
      ...(between.length > 0 && { bands: [{ name: 'interval', hue: 1, points: between }] }),
    },
    ...(between.length > 0 && interval !== undefined && { note: `Shaded: ${interval}.` }),
  });
}

function errors(all: readonly StepErrorRecord[]): Html {
  const lines = all.map(({ name, values }, hue): Line => ({
    name,
    hue: hue + 1,
    points: values.map((value, place) => [place + 1, finite(value)]),
  }));
  return figure({
    title: 'Error at each step',
    legend: lines,
    chart: {
      kind: 'lines',
      x: { name: 'step of the forecast', unit: 'count' },
      y: { name: 'error', unit: 'figure', fromZero: true },
      lines,
    },
    note: 'Root of the mean squared error, in deviations of the targets in training.',
  });
}
