import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import type { EvaluationRecord } from '../report';
import { manualSeed } from '../tensor/generator';
import { readOptions } from '../tensor/read-options';
import type { History } from '../training/history';
import type { CalledExample } from './empty-examples';
import { evenLoader } from './even-batches';
import { collectExamples } from './examples';
import { encoderOptions } from './recurrent-encoder';
import { refuseOptions } from './refuse-options';
import { evaluateSpans, examineSpans, type SpanEvaluation } from './span-evaluation';
import {
  checkContexts,
  checkSpans,
  contextFault,
  SPAN_FORM,
  spanExample,
  type AskedContext,
  type FoundSpan,
  type SpanExample,
} from './span-examples';
import { SpanNetwork } from './span-network';
import { spanReaders, type SpanAnswererOptions, type SpanAnswererSettings } from './span-options';
import { answerSpans, worded, type SpanPrediction } from './span-prediction';
import { answeredSpans, questionWords, spanTrainer, wordsIn, type TrainedSpans } from './span-trainer';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { wordReader } from './span-words';
import { TokenEncoder, type TokenEncoderParts } from './token-encoder';
import { featuresOf, TokenFeatures } from './token-features';
import { frequencyFor } from './token-options';
import { classOptions, fitOptions, readTrainOptions, trainReaders } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';

/** Readers of the options of `fit`. */
const ofFit = trainReaders({ batchSize: 32, learningRate: 3e-3 });

/** Training steps by default. */
const STEPS = 3000;

/** What stands in its file. */
interface Extras extends TaskExtras, TokenEncoderParts {
  readonly longest: number;
}

