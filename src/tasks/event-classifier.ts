import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import type { EvaluationRecord } from '../report';
import { manualSeed } from '../tensor/generator';
import { describe } from '../tensor/options';
import { readOptions } from '../tensor/read-options';
import type { History } from '../training/history';
import { findColumns, type EventColumnNames } from './event-cells';
import { EventClassifierNetwork } from './event-classifier-network';
import {
  askReaders,
  checkEventOptions,
  eventClassifierReaders,
  eventTrainReaders,
  valueColumn,
  type EventAskOptions,
  type EventClassifierOptions,
  type EventClassifierSettings,
  type EventFitOptions,
  type EventTrainSettings,
} from './event-classifier-options';
import {
  eventItem,
  eventLoader,
  eventProbabilities,
  eventTrainer,
  type TrainedEvents,
} from './event-classifier-trainer';
import { EventEncoder, type EventEncoderParts } from './event-encoder';
import { evaluateEvents, type EventEvaluation } from './event-evaluation';
import { askedHistories, checkApart, checkBoth, readExamples, type EventExamples } from './event-examples';
import { noHistory, type EventHistory } from './event-history';
import { eventsFault } from './event-input';
import { recordOf } from './event-record';
import { dateOf } from './event-time';
import {
  collectSequences,
  sequenceOf,
  sequencesOf,
  type EventExample,
  type EventRow,
  type EventSequence,
} from './event-rows';
import { RecencyFrequencyValue, type RecencyFrequencyValueParts } from './recency-frequency-value';
import type { InputFault } from './input-fault';
import { encoderOptions } from './recurrent-encoder';
import type { Examples, Task } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { classOptions, fitOptions, readTrainOptions } from './train-options';
import { trainTask, type TaskTrainerParts } from './train-task';

/** Of a training, or ten epochs where those are more: the same customers are in several examples. */
const STEPS = 300;

/** What is said of a customer. */
export interface EventPrediction {
  /** Who; absent where no row says so. */
  readonly customer?: string | number;
  /** That it happens within the horizon after the cut-off, 0..1. */
  readonly probability: number;
}

/** What stands in its file. */
interface Extras extends TaskExtras {
  readonly encoder: EventEncoderParts;
  readonly baseline: RecencyFrequencyValueParts;
  readonly labelled: boolean;
}

