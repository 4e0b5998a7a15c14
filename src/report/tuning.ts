import { checkPath } from '../files/check-path';
import { flag } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { isBetter, modeGiven, type Mode } from '../training/figure-direction';
import type { ParallelAxis } from './charts';
import { figure } from './figure';
import { durationText, figureText, nameText, NONE, shortNumber, titleText } from './format';
import { html, type Html } from './html';
import { statusLine, textGiven, writePage } from './page';
import { countStatus } from './status';
import { table, type Cell } from './table';

/** One trial of a search. */
export interface TrialRecord {
  /** 1 for the first. */
  readonly number: number;
  /** What was tried: the values of options by their names. */
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  /** What it came to; absent or NaN where it failed. */
  readonly value?: number;
  /** Epochs that it was trained for. */
  readonly epochs: number;
  /** Seconds that it took. */
  readonly seconds: number;
  /** `stopped`: others were better halfway. */
  readonly state: 'running' | 'finished' | 'stopped' | 'failed';
}

/** Options of writeTuning. */
export interface TuningOptions {
  /** What was to become good, as `validation accuracy`. */
  figure: string;
  /** Whether it should become small or large. */
  mode: Mode;
  /** Default `Tuning`. */
  title?: string;
  /** Whether the search goes on: the page then loads itself anew. Default false. */
  running?: boolean;
}

/** Settings that lie a factor of this or more apart are on a logarithmic axis. */
const WIDE = 20;

/**
 * Writes a page about a search for settings: parallel coordinates, how the best was found, and a table of the trials.
 *
 * @param path    of the page
 * @param trials  in any order; of those that are equally good the first one leads
 * @throws {OptionError} if an option is unknown or missing, or the path no text
 * @throws {FileError} if it cannot be written; its code is the system's
 */
export async function writeTuning(path: string, trials: readonly TrialRecord[], options: TuningOptions): Promise<void> {
  const op = 'writeTuning';
  checkPath(op, path, "writeTuning('tune.html', trials, { figure: 'accuracy', mode: 'max' })");
  const search = readOptions(op, options, {
    figure: textGiven,
    mode: modeGiven,
    title: withDefault(textGiven, 'Tuning'),
    running: withDefault(flag, false),
  });
  const sorted = trials.toSorted((a, b) => rank(a, b, search.mode));
  await writePage(op, path, {
    title: search.title,
    header: header(sorted, search),
    running: search.running,
    sections: [
      trials.some(hasValue)
        ? { id: 'settings', title: 'Settings', content: settingsCharts(trials, search) }
        : undefined,
      { id: 'trials', title: 'Trials', content: trialsTable(sorted, search) },
    ],
  });
}

type Search = Required<TuningOptions>;

const valueOf = ({ value = Number.NaN }: TrialRecord): number => value;
const hasValue = (trial: TrialRecord): boolean => Number.isFinite(valueOf(trial));

/** Whether it can be the best: others were better than one that was stopped, whatever it came to by then. */
const isCandidate = (trial: TrialRecord): boolean => hasValue(trial) && trial.state !== 'stopped';

/** The better one first, those that were stopped after the others, and those without a value last. */
function rank(a: TrialRecord, b: TrialRecord, mode: Mode): number {
  if (isCandidate(a) !== isCandidate(b)) return isCandidate(a) ? -1 : 1;
  if (hasValue(a) !== hasValue(b)) return hasValue(a) ? -1 : 1;
  const sign = mode === 'min' ? 1 : -1;
  return hasValue(a) ? sign * (valueOf(a) - valueOf(b)) : a.number - b.number;
}

function header([best, ...others]: readonly TrialRecord[], { figure: name, running }: Search): Html {
  const count = best === undefined ? 0 : others.length + 1;
  const seconds = [best, ...others].reduce((sum, trial) => sum + (trial?.seconds ?? 0), 0);
  const settings = Object.entries(best?.settings ?? {}).map(([key, value]) => `${key} ${settingText(value)}`);
  return html`${statusLine(countStatus(count, 'trial', running))}
  ${
    best === undefined || !hasValue(best)
      ? undefined
      : html`<dl class="tiles">
          <div>
            <dt>${titleText(name)}, best</dt>
            <dd>${figureText(valueOf(best))}</dd>
            <dd class="note">trial ${best.number}</dd>
          </div>
          <div>
            <dt>Time</dt>
            <dd>${durationText(seconds)}</dd>
            <dd class="note">all trials together</dd>
          </div>
          <div class="wide">
            <dt>Best settings</dt>
            <dd class="text">${settings.join(' · ') || 'the defaults'}</dd>
          </div>
        </dl>`
  }`;
}

