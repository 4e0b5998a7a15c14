import type { EpochRecord } from '../../training/epoch-record';
import type { History } from '../../training/history';
import { bestOf, figureNamesOf, isMain } from '../best';
import type { Axis, Hue, Line, LineChart } from '../charts';
import { figure } from '../figure';
import { figureText, nameText, titleText } from '../format';
import { html, type Html } from '../html';
import type { Section } from '../page';
import type { RunData } from '../read-run';

/** Lines of further figures in one chart; more cannot be told apart. */
const MOST_LINES = 8;

/** The figures of a training over its epochs. */
export function curvesSection({ history }: RunData): Section | undefined {
  if (history.epochs.length === 0 && history.validations.length === 0) return undefined;
  const names = [...new Set([...figureNamesOf(history, 'train'), ...figureNamesOf(history, 'validation')])];
  const [all, further] = [names.filter(isMain), names.filter((name) => !isMain(name))];
  const main = all.filter((name) => name !== 'logLoss' || !all.includes('loss') || !isSame(history, name, 'loss'));
  const familyOf = (name: string): string => name.slice(0, name.indexOf('.'));
  const more = [...new Set(further.map(familyOf))].map((family) =>
    familyFigure(
      history,
      family,
      further.filter((name) => familyOf(name) === family),
    ),
  );
  const content = html`<div class="grid">${main.map((name) => mainFigure(history, name))}</div>
    ${
      more.length === 0
        ? undefined
        : html`<details>
            <summary>Figures of each class</summary>
            <div class="grid">${more}</div>
          </details>`
    }`;
  return { id: 'curves', title: 'Curves', content };
}

/** Whether two figures are one by two names, as the loss of probabilities is the log loss. */
function isSame(history: History, one: string, other: string): boolean {
  const scale = scaleOf(history);
  return [trainLine, validationLine].every((line) => isAlike(line(history, scale, one), line(history, scale, other)));
}

/** Whether two lines lie on each other. */
const isAlike = ({ points }: Line, other: Line): boolean =>
  points.length === other.points.length &&
  points.every(([, y], index) => {
    const beside = other.points[index]?.[1] ?? null;
    return y === beside || (y !== null && beside !== null && Math.abs(y - beside) < 1e-5 * Math.abs(y));
  });

/** One figure, of the training and of the validation, with its best value marked. */
function mainFigure(history: History, name: string): Html {
  const scale = scaleOf(history);
  const lines = [trainLine(history, scale, name), validationLine(history, scale, name)].filter(
    ({ points }) => points.length > 0,
  );
  const best = bestOf(history, `validation.${name}`);
  const mark: { mark: NonNullable<LineChart['mark']> } | undefined = best && {
    mark: { x: scale.at(best), y: best.value, hue: 'validation' },
  };
  return figure({
    title: titleText(name),
    chart: { kind: 'lines', x: scale.axis, y: { name: nameText(name), unit: 'figure' }, lines, ...mark },
    legend: lines,
    ...(best === undefined ? {} : { aside: `best ${figureText(best.value)} in epoch ${best.epoch}` }),
    ...noteOf(lines, scale.axis),
  });
}

/** Further figures of a metric, of the validation if there is one, as one line each. */
function familyFigure(history: History, family: string, names: readonly string[]): Html {
  const scale = scaleOf(history);
  const part = figureNamesOf(history, 'validation').includes(names[0] ?? '') ? validationLine : trainLine;
  const all = names.map((name) => ({ ...part(history, scale, name), name: name.slice(family.length + 1) }));
  const last = ({ points }: Line): number => points.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY;
  const shown = all.length <= MOST_LINES ? all : all.toSorted((a, b) => last(a) - last(b)).slice(0, MOST_LINES);
  const lines = shown.map((line, hue) => ({ ...line, hue }));
  const of = part === validationLine ? 'validation' : 'training';
  return figure({
    title: `${titleText(family)}, ${of}`,
    chart: { kind: 'lines', x: scale.axis, y: { name: nameText(family), unit: 'figure' }, lines },
    legend: lines,
    ...(shown.length < all.length ? { note: `The ${MOST_LINES} lowest of ${all.length}.` } : noteOf(lines, scale.axis)),
  });
}