/**
 * Says whether it will happen: does a customer buy within the next 90 days, does a machine fail within a week? Learns
 * from rows `customer, date, …` alone: it looks at the customers from several moments, cut-offs, and takes what was
 * known until then as the input and what happened within the horizon after as the answer.
 *
 *     const classifier = new EventClassifier({ horizon: 90 });
 *     await classifier.fit(rows, { output: 'run' });
 *     const { probability } = await classifier.predict(rowsOfOne, { cutOff: '2024-12-31' });
 *
 * It also learns from sequences whose answer is given: `{ events: rows, label: true }`.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class EventClassifier implements Task<EventExample, readonly EventRow[], EventPrediction, EventEvaluation> {
  readonly task = 'events';
  readonly options: Readonly<EventClassifierSettings>;
  #trained: TrainedEvents | undefined;

  constructor(options: EventClassifierOptions = {}) {
    this.options = readOptions<object, EventClassifierSettings>(
      'EventClassifier',
      options,
      eventClassifierReaders,
      fitOptions(eventTrainReaders),
    );
    checkEventOptions('EventClassifier', this.options);
  }

  /**
   * Builds a classifier again that `save` wrote.
   *
   * @param path  of the file
   * @throws as `load` of each `TaskClass`
   */
  static async load(path: string): Promise<EventClassifier> {
    const classes = { EventClassifierNetwork };
    const { model, extras } = await loadTask<Extras>('EventClassifier.load', path, 'events', classes);
    const classifier = new EventClassifier(extras.options);
    classifier.#trained = {
      model: model as EventClassifierNetwork,
      encoder: new EventEncoder(extras.encoder),
      baseline: new RecencyFrequencyValue(extras.baseline),
      labelled: extras.labelled,
    };
    return classifier;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): EventClassifierNetwork | undefined {
    return this.#trained?.model;
  }

  /** The columns that are read, and as what; undefined before `fit` or `load`. */
  get columns(): EventColumnNames | undefined {
    return this.#trained?.encoder.columns;
  }

  /** Whether it learned from labels, and so looks from the last row of each. @internal */
  get labelled(): boolean | undefined {
    return this.#trained?.labelled;
  }

  async fit(examples: Examples<EventExample>, options: EventFitOptions = {}): Promise<History> {
    const op = 'EventClassifier.fit';
    const ofClass = classOptions('EventClassifier', eventClassifierReaders);
    const settings = readTrainOptions<EventTrainSettings>(op, options, eventTrainReaders, ofClass);
    const { validation } = options;
    const { horizon, cutOffs: times } = this.options;
    const train = await readExamples(op, examples, this.options, { cutOff: settings.cutOff, times });
    checkBoth(op, train, this.options);
    const checks = validation && (await readExamples(op, validation, this.options));
    if (checks) checkApart(op, train, checks, horizon);
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const { encoder, model } = this.#trained ?? this.#begin(op, train);
    encoder.checkColumns(op, train.sequences);
    if (checks) encoder.checkColumns(`${op}: validation`, checks.sequences);
    const baseline = await RecencyFrequencyValue.fit(
      op,
      train.histories,
      valueColumn(op, this.options, encoder.columns.numeric),
    );
    this.#trained = { encoder, model, baseline, labelled: train.labelled };
    const items = train.histories.map((one) => eventItem(op, encoder, one));
    const lengths = items.map(({ numbers }) => numbers.shape[0] ?? 0);
    const training = {
      task: this,
      model,
      loader: new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: settings.batchSize }) }),
      validation: checks && eventLoader(checks.histories.map((one) => eventItem(op, encoder, one))),
      steps: STEPS,
      examine: checks && (() => this.#record(op, 'validation', checks.histories)),
      trainer: (parts: TaskTrainerParts) => eventTrainer(model, parts),
    };
    return trainTask(training, settings);
  }

  /**
   * Asks about each customer from a cut-off, and compares with what happened in the horizon after it; those without an
   * event until then are left out. Beside it stands a logistic regression on recency, frequency and value.
   *
   * @throws {OptionError} as that of each `Task`, or if the rows end before the horizon does
   */
  async evaluate(examples: Examples<EventExample>, options: EventAskOptions = {}): Promise<EventEvaluation> {
    const op = 'EventClassifier.evaluate';
    const read = await this.#examples(op, examples, options);
    const { evaluation } = await this.#compare(op, read.histories);
    if (read.labelled) return evaluation;
    const cutOff = dateOf(read.cutOff, read.sequences[0]?.events[0]?.dated ?? false);
    return { ...evaluation, question: { horizon: this.options.horizon, cutOff } };
  }

  /**
   * The same as a report shows it, see `writeEvaluation`.
   *
   * @param part  which part of the data it is
   * @throws {OptionError} as `evaluate`
   */
  async examine(
    examples: Examples<EventExample>,
    part: EvaluationRecord['part'] = 'test',
    options: EventAskOptions = {},
  ): Promise<EvaluationRecord> {
    const op = 'EventClassifier.examine';
    return this.#record(op, part, (await this.#examples(op, examples, options)).histories);
  }

  /** The answer about one customer, from its last row unless `cutOff` says otherwise. @throws as that of each `Task` */
  predict(rows: readonly EventRow[], options?: EventAskOptions): Promise<EventPrediction>;
  /** The answers about several, in their order, about each as about one alone. */
  predict(customers: readonly (readonly EventRow[])[], options?: EventAskOptions): Promise<EventPrediction[]>;
  async predict(
    given: readonly EventRow[] | readonly (readonly EventRow[])[],
    options: EventAskOptions = {},
  ): Promise<EventPrediction | EventPrediction[]> {
    const op = 'EventClassifier.predict';
    this.#known(op);
    const isMany = Array.isArray(given) && given.every((one) => Array.isArray(one));
    if (isMany) return this.#each(op, sequencesOf(op, given, this.options), options);
    const [answer] = await this.#each(op, [sequenceOf(op, given, 'row', this.options)], options);
    return answer as EventPrediction;
  }

  /**
   * The answers about several customers, in their order, as `predict` gives them; what is no array of rows is never
   * taken for one.
   *
   * @throws {OptionError} before `fit` or `load`, or naming the place of what cannot be used
   */
  async predictBatch(
    customers: readonly (readonly EventRow[])[],
    options: EventAskOptions = {},
  ): Promise<EventPrediction[]> {
    const op = 'EventClassifier.predictBatch';
    this.#known(op);
    return this.#each(op, sequencesOf(op, customers, this.options), options);
  }

  /** @throws {OptionError} before `fit` or `load` */
  inputFault(input: unknown): InputFault | undefined {
    return eventsFault(input, this.#known('EventClassifier.inputFault').encoder, this.options);
  }

  /**
   * The answers about all customers of a table who have an event until the cut-off, in order of first appearance.
   *
   * @throws {OptionError} before `fit` or `load`, or naming a row that is none
   */
  async predictAll(rows: Examples<EventRow>, options: EventAskOptions = {}): Promise<EventPrediction[]> {
    const op = 'EventClassifier.predictAll';
    const { labelled, encoder } = this.#known(op);
    const sequences = await collectSequences(op, rows, this.options);
    encoder.checkColumns(op, sequences);
    return this.#answers(op, this.#asked(op, sequences, options, labelled));
  }

  async save(path: string): Promise<void> {
    const { model, encoder, baseline, labelled } = this.#known('EventClassifier.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, encoder: encoder.parts, baseline: baseline.parts, labelled }));
  }

  #known(op: string): TrainedEvents {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  async #examples(op: string, examples: Examples<EventExample>, options: EventAskOptions) {
    const { encoder } = this.#known(op);
    const read = await readExamples(op, examples, this.options, readOptions(op, options, askReaders));
    encoder.checkColumns(op, read.sequences);
    return read;
  }

  async #compare(op: string, histories: readonly EventHistory[]) {
    const trained = this.#known(op);
    const probabilities = await eventProbabilities(op, trained, histories);
    const happened = histories.map((history) => history.happened === true);
    const { baseline } = trained;
    const others = [{ name: baseline.name, probabilities: baseline.probabilities(op, histories) }];
    return { probabilities, evaluation: await evaluateEvents(probabilities, happened, others) };
  }

  async #record(op: string, part: EvaluationRecord['part'], histories: readonly EventHistory[]) {
    const { evaluation, probabilities } = await this.#compare(op, histories);
    return recordOf(part, evaluation, histories, probabilities);
  }

  #asked(op: string, sequences: readonly EventSequence[], options: EventAskOptions, ownEnds: boolean) {
    const { cutOff } = readOptions<EventAskOptions>(op, options, askReaders);
    return askedHistories(op, sequences, cutOff, ownEnds);
  }

  /** The answers about all of them. @throws {OptionError} naming one of whom nothing is known */
  async #each(op: string, sequences: readonly EventSequence[], options: EventAskOptions): Promise<EventPrediction[]> {
    const { encoder } = this.#known(op);
    for (const one of sequences) encoder.checkColumns(op, [one], false);
    const histories = this.#asked(op, sequences, options, true);
    const nobody = histories.indexOf(undefined);
    if (nobody >= 0) throw noHistory(op, describe(sequences[nobody]?.customer ?? `sequence ${nobody}`));
    return this.#answers(op, histories);
  }

  /** The answers about those of whom something is known. */
  async #answers(op: string, asked: readonly (EventHistory | undefined)[]): Promise<EventPrediction[]> {
    const histories = asked.filter((history) => history !== undefined);
    const probabilities = await eventProbabilities(op, this.#known(op), histories);
    return histories.map(({ customer }, place) => ({
      ...(customer === undefined ? {} : { customer }),
      probability: probabilities[place] ?? Number.NaN,
    }));
  }

  /** Learns scales and categories, and builds the network. */
  #begin(op: string, { histories }: EventExamples): Pick<TrainedEvents, 'encoder' | 'model'> {
    const { key, time, pooling, embeddingDim } = this.options;
    const events = [...new Set(histories.flatMap((history) => history.events))];
    const columns = findColumns(op, events, this.options, [key, time]);
    const encoder = EventEncoder.fit(op, histories, columns, this.options);
    const model = new EventClassifierNetwork({
      width: encoder.width,
      categories: encoder.parts.categorical.map(({ tokens }) => tokens.length),
      embeddingDim,
      encoder: encoderOptions(this.options),
      pooling,
    });
    return { encoder, model };
  }
}
