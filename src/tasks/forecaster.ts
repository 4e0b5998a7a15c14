import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import type { EvaluationRecord } from '../report';
import { OptionError } from '../tensor/errors';
import { manualSeed } from '../tensor/generator';
import { readOptions } from '../tensor/read-options';
import type { History } from '../training/history';
import type { EventColumnNames } from './event-cells';
import { backtestForecasts, type Backtest, type BacktestOptions } from './forecast-backtest';
import { baselinesOf } from './forecast-baselines';
import { ForecastEncoder, type EncodedSeries, type ForecastEncoderParts } from './forecast-encoder';
import { evaluateForecasts, type ForecastEvaluation } from './forecast-evaluation';
import { checkLong, comparedOrigins, futuresOf, warnOfShort, type ComparedPart } from './forecast-origins';
import { answerOf, type Forecast } from './forecast-answer';
import { recordOfForecasts } from './forecast-record';
import type { ForecastRow } from './forecast-row';
import { collectSeries, seriesOf } from './forecast-rows';
import { calledSeries, stepsText } from './forecast-series';
import { countOutputs, outputsOf } from './forecast-loss';
import { momentAfter, timeText } from './forecast-time';
import {
  featuresOfTarget,
  originsOf,
  reachOf,
  ForecastWindows,
  type ForecastOrigin,
  type WindowForm,
} from './forecast-windows';
import { ForecasterNetwork } from './forecaster-network';
import {
  checkForecastOptions,
  forecastAskReaders,
  forecasterReaders,
  forecastTrainReaders,
  type ForecastAskOptions,
  type ForecasterOptions,
  type ForecasterSettings,
  type ForecastFitOptions,
} from './forecaster-options';
import { forecastsFrom, forecastTrainer, formOf, spreadOf, type TrainedForecaster } from './forecaster-trainer';
import type { InputFault } from './input-fault';
import { rowsFault } from './forecast-input';
import { encoderOptions } from './recurrent-encoder';
import { refuseOptions } from './refuse-options';
import type { Examples, Task } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { classOptions, fitOptions, readTrainOptions, type TrainSettings } from './train-options';
import { trainTask, type TaskTrainerParts } from './train-task';

/** Of a training, or ten epochs where those are more. */
const STEPS = 600;
/** Windows whose errors tell how far a recursive forecast is off. */
const MEASURED = 500;

/** What stands in its file. */
interface Extras extends TaskExtras {
  readonly encoder: ForecastEncoderParts;
  readonly spread?: readonly number[];
}