/** Speed, learning rate, gradients and memory. */
export function trainingSection({ history }: RunData): Section | undefined {
  const { epochs } = history;
  if (epochs.length === 0) return undefined;
  const x: Axis = { name: 'epoch', unit: 'count' };
  const chart = (title: string, y: Omit<Axis, 'name'>, lines: readonly Line[], note?: string): Html | undefined =>
    lines.length === 0
      ? undefined
      : figure({
          title,
          height: 200,
          chart: { kind: 'lines', x, y: { name: title, ...y }, lines },
          legend: lines,
          ...(note === undefined ? noteOf(lines, x) : { note }),
        });
  const skipped = epochs.filter((record) => record.skipped !== undefined);
  const left = skipped.map((record) => `${record.skipped ?? 0} in epoch ${record.epoch}`).join(', ');
  const norms = normLines(epochs);
  const content = html`<div class="grid">
    ${chart('Learning rate', { unit: 'number', fromZero: true }, rateLines(epochs))}
    ${chart(
      'Gradient norm',
      { unit: 'number', log: isWide(norms) },
      norms,
      skipped.length === 0 ? undefined : `Steps left out, as they were not finite: ${left}.`,
    )}
    ${chart('Examples per second', { unit: 'count', fromZero: true }, [
      over(epochs, 'examples per second', 0, ({ examplesPerSecond }) => examplesPerSecond),
    ])}
    ${chart('Memory', { unit: 'bytes', fromZero: true }, [
      over(epochs, 'process', 0, ({ memory }) => memory['process']),
      over(epochs, 'tensors, at most', 1, ({ memory }) => memory['tensors']),
    ])}
  </div>`;
  return { id: 'training', title: 'Training', content };
}

/** One of each parameter group; one for all where they are the same. */
function rateLines(epochs: readonly EpochRecord[]): Line[] {
  const groups = Math.max(...epochs.map(({ learningRates }) => learningRates.length));
  const same = epochs.every(({ learningRates }) => new Set(learningRates).size <= 1);
  if (groups <= 1 || same) return [over(epochs, 'learning rate', 0, ({ learningRate }) => learningRate)];
  return Array.from({ length: Math.min(groups, MOST_LINES) }, (_, group) =>
    over(epochs, `group ${group + 1}`, group, ({ learningRates }) => learningRates[group]),
  );
}

const normLines = (epochs: readonly EpochRecord[]): Line[] =>
  epochs.some(({ gradientNorm }) => gradientNorm !== undefined)
    ? [
        over(epochs, 'mean', 0, ({ gradientNorm }) => gradientNorm?.mean),
        over(epochs, 'largest', 'train', ({ gradientNorm }) => gradientNorm?.max),
      ]
    : [];

/** Whether values are so far apart that small ones would be flat on a linear scale. */
function isWide(lines: readonly Line[]): boolean {
  const values = lines.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])));
  return values.every((value) => value > 0) && Math.max(...values) > 50 * Math.min(...values);
}

function over(
  epochs: readonly EpochRecord[],
  name: string,
  hue: Hue,
  read: (record: EpochRecord) => number | undefined,
): Line {
  const points = epochs.flatMap((record) => {
    const value = read(record);
    return value === undefined ? [] : [[record.epoch, finite(value)] as const];
  });
  return { name, hue, points };
}

/** Along what the figures go: epochs, or steps where validations lie within epochs. */
interface Scale {
  readonly axis: Axis;
  at(record: { readonly epoch: number; readonly step: number }): number;
}

function scaleOf({ epochs, validations }: History): Scale {
  const ends = new Set(epochs.map(({ step }) => step));
  return validations.some(({ step }) => !ends.has(step))
    ? { axis: { name: 'step', unit: 'count' }, at: ({ step }) => step }
    : { axis: { name: 'epoch', unit: 'count' }, at: ({ epoch }) => epoch };
}

const trainLine = ({ epochs }: History, scale: Scale, name: string): Line => ({
  name: 'training',
  hue: 'train',
  points: epochs.flatMap((record) => pointOf(scale.at(record), record.train[name])),
});

const validationLine = ({ validations }: History, scale: Scale, name: string): Line => ({
  name: 'validation',
  hue: 'validation',
  points: validations.flatMap((record) => pointOf(scale.at(record), record.validation[name])),
});

const pointOf = (x: number, y: number | undefined): [number, number | null][] =>
  y === undefined ? [] : [[x, finite(y)]];

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Says where a line has a gap. */
function noteOf(lines: readonly Line[], { name }: Axis): { note: string } | undefined {
  const gaps = new Set(lines.flatMap(({ points }) => points.flatMap(([x, y]) => (y === null ? [x] : []))));
  if (gaps.size === 0) return undefined;
  const [first, ...rest] = [...gaps].sort((a, b) => a - b);
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return { note: `Not finite in ${name} ${first ?? ''}${more}.` };
}
