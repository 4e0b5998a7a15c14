import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import { manualSeed } from '../tensor/generator';
import type { EvaluationRecord, RobustnessRecord } from '../report';
import type { History } from '../training/history';
import { evaluateClasses, evaluateLabelSets, type ClassEvaluation } from './class-evaluation';
import { ClassLabels } from './class-labels';
import { examineClasses } from './class-examination';
import type { ClassPrediction } from './class-prediction';
import { evenLoader } from './even-batches';
import { isBlank, warnOfEmpty, type CalledExample } from './empty-examples';
import { collectExamples, teaching } from './examples';
import { textFault } from './input-fault';
import { languageEncoder } from './language-encoder';
import { lengthBins } from './length-bins';
import { LossWeights } from './loss-weights';
import { encoderOptions } from './recurrent-encoder';
import { refuseOptions } from './refuse-options';
import { measureRobustness, predictionsOf } from './robustness';
import { readRobustnessOptions, type RobustnessOptions } from './robustness-options';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { TextClassifierNetwork } from './text-classifier-network';
import {
  readTextClassifierOptions,
  textClassifierReaders,
  type TextClassifierOptions,
  type TextClassifierSettings,
} from './text-classifier-options';
import { TextEncoder, type TextEncoderParts } from './text-encoder';
import { checkItems, itemsOf, lengthOf, textTrainer, type TrainedText } from './text-classifier-trainer';
import { checkLabels, checkTexts, labelledText, textForm, type LabelledText, type TextExample } from './text-examples';
import { TokenFeatures, featuresOf } from './token-features';
import { classOptions, fitOptions, readTrainOptions, trainReaders } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';
import { unknownInValidation, warnOfMany } from './unknown-labels';

/** Readers of the options of `fit`. */
const ofFit = trainReaders({ batchSize: 32, learningRate: 3e-3 });

/** What stands in its file. */
interface Extras extends TaskExtras, TextEncoderParts {
  readonly labels: readonly string[];
  readonly positive: string | undefined;
  readonly weights: readonly number[] | undefined;
}