/**
 * Says how series of numbers go on: one or several targets of one or several series, with intervals, from what was
 * measured before and what is known beforehand.
 *
 *     const forecaster = new Forecaster({ target: 'sales', series: 'store', window: 56, horizon: 14 });
 *     await forecaster.fit(rows, { output: 'run' });
 *     const [first] = await forecaster.predictAll(rows); // { series, steps: [{ time, values, quantiles }, …] }
 *
 * Rows are `{ date, store, sales, … }`, in any order. Beside the model always stand persistence, the last known value,
 * and the value of the season before.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class Forecaster implements Task<ForecastRow, readonly ForecastRow[], Forecast, ForecastEvaluation> {
  readonly task = 'forecast';
  readonly options: Readonly<ForecasterSettings>;
  #trained: TrainedForecaster | undefined;
  #steps: string | undefined;

  constructor(options: ForecasterOptions = {}) {
    this.options = readOptions<object, ForecasterSettings>(
      'Forecaster',
      options,
      forecasterReaders,
      fitOptions(forecastTrainReaders),
    );
    checkForecastOptions('Forecaster', this.options);
  }

  /**
   * Builds a forecaster again that `save` wrote.
   *
   * @param path  of the file
   * @throws as `load` of each `TaskClass`
   */
  static async load(path: string): Promise<Forecaster> {
    const { model, extras } = await loadTask<Extras>('Forecaster.load', path, 'forecast', { ForecasterNetwork });
    const forecaster = new Forecaster(extras.options);
    forecaster.#trained = {
      model: model as ForecasterNetwork,
      encoder: new ForecastEncoder(extras.encoder, forecaster.options),
      spread: extras.spread,
    };
    return forecaster;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): ForecasterNetwork | undefined {
    return this.#trained?.model;
  }

  /** The columns that are read beside the targets, and as what; undefined before `fit` or `load`. */
  get columns(): EventColumnNames | undefined {
    return this.#trained?.encoder.columns;
  }

  /** Steps after which a season begins anew, as the rows of the training told; undefined before `fit` or `load`. */
  get season(): number | undefined {
    return this.#trained?.encoder.parts.season;
  }

  /** What was found out of the steps of a training, for people; undefined before `fit`. @internal */
  get steps(): string | undefined {
    return this.#steps;
  }

  /** The time of a step as the rows of the training write it, to make rows with. @internal */
  timeOf(step: number): string | number {
    const { encoder } = this.#known('Forecaster.timeOf');
    const { step: apart } = encoder.parts;
    return timeText(momentAfter(0, step, apart), apart.unit !== 'number');
  }

  /** Steps that have to lie before a forecast; undefined before `fit` or `load`. @internal */
  get reach(): number | undefined {
    return this.#trained && reachOf(this.#whole(this.#trained.encoder));
  }

  /**
   * Learns from the windows of all series. A series that is shorter than a window and the horizon is left out, and a
   * warning, `STM_SHORT_SERIES`, says so.
   *
   * @throws {OptionError} as that of each `Task`, naming the row of what cannot be used, or if all series are too short
   */
  async fit(examples: Examples<ForecastRow>, options: ForecastFitOptions = {}): Promise<History> {
    const op = 'Forecaster.fit';
    const ofClass = classOptions('Forecaster', forecasterReaders);
    const settings = readTrainOptions<TrainSettings>(op, options, forecastTrainReaders, ofClass);
    const series = await collectSeries(op, examples, this.options, this.#trained?.encoder.parts.step);
    this.#steps = stepsText(series, this.options);
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const encoder = this.#trained?.encoder ?? ForecastEncoder.fit(op, series, this.options);
    encoder.checkColumns(op, series);
    const form = formOf(this.options, encoder);
    const encoded = series.map((one) => encoder.encode(op, one));
    const origins = encoded.flatMap((one) => originsOf(one, form));
    checkLong(op, encoded, origins, form);
    const checks = options.validation && (await this.#origins(`${op}: validation`, options.validation, {}, encoder));
    this.#trained = { encoder, model: this.#trained?.model ?? this.#network(encoder) };
    const { model } = this.#trained;
    const wholeOrigins = () => encoded.flatMap((one) => originsOf(one, this.#whole(encoder)));
    const learned = { ...settings, callbacks: [...settings.callbacks] };
    if (this.options.strategy === 'recursive')
      learned.callbacks.push({ onEnd: () => this.#measure(checks ?? wholeOrigins()) });
    const windows = new ForecastWindows(origins, form);
    const training = {
      task: this,
      model,
      loader: new DataLoader(windows, { batchSize: settings.batchSize, shuffle: true }),
      validation: checks && new DataLoader(new ForecastWindows(checks, form), { batchSize: 512 }),
      steps: STEPS,
      examine: checks && (() => this.#record('validation', checks)),
      trainer: (parts: TaskTrainerParts) => forecastTrainer(model, this.options, parts),
    };
    return trainTask(training, learned);
  }

  /**
   * Forecasts from each step of the rows that has a window before it and a horizon behind it, as far as they are known,
   * and compares with what came; rows of before the first forecast are read alone. A series that is shorter than a
   * window and the horizon is left out, and a warning, `STM_SHORT_SERIES`, says so.
   *
   * @throws {OptionError} as that of each `Task`, or if all series are too short
   */
  async evaluate(examples: Examples<ForecastRow>, options: ForecastAskOptions = {}): Promise<ForecastEvaluation> {
    const op = 'Forecaster.evaluate';
    return (await this.#compare(await this.#origins(op, examples, options))).evaluation;
  }

  /** The same of a fold, up to its end, of series that its training told of. @internal */
  async evaluateFold(rows: Examples<ForecastRow>, part: ComparedPart): Promise<ForecastEvaluation> {
    const op = 'Forecaster.backtest';
    const { encoder } = this.#known(op);
    const encoded = await this.#encoded(op, rows, encoder);
    return (await this.#compare(comparedOrigins(op, encoded, this.#whole(encoder), part))).evaluation;
  }

  /**
   * The same as a report shows it, see `writeEvaluation`.
   *
   * @param part  which part of the data it is
   * @throws {OptionError} as `evaluate`
   */
  async examine(
    examples: Examples<ForecastRow>,
    part: EvaluationRecord['part'] = 'test',
    options: ForecastAskOptions = {},
  ): Promise<EvaluationRecord> {
    return this.#record(part, await this.#origins('Forecaster.examine', examples, options));
  }

  /**
   * Rolling-origin back-test: a new forecaster of the same options for each of some folds, which learns from all rows
   * before the fold and is evaluated on it, the last fold at the end of the rows.
   *
   * @param options.folds  how many. Default 3
   * @param options.size   steps of a fold. Default: the horizon
   * @throws {OptionError} as `fit`, or if there are too few steps for so many folds
   */
  backtest(examples: Examples<ForecastRow>, options: BacktestOptions = {}): Promise<Backtest> {
    return backtestForecasts(examples, options, this.options, () => new Forecaster(this.options));
  }

  /**
   * How a series goes on behind its last value. Rows behind that say what is known beforehand.
   *
   * @param rows  of one series
   * @throws {OptionError} as that of each `Task`, or if the series is shorter than a window
   */
  predict(rows: readonly ForecastRow[]): Promise<Forecast>;
  /** How several go on, in their order. */
  predict(series: readonly (readonly ForecastRow[])[]): Promise<Forecast[]>;
  async predict(
    given: readonly ForecastRow[] | readonly (readonly ForecastRow[])[],
    options?: unknown,
  ): Promise<Forecast | Forecast[]> {
    refuseOptions('Forecaster.predict', options);
    const isMany = Array.isArray(given) && given.every((one) => Array.isArray(one));
    if (isMany) return this.predictBatch(given);
    const [answer] = await this.predictBatch([given as readonly ForecastRow[]]);
    return answer as Forecast;
  }

  /** How several series go on, in their order, each given by its rows. @throws {OptionError} as `predict` */
  async predictBatch(series: readonly (readonly ForecastRow[])[]): Promise<Forecast[]> {
    const op = 'Forecaster.predict';
    this.#known(op);
    return this.#answers(series.map((rows) => this.#future(op, rows)));
  }

  /**
   * How all series of a table go on, in order of first appearance. One that is shorter than a window is left out, and a
   * warning, `STM_SHORT_SERIES`, says so.
   *
   * @throws {OptionError} as `predict`, if all series are too short
   */
  async predictAll(rows: Examples<ForecastRow>): Promise<Forecast[]> {
    const op = 'Forecaster.predictAll';
    const { encoder } = this.#known(op);
    const series = await collectSeries(op, rows, this.options, encoder.parts.step);
    encoder.checkColumns(op, series);
    return this.#answers(futuresOf(op, series, encoder, this.options));
  }

  /**
   * What is wrong with an input that came as JSON; undefined if it can be asked about.
   *
   * @param input  the rows of one series, if all is well
   * @throws {OptionError} before `fit` or `load`
   */
  inputFault(input: unknown): InputFault | undefined {
    const { encoder } = this.#known('Forecaster.inputFault');
    return rowsFault(input, encoder, this.options, (rows) => void this.#future('input', rows));
  }

  async save(path: string): Promise<void> {
    const { model, encoder, spread } = this.#known('Forecaster.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, encoder: encoder.parts, spread }));
  }

  #known(op: string): TrainedForecaster {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** Behind the last value of the rows of one series. */
  #future(op: string, rows: readonly ForecastRow[]): ForecastOrigin {
    const { encoder } = this.#known(op);
    const series = seriesOf(op, rows, this.options, encoder.parts.step);
    encoder.checkColumns(op, series);
    const [one, other] = series;
    if (one !== undefined && other === undefined) {
      const [origin] = futuresOf(op, [one], encoder, this.options);
      if (origin !== undefined) return origin;
    }
    throw new OptionError(op, {
      given: one === undefined ? 'no row' : `rows of ${calledSeries(one)} and ${series.length - 1} more`,
      expected: 'the rows of one series',
      fix: 'pass an array of arrays, one for each series, or all rows to predictAll(rows)',
    });
  }

  async #answers(origins: readonly ForecastOrigin[]): Promise<Forecast[]> {
    const forecasts = await forecastsFrom(this.#known('Forecaster.predict'), this.options, origins);
    return origins.flatMap((origin, place) => {
      const forecast = forecasts[place];
      return forecast === undefined ? [] : [answerOf(origin, forecast, this.options)];
    });
  }

  /** Where forecasts of rows begin that are compared with what came. */
  async #origins(
    op: string,
    examples: Examples<ForecastRow>,
    options: ForecastAskOptions,
    known?: ForecastEncoder,
  ): Promise<ForecastOrigin[]> {
    const asked = readOptions<ForecastAskOptions, Required<ForecastAskOptions>>(op, options, forecastAskReaders);
    const encoder = known ?? this.#known(op).encoder;
    const encoded = await this.#encoded(op, examples, encoder);
    const form = this.#whole(encoder);
    const origins = comparedOrigins(op, encoded, form, asked);
    warnOfShort(op, encoded, reachOf(form) + form.horizon, 'evaluate');
    return origins;
  }

  /** Series in numbers, with a horizon behind the last value. */
  async #encoded(op: string, examples: Examples<ForecastRow>, encoder: ForecastEncoder): Promise<EncodedSeries[]> {
    const series = await collectSeries(op, examples, this.options, encoder.parts.step);
    encoder.checkColumns(op, series);
    return series.map((one) => encoder.encode(op, one, this.options.horizon));
  }

  /** Windows of the whole horizon. */
  #whole({ parts: { season } }: ForecastEncoder): WindowForm {
    const { window, horizon, anchor, scaling } = this.options;
    return { window, horizon, anchor, scaling, season };
  }

  async #compare(origins: readonly ForecastOrigin[]) {
    const trained = this.#known('Forecaster.evaluate');
    const { season } = trained.encoder.parts;
    const hasSeason = origins.every(({ at }) => at >= season);
    const baselines = baselinesOf(this.options.horizon, hasSeason ? season : 1);
    const forecasts = await forecastsFrom(trained, this.options, origins);
    return { ...evaluateForecasts(origins, forecasts, baselines, this.options), forecasts };
  }

  async #record(part: EvaluationRecord['part'], origins: readonly ForecastOrigin[]): Promise<EvaluationRecord> {
    return recordOfForecasts(part, { origins, ...(await this.#compare(origins)) }, this.options);
  }

  /** Measures how far a recursive forecast is off at each step. */
  async #measure(origins: readonly ForecastOrigin[]): Promise<void> {
    const trained = this.#known('Forecaster.fit');
    const every = Math.max(Math.ceil(origins.length / MEASURED), 1);
    const some = origins.filter((_, place) => place % every === 0);
    const forecasts = await forecastsFrom({ ...trained, spread: undefined }, this.options, some);
    this.#trained = { ...trained, spread: spreadOf(this.options, some, forecasts) };
  }

  #network(encoder: ForecastEncoder): ForecasterNetwork {
    const { target, embeddingDim } = this.options;
    const form = formOf(this.options, encoder);
    const { features, ahead, aheadCategories } = encoder.widths;
    return new ForecasterNetwork({
      width: featuresOfTarget(form) * target.length + features,
      ahead,
      categories: encoder.parts.categorical.map(({ tokens }) => tokens.length),
      aheadCategories,
      embeddingDim,
      encoder: encoderOptions(this.options),
      horizon: form.horizon,
      targets: target.length,
      outputs: countOutputs(outputsOf(this.options)),
    });
  }
}
