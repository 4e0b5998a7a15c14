import { counted } from '../tensor/counted';
import { OptionError } from '../tensor/errors';
import { positiveInteger } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { ForecastBaseline, ForecastEvaluation, ForecastFigures } from './forecast-evaluation';
import type { ComparedPart } from './forecast-origins';
import type { ForecastRow } from './forecast-row';
import { collectSeries } from './forecast-rows';
import { momentAt, type ForecastSeries } from './forecast-series';
import { timeText } from './forecast-time';
import type { ForecasterSettings, ForecastFitOptions } from './forecaster-options';
import type { Examples } from './task';

/** Options of a back-test. */
export interface BacktestOptions {
  /** How many folds. Default 3. */
  folds?: number;
  /** Steps of a fold. Default: the horizon, so that there is one forecast of each series in a fold. */
  size?: number | undefined;
  /** Options of each training; the output of a run folder is left out. */
  fit?: Omit<ForecastFitOptions, 'output' | 'resume' | 'validation' | 'patience'>;
}

/** One fold of a back-test. */
export interface BacktestFold extends ForecastEvaluation {
  /** The first moment that was forecast; the training knew what lies before it. */
  readonly from: string | number;
}

/** What a back-test gives. */
export interface Backtest extends ForecastFigures {
  /** The oldest first; the figures above are their mean. */
  readonly folds: readonly BacktestFold[];
  /** The baselines in the mean over the folds. */
  readonly baselines: readonly ForecastBaseline[];
}

/** What is trained and evaluated anew for each fold. */
interface Trained {
  fit(rows: readonly ForecastRow[], options: ForecastFitOptions): Promise<unknown>;
  evaluateFold(rows: readonly ForecastRow[], part: ComparedPart): Promise<ForecastEvaluation>;
}

/** Trains on the rows before each fold, and evaluates on the fold. @param make  a forecaster that knows nothing */
export async function backtestForecasts(
  examples: Examples<ForecastRow>,
  options: BacktestOptions,
  settings: ForecasterSettings,
  make: () => Trained,
): Promise<Backtest> {
  const op = 'Forecaster.backtest';
  const {
    folds: count,
    size = settings.horizon,
    fit,
  } = readOptions<BacktestOptions>(op, options, {
    folds: withDefault(positiveInteger, 3),
    size: withDefault(positiveInteger, settings.horizon),
    fit: (_op, _name, value) => (value ?? {}) as NonNullable<BacktestOptions['fit']>,
  });
  if (size < settings.horizon)
    throw new OptionError(op, {
      given: `size: ${size} with a horizon of ${settings.horizon} steps`,
      expected: 'folds as long as the horizon at least',
      fix: `pass size: ${settings.horizon} or more`,
    });
  const series = await collectSeries(op, examples, settings);
  const folds: BacktestFold[] = [];
  for (let fold = 0; fold < count; fold++) {
    const back = (count - fold) * size;
    const moment = foldBegin(op, series, back, settings);
    const known = rowsBefore(series, moment);
    const until = foldEnd(series, back - size);
    const trained = make();
    await trained.fit(known, { progress: false, ...fit });
    const from = timeText(moment, series[0]?.dated ?? false);
    folds.push({ from, ...(await trained.evaluateFold(rowsBefore(series, until), { from, until })) });
  }
  const names = folds[0]?.baselines.map(({ name }) => name) ?? [];
  return {
    ...meanOf(folds),
    folds,
    baselines: names.map((name, place) => ({
      name,
      figures: meanOf(folds.flatMap(({ baselines }) => baselines[place]?.figures ?? [])),
    })),
  };
}

/** The moment so many steps before the end of the longest series. */
function foldBegin(
  op: string,
  all: readonly ForecastSeries[],
  back: number,
  { window, horizon }: ForecasterSettings,
): number {
  const longest = all.reduce((most, one) => (one.rows.length > most.rows.length ? one : most));
  const at = longest.rows.length - back;
  if (at >= window + horizon) return momentAt(longest, at);
  throw new OptionError(op, {
    given: `${counted(Math.max(at, 0), 'step')} before the first fold, of a series of ${longest.rows.length}`,
    expected: `${window + horizon} at least, a window and the horizon`,
    fix: 'take fewer or shorter folds, or a shorter window',
  });
}

/** The moment behind the last step of a fold. */
function foldEnd(all: readonly ForecastSeries[], back: number): number {
  const longest = all.reduce((most, one) => (one.rows.length > most.rows.length ? one : most));
  return momentAt(longest, longest.rows.length - back);
}

const rowsBefore = (all: readonly ForecastSeries[], moment: number): ForecastRow[] =>
  all.flatMap(({ rows }) => rows.flatMap((row) => (row !== undefined && row.at < moment ? [row.row] : [])));

function meanOf(all: readonly ForecastFigures[]): ForecastFigures {
  const mean = (name: keyof ForecastFigures): number => all.reduce((sum, one) => sum + one[name] / all.length, 0);
  return { scaledMse: mean('scaledMse'), scaledMae: mean('scaledMae'), rmse: mean('rmse'), mae: mean('mae') };
}