/**
 * Answers a question by a part of a text that has the answer in it: recurrent layers read the text with the question in
 * mind, and say with which word the answer begins and with which it ends, from examples `{ context, question, answer }`
 * to one file that carries it all.
 *
 *     const answerer = new SpanAnswerer();
 *     await answerer.fit(train, { validation, output: 'run' });
 *     const { answer, start, end } = await answerer.predict({
 *       context: 'The Nile, which flows north, is the longest river of Africa.',
 *       question: 'Where does the Nile flow?',
 *     });
 *
 * An answer of any words may be found, also one that training never had; a QuestionAnswerer chooses among those of
 * training.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class SpanAnswerer implements Task<SpanExample, AskedContext, SpanPrediction, SpanEvaluation> {
  readonly task = 'span';
  readonly inputFault = contextFault;
  readonly options: Readonly<SpanAnswererSettings>;
  #trained: TrainedSpans | undefined;

  constructor(options: SpanAnswererOptions = {}) {
    const readers = fitOptions(ofFit);
    this.options = readOptions<object, SpanAnswererSettings>('SpanAnswerer', options, spanReaders, readers);
  }

  /**
   * Builds one again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<SpanAnswerer> {
    const classes = { SpanNetwork, TokenFeatures };
    const { model, extras } = await loadTask<Extras>('SpanAnswerer.load', path, 'span', classes);
    const { options, words, lowercase, longest } = extras;
    const answerer = new SpanAnswerer(options);
    answerer.#trained = { tokens: new TokenEncoder({ words, lowercase }), model: model as SpanNetwork, longest };
    return answerer;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): SpanNetwork | undefined {
    return this.#trained?.model;
  }

  /**
   * Learns where answers stand in their contexts.
   *
   * @throws {OptionError} as that of each `Task`, or if a context, a question or an answer is empty, or an answer is
   *   not in its context, naming the first such examples
   */
  async fit(examples: Examples<SpanExample>, options: TaskFitOptions<SpanExample> = {}): Promise<History> {
    const op = 'SpanAnswerer.fit';
    const settings = readTrainOptions(op, options, ofFit, classOptions('SpanAnswerer', spanReaders));
    const { validation } = options;
    const train = await this.#collect(op, examples);
    const checks = validation && (await this.#collect(op, validation, 'validation example'));
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= await this.#begin(train));
    const items = await answeredSpans(trained, train);
    const checked = checks && (await answeredSpans(trained, checks));
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, {
        batchSampler: new BucketSampler(items.map(wordsIn), { batchSize: settings.batchSize }),
      }),
      validation: checked && evenLoader(checked, wordsIn),
      steps: STEPS,
      examine: checks && (() => this.#examine(op, checks, 'validation')),
      trainer: (parts: TaskTrainerParts) => spanTrainer(trained, parts),
    };
    return trainTask(training, settings);
  }

  async evaluate(examples: Examples<SpanExample>): Promise<SpanEvaluation> {
    const op = 'SpanAnswerer.evaluate';
    return (await this.#judge(op, await this.#collect(op, examples))).evaluation;
  }

  async examine(examples: Examples<SpanExample>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    const op = 'SpanAnswerer.examine';
    return this.#examine(op, await this.#collect(op, examples), part);
  }

  /** The answer to a question. @throws {OptionError} before `fit` or `load`, or it is no question */
  predict(question: AskedContext): Promise<SpanPrediction>;
  /** The answers to several questions, in their order. */
  predict(questions: readonly AskedContext[]): Promise<SpanPrediction[]>;
  async predict(
    given: AskedContext | readonly AskedContext[],
    options?: unknown,
  ): Promise<SpanPrediction | SpanPrediction[]> {
    const op = 'SpanAnswerer.predict';
    refuseOptions(op, options);
    const trained = this.#known(op);
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const said = await answerSpans(trained, await worded(checkContexts(op, list)), this.#longest(trained));
    return Array.isArray(given) ? said : (said[0] as SpanPrediction);
  }

  async save(path: string): Promise<void> {
    const { model, tokens, longest } = this.#known('SpanAnswerer.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, longest, ...tokens.parts }));
  }

  #known(op: string): TrainedSpans {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  #longest({ longest }: TrainedSpans): number {
    return this.options.maxLength ?? longest;
  }

  /** Learns the words, and builds the network. */
  async #begin(examples: readonly FoundSpan[]): Promise<TrainedSpans> {
    const { lowercase } = this.options;
    const contexts = new Set(examples.map(({ words }) => words));
    const tokens = TokenEncoder.fit(
      [
        ...[...contexts].map((words) => words.map(({ word }) => word)),
        ...examples.map(({ question }) => questionWords(question)),
      ],
      {
        minFrequency: frequencyFor(this.options, examples.length),
        characters: false,
        lowercase,
      },
    );
    const features = await featuresOf(tokens.parts, this.options);
    const model = new SpanNetwork({ features: features.options, encoder: encoderOptions(this.options) });
    features.fill(model.features);
    const longest = examples.reduce((most, { span: { first, last } }) => Math.max(most, last - first + 1), 1);
    return { tokens, model, longest };
  }

  /** What is answered, and how good it is. */
  async #judge(op: string, examples: readonly FoundSpan[]) {
    const trained = this.#known(op);
    const items = await answeredSpans(trained, examples);
    const { loss } = await evaluateOnce(spanTrainer(trained), evenLoader(items, wordsIn));
    const said = await answerSpans(trained, examples, this.#longest(trained));
    return { said, evaluation: evaluateSpans(loss, said, examples) };
  }

  async #examine(
    op: string,
    examples: readonly FoundSpan[],
    part: EvaluationRecord['part'] = 'test',
  ): Promise<EvaluationRecord> {
    const { said, evaluation } = await this.#judge(op, examples);
    return { part, ...examineSpans(evaluation, said, examples) };
  }

  async #collect(op: string, examples: Examples<SpanExample>, called: CalledExample = 'example'): Promise<FoundSpan[]> {
    const wordsOf = wordReader();
    const all = await collectExamples(op, examples, SPAN_FORM, (one, place) => spanExample(op, one, place, wordsOf));
    return checkSpans(op, all, called);
  }
}
