import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import { manualSeed } from '../tensor/generator';
import type { EvaluationRecord } from '../report';
import type { History } from '../training/history';
import { evenLoader } from './even-batches';
import { collectExamples } from './examples';
import { textFault } from './input-fault';
import { fullPairs, PAIR_FORM, pairExample, warnOfEmptyPairs, type PairExample } from './pair-examples';
import { PairText, type PairTextParts } from './pair-text';
import { bySource, evaluateWritten, type Seq2SeqEvaluation } from './seq2seq-evaluation';
import { examineWritten } from './seq2seq-examination';
import { Seq2SeqNetwork } from './seq2seq-network';
import {
  readSeq2SeqOptions,
  seq2SeqReaders,
  seq2SeqTrainReaders,
  STEPS,
  type Seq2SeqOptions,
  type Seq2SeqSettings,
} from './seq2seq-options';
import {
  readEvaluateOptions,
  readPredictOptions,
  type Seq2SeqEvaluateOptions,
  type Seq2SeqPredictOptions,
} from './seq2seq-predict-options';
import { writeTexts, type Seq2SeqPrediction } from './seq2seq-prediction';
import { itemsOf, lengthOf, seq2SeqTrainer } from './seq2seq-trainer';
import type { TrainedPairs } from './seq2seq-writing';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { checkTexts } from './text-examples';
import { classOptions, readTrainOptions } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';

/** What stands in its file. */
interface Extras extends TaskExtras, PairTextParts {}

/**
 * Turns a text into another one: translates, transliterates, says how a word is pronounced. An encoder reads the
 * source, in both directions, and a decoder writes the target token by token, looking by attention at what of the
 * source it needs; from examples `{ source, target }` to one file that carries it all.
 *
 *     const translator = new Seq2Seq({ hiddenSize: 256 });
 *     await translator.fit(train, { validation, output: 'run' });
 *     const { text, score } = await translator.predict('I am cold.');
 *
 * Training reads the true target and learns each next token of it (teacher forcing), all of them in one call of the
 * decoder's layers. Examples of which a side is empty are passed over, with a warning, in an evaluation, too; an empty
 * source is given an empty target.
 *
 * @throws {OptionError} if an option is unknown or out of range, or two do not go together
 */
export class Seq2Seq implements Task<PairExample, string, Seq2SeqPrediction, Seq2SeqEvaluation> {
  readonly task = 'seq2seq';
  readonly inputFault = textFault;
  readonly options: Seq2SeqSettings;
  #trained: TrainedPairs | undefined;

  constructor(options: Seq2SeqOptions = {}) {
    this.options = readSeq2SeqOptions(options);
  }