const settingText = (value: number | string | boolean): string =>
  typeof value === 'number' ? shortNumber(value) : String(value);

function settingsCharts(trials: readonly TrialRecord[], { figure: name, mode }: Search): Html {
  const measured = trials.filter(hasValue);
  const worstFirst = measured.toSorted((a, b) => rank(b, a, mode)); // the best are drawn last, on top
  const names = [...new Set(measured.flatMap(({ settings }) => Object.keys(settings)))];
  const settings = names.map((key) => axisOf(measured, key));
  const lines = worstFirst.map((trial) => ({
    name: `Trial ${trial.number}`,
    values: [...settings.map((axis) => placeOn(axis, trial.settings[axis.name])), valueOf(trial)],
  }));
  const axes = [...settings, { name: nameText(name), unit: 'figure' } as const];
  return html`${figure({
    title: 'All trials',
    height: 420,
    chart: { kind: 'parallel', axes, best: mode, lines },
    note: 'A line is a trial: the stronger its colour, the better it is. Drag along an axis: what passes there stays.',
  })}
  ${progress(trials, name, mode)}`;
}

const plain = (value: number | string | boolean | undefined): number | string | null => {
  if (value === undefined) return null;
  return typeof value === 'boolean' ? String(value) : value;
};

/** On an axis of names all values are texts. */
function placeOn(axis: ParallelAxis, value: TrialRecord['settings'][string] | undefined): number | string | null {
  const shown = plain(value);
  return shown !== null && 'names' in axis ? String(shown) : shown;
}

function axisOf(trials: readonly TrialRecord[], name: string): ParallelAxis {
  const values = trials.flatMap(({ settings }) => plain(settings[name]) ?? []);
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length < values.length) return { name, names: [...new Set(values.map(String))] };
  const log = numbers.every((value) => value > 0) && Math.max(...numbers) >= WIDE * Math.min(...numbers);
  return { name, unit: 'number', log };
}

/** What each trial came to, and the best so far of those that were trained to the end. */
function progress(trials: readonly TrialRecord[], name: string, mode: Mode): Html {
  const inOrder = trials.filter(hasValue).toSorted((a, b) => a.number - b.number);
  let best: number | undefined;
  const soFar = inOrder.map((trial) => {
    if (isCandidate(trial) && isBetter(valueOf(trial), best, mode)) best = valueOf(trial);
    return [trial.number, best ?? null] as const;
  });
  const lines = [
    { name: 'best so far', hue: 'validation', points: soFar },
    {
      name: 'trial',
      hue: 'train',
      dots: true,
      points: inOrder.map((trial) => [trial.number, valueOf(trial)] as const),
    },
  ] as const;
  return figure({
    title: `${titleText(name)} by trial`,
    chart: { kind: 'lines', x: { name: 'trial', unit: 'count' }, y: { name: nameText(name), unit: 'figure' }, lines },
    legend: lines,
    ...(inOrder.every(isCandidate) ? {} : { note: STOPPED_APART }),
  });
}

const STOPPED_APART = 'Trials that were stopped were measured after fewer epochs: the best so far leaves them out.';

function trialsTable(sorted: readonly TrialRecord[], { figure: name }: Search): Html {
  const names = [...new Set(sorted.flatMap(({ settings }) => Object.keys(settings)))];
  const numeric = (key: string): boolean =>
    sorted.every(({ settings }) => settings[key] === undefined || typeof settings[key] === 'number');
  const columns = [
    { title: 'Trial', numbers: true },
    { title: titleText(name), numbers: true },
    ...names.map((key) => ({ title: key, numbers: numeric(key) })),
    { title: 'Epochs', numbers: true },
    { title: 'Time', numbers: true },
    { title: 'State' },
  ];
  const rows = sorted.map((trial): (Cell | string)[] => [
    String(trial.number),
    { content: trial.value === undefined ? NONE : figureText(trial.value), value: valueOf(trial) },
    ...names.map((key): Cell => {
      const value = plain(trial.settings[key]);
      return value === null ? { content: NONE, value: NONE } : { content: settingText(value), value };
    }),
    String(trial.epochs),
    { content: durationText(trial.seconds), value: trial.seconds },
    trial.state,
  ]);
  const stopped = sorted.some(({ state }) => state === 'stopped');
  const note = html`<p class="note">A trial is stopped when others are better after as many epochs.</p>`;
  return html`${table('Trials', columns, rows, { sortable: true })}${stopped ? note : undefined}`;
}