/**
 * Says what a text is: spam or not, which of 18 languages, what somebody asks for. Embedding, recurrent layers, pooling
 * and a score for each label, from examples `{ text, label }` to one file that carries it all.
 *
 *     const classifier = new TextClassifier({ hiddenSize: 128, pooling: 'max' });
 *     await classifier.fit(train, { validation, output: 'run' });
 *     const { label, probability } = await classifier.predict('WINNER!! claim your prize');
 *
 * Blanks around a label are no part of it. A label of the validation, or of an evaluation, that training never saw
 * counts as wrong in all figures; the loss leaves examples of it out. `fit` names such labels in a warning, `evaluate`
 * in `unknownLabels`.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class TextClassifier implements Task<TextExample, string, ClassPrediction, ClassEvaluation> {
  readonly task = 'classify';
  readonly inputFault = textFault;
  readonly #given: TextClassifierOptions;
  #options: Readonly<TextClassifierSettings>;
  #trained: TrainedText | undefined;

  constructor(options: TextClassifierOptions = {}) {
    this.#options = readTextClassifierOptions(options, fitOptions(ofFit));
    this.#given = { ...options };
  }

  /** The options with their defaults; from the first `fit` on with the sizes of `languageModel`, if there is one. */
  get options(): Readonly<TextClassifierSettings> {
    return this.#options;
  }

  /**
   * Builds a classifier again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<TextClassifier> {
    const classes = { TextClassifierNetwork, TokenFeatures };
    const { model, extras } = await loadTask<Extras>('TextClassifier.load', path, 'classify', classes);
    const classifier = new TextClassifier(extras.options);
    const { labels, positive, weights, tokenizer, words, characters, lowercase, maxLength, begin } = extras;
    classifier.#trained = {
      labels: new ClassLabels({ names: labels, multiple: classifier.options.multiLabel, positive }),
      text: new TextEncoder({ tokenizer, words, characters, lowercase, maxLength, begin }),
      model: model as TextClassifierNetwork,
      weights: weights && new LossWeights(weights),
    };
    return classifier;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): TextClassifierNetwork | undefined {
    return this.#trained?.model;
  }

  /** The labels, in the order of the classes; undefined before `fit` or `load`. */
  get labels(): readonly string[] | undefined {
    return this.#trained?.labels.names;
  }

  async fit(examples: Examples<TextExample>, options: TaskFitOptions<TextExample> = {}): Promise<History> {
    const op = 'TextClassifier.fit';
    const settings = readTrainOptions(op, options, ofFit, classOptions('TextClassifier', textClassifierReaders));
    const { validation } = options;
    const train = await this.#collect(op, examples);
    const checks = validation && (await this.#collect(op, validation, 'validation example'));
    warnOfEmpty(op, { train, validation: checks }, ({ text }) => isBlank(text), 'an empty text');
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= await this.#begin(op, train));
    const items = teaching(op, itemsOf(trained, train));
    const lengths = items.map(lengthOf);
    const [judged, named] = [checks ?? [], (checks ?? []).map(({ labels }) => labels)];
    const unknown = unknownInValidation(op, trained.labels, named);
    const { known, others } = checkItems(trained, judged, unknown);
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: settings.batchSize }) }),
      validation: checks && evenLoader(teaching(`${op}: validation`, known), lengthOf, others),
      examine: validation && (() => this.examine(validation, 'validation')),
      trainer: (parts: TaskTrainerParts) => textTrainer(trained, this.options, parts, unknown),
    };
    return trainTask(training, settings);
  }

  async evaluate(examples: Examples<TextExample>): Promise<ClassEvaluation> {
    return (await this.#judge('TextClassifier.evaluate', examples)).evaluation;
  }

  async examine(examples: Examples<TextExample>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    const { texts, predictions, evaluation } = await this.#judge('TextClassifier.examine', examples);
    const lengths = texts.map(({ text }) => this.#known('TextClassifier.examine').text.encode(text).words.length);
    return { part, ...examineClasses(evaluation, texts, predictions), lengths: lengthBins(lengths) };
  }

  /** What a text is. @throws {OptionError} before `fit` or `load`, or if it is no text */
  predict(text: string): Promise<ClassPrediction>;
  /** What several texts are, in their order. */
  predict(texts: readonly string[]): Promise<ClassPrediction[]>;
  async predict(given: string | readonly string[], options?: unknown): Promise<ClassPrediction | ClassPrediction[]> {
    const op = 'TextClassifier.predict';
    refuseOptions(op, options);
    const trained = this.#known(op);
    if (!Array.isArray(given)) {
      const [only] = await this.predict([given as string]);
      return only as ClassPrediction;
    }
    const items = checkTexts(op, given).map((text) => ({ tokens: trained.text.encode(text) }));
    if (items.length === 0) return [];
    const trainer = textTrainer(trained, this.options);
    return predictionsOf(trained, items, async (batch) => (await trainer.predict(batch))[0]?.[0]);
  }

  /**
   * How good it is on examples whose texts are changed: characters swapped, dropped or inserted, words replaced by
   * synonyms, or the vectors of a text moved to where the loss grows fastest (the fast gradient method).
   *
   *     const rows = await classifier.robustness(test, { synonyms: await readSynonyms('synonyms.txt') });
   *
   * @returns a row for each change and strength, that without any first
   * @throws {OptionError} as `evaluate`, or if an option is unknown or out of range
   */
  async robustness(examples: Examples<TextExample>, options: RobustnessOptions = {}): Promise<RobustnessRecord[]> {
    const op = 'TextClassifier.robustness';
    const settings = readRobustnessOptions(op, options);
    const trained = this.#known(op);
    const texts = await this.#collect(op, examples);
    const given = texts.flatMap(({ labels }) => labels);
    trained.labels.checkSomeKnown(op, given);
    return measureRobustness(trained, texts, settings, (changed) => this.predict(changed));
  }

  async save(path: string): Promise<void> {
    const { model, text, labels, weights } = this.#known('TextClassifier.save');
    const { task, options } = this;
    const { names, positive } = labels;
    await save(
      model,
      path,
      savedExtras({ task, options, labels: names, positive, weights: weights?.values, ...text.parts }),
    );
  }

  #known(op: string): TrainedText {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** What is said of examples, and how good it is. */
  async #judge(op: string, examples: Examples<TextExample>) {
    const trained = this.#known(op);
    const texts = await this.#collect(op, examples);
    trained.labels.checkSomeKnown(
      op,
      texts.flatMap(({ labels }) => labels),
    );
    const known = itemsOf(trained, texts);
    const trainer = textTrainer(trained, this.options);
    const { loss } =
      known.length === 0 ? { loss: Number.NaN } : await evaluateOnce(trainer, evenLoader(known, lengthOf));
    const predictions = await this.predict(texts.map(({ text }) => text));
    const right = texts.map(({ labels }) => labels);
    const compare = this.options.multiLabel ? evaluateLabelSets : evaluateClasses;
    return { texts, predictions, evaluation: await compare(loss, trained.labels, predictions, right) };
  }

  async #collect(
    op: string,
    examples: Examples<TextExample>,
    called: CalledExample = 'example',
  ): Promise<LabelledText[]> {
    const { multiLabel } = this.options;
    const texts = await collectExamples(op, examples, textForm(multiLabel), (example, place) =>
      labelledText(op, example, place, multiLabel, this.#trained?.labels),
    );
    checkLabels(op, texts, multiLabel, called);
    return texts;
  }

  /** Learns vocabulary and labels, and builds the network. */
  async #begin(op: string, texts: readonly LabelledText[]): Promise<TrainedText> {
    const { multiLabel, classWeights, pooling, languageModel } = this.options;
    const right = texts.map((one) => one.labels);
    const labels = ClassLabels.of(op, right, multiLabel);
    warnOfMany(op, labels, texts.length);
    const language = languageModel && (await languageEncoder(op, languageModel, this.options, this.#given));
    if (language) this.#options = Object.freeze({ ...this.options, ...language.sizes });
    const given = texts.map((one) => one.text);
    const text = language ? language.text : TextEncoder.fit(given, this.options);
    const features = await featuresOf(text.parts, this.options);
    const model = new TextClassifierNetwork({
      features: features.options,
      encoder: encoderOptions(this.options),
      pooling,
      classes: labels.size,
    });
    features.fill(model.features);
    if (language) language.fill(model);
    const weights = classWeights && new LossWeights(labels.weights(op, classWeights, right));
    return { labels, text, model, weights };
  }
}