  /**
   * Builds a Seq2Seq again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<Seq2Seq> {
    const { model, extras } = await loadTask<Extras>('Seq2Seq.load', path, 'seq2seq', { Seq2SeqNetwork });
    const { options, sourceTokenizer, sourceVocabulary, targetTokenizer, targetVocabulary, spacing, longest } = extras;
    const task = new Seq2Seq(options);
    const parts = { sourceTokenizer, sourceVocabulary, targetTokenizer, targetVocabulary, spacing, longest };
    task.#trained = { text: new PairText(parts), model: model as Seq2SeqNetwork };
    return task;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): Seq2SeqNetwork | undefined {
    return this.#trained?.model;
  }

  async fit(examples: Examples<PairExample>, options: TaskFitOptions<PairExample> = {}): Promise<History> {
    const op = 'Seq2Seq.fit';
    const settings = readTrainOptions(op, options, seq2SeqTrainReaders, classOptions('Seq2Seq', seq2SeqReaders));
    const { validation } = options;
    const [all, others] = [await this.#collect(op, examples), validation && (await this.#collect(op, validation))];
    warnOfEmptyPairs(op, all, others);
    const [train, checks] = [fullPairs(op, all), others && fullPairs(`${op}: validation`, others)];
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= this.#begin(train));
    const items = itemsOf(trained, train);
    const lengths = items.map(lengthOf);
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: settings.batchSize }) }),
      validation: checks && evenLoader(itemsOf(trained, checks), lengthOf),
      examine: checks && (() => this.examine(checks, 'validation')),
      steps: STEPS,
      trainer: (parts: TaskTrainerParts) => seq2SeqTrainer(trained, this.options, parts),
    };
    return trainTask(training, settings);
  }

  /**
   * Loss, and how good what is written is. Pairs of which a side is empty are passed over, with a warning.
   *
   * @param options  how to write, where it is not as the task was made
   * @throws {OptionError} as that of each `Task`, if all pairs have an empty side, or an option is unknown or out of
   *   range
   */
  async evaluate(examples: Examples<PairExample>, options: Seq2SeqEvaluateOptions = {}): Promise<Seq2SeqEvaluation> {
    const op = 'Seq2Seq.evaluate';
    const settings = readEvaluateOptions(op, options);
    this.#known(op);
    const pairs = await this.#collect(op, examples);
    warnOfEmptyPairs(op, pairs);
    return (await this.#judge(op, pairs, settings)).evaluation;
  }

  async examine(examples: Examples<PairExample>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    const op = 'Seq2Seq.examine';
    this.#known(op);
    const { evaluation, written, asked, text } = await this.#judge(op, await this.#collect(op, examples));
    return { part, ...examineWritten(evaluation, text, written, asked) };
  }

  /**
   * What a source becomes.
   *
   * @param options  how to write, where it is not as the task was made
   * @throws {OptionError} before `fit` or `load`, if it is no text, or an option is unknown or out of range
   */
  predict(source: string, options?: Seq2SeqPredictOptions): Promise<Seq2SeqPrediction>;
  /** What several sources become, in their order. */
  predict(sources: readonly string[], options?: Seq2SeqPredictOptions): Promise<Seq2SeqPrediction[]>;
  async predict(
    given: string | readonly string[],
    options: Seq2SeqPredictOptions = {},
  ): Promise<Seq2SeqPrediction | Seq2SeqPrediction[]> {
    const op = 'Seq2Seq.predict';
    const trained = this.#known(op);
    const settings = readPredictOptions(op, options, this.options, trained.text.parts.longest);
    const sources = checkTexts(op, Array.isArray(given) ? given : [given]);
    const written = await writeTexts(trained, sources, settings);
    return Array.isArray(given) ? written : (written[0] as Seq2SeqPrediction);
  }

  /**
   * Of a source the tokens that are not in the vocabulary, each once.
   *
   * @throws {OptionError} before `fit` or `load`
   * @internal
   */
  strangers(source: string): readonly string[] {
    return this.#known('Seq2Seq.strangers').text.strangers(source);
  }

  async save(path: string): Promise<void> {
    const { model, text } = this.#known('Seq2Seq.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, ...text.parts }));
  }

  #known(op: string): TrainedPairs {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** What is written for examples, and how good it is. */
  async #judge(op: string, examples: readonly PairExample[], options: Seq2SeqEvaluateOptions = {}) {
    const trained = this.#known(op);
    const pairs = fullPairs(op, examples);
    const items = itemsOf(trained, pairs);
    const figures = await evaluateOnce(seq2SeqTrainer(trained, this.options), evenLoader(items, lengthOf));
    const asked = bySource(pairs);
    const written = await this.predict(
      asked.map(({ source }) => source),
      { ...options, attention: this.options.attention !== 'none' },
    );
    const { text } = trained;
    const { loss, accuracy = Number.NaN } = figures;
    return { asked, written, text, evaluation: await evaluateWritten({ loss, accuracy }, text, written, asked) };
  }

  #collect(op: string, examples: Examples<PairExample>): Promise<PairExample[]> {
    return collectExamples(op, examples, PAIR_FORM, (example, place) => pairExample(op, example, place));
  }

  /** Learns the tokens, and builds the network. */
  #begin(pairs: readonly PairExample[]): TrainedPairs {
    const text = PairText.fit(pairs, this.options);
    const { embeddingDim, cell, hiddenSize, numLayers, bidirectional, attention, dropout } = this.options;
    const { tieWeights, sharedEmbeddings, inputFeeding } = this.options;
    const model = new Seq2SeqNetwork({
      sourceTokens: text.parts.sourceVocabulary.size,
      targetTokens: text.parts.targetVocabulary.size,
      embeddingDim,
      cell,
      hiddenSize,
      numLayers,
      bidirectional,
      attention,
      dropout,
      tieWeights,
      sharedEmbeddings,
      inputFeeding,
    });
    return { text, model };
  }
}
