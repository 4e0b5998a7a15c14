import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import { manualSeed } from '../tensor/generator';
import { readOptions } from '../tensor/read-options';
import { WordTokenizer } from '../text/words';
import type { History } from '../training/history';
import { ClassLabels } from './class-labels';
import { warnOfEmpty, type CalledExample } from './empty-examples';
import { collectExamples, teaching } from './examples';
import type { EvaluationRecord } from '../report';
import { refuseOptions } from './refuse-options';
import { evaluateTags, type TagEvaluation } from './tag-evaluation';
import { examineTags } from './tag-examination';
import { tagSentences, type TagPrediction } from './tag-prediction';
import {
  checkLabelled,
  checkSentenceBatch,
  checkSentences,
  checkTags,
  sentenceFault,
  TAG_FORM,
  taggedSentence,
  type TagExample,
} from './tagged-sentences';
import { TaggerNetwork } from './tagger-network';
import { taggerReaders, type TaggerOptions, type TaggerSettings } from './tagger-options';
import { evenLoader } from './even-batches';
import { checkItems, itemsOf, lengthOf, taggerTrainer, type UnknownTags } from './tagger-trainer';
import { beginTagger, type TrainedTagger } from './trained-tagger';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { TokenEncoder, type TokenEncoderParts } from './token-encoder';
import { TokenFeatures } from './token-features';
import { classOptions, fitOptions, readTrainOptions, trainReaders } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';
import { unknownInValidation } from './unknown-labels';

/** Readers of the options of `fit`. */
const ofFit = trainReaders({ batchSize: 32, learningRate: 3e-3 });

/** What stands in its file. */
interface Extras extends TaskExtras, TokenEncoderParts {
  readonly tags: readonly string[];
  readonly labels: readonly string[] | undefined;
}

/**
 * Says what each word of a sentence is: its part of speech, or of which name, place or date it is a part; and what the
 * sentence is as a whole, if examples have a label. Words and their spelling, recurrent layers that read both ways, a
 * score for each tag, and with `crf` a choice of all tags together, from examples `{ tokens, tags }` to one file that
 * carries it all.
 *
 *     const tagger = new Tagger({ crf: true });
 *     await tagger.fit(train, { validation, output: 'run' });
 *     const { tags, entities } = await tagger.predict(['to', 'Oslo', 'by', 'train']);
 *     // [{ type: 'city', start: 1, end: 2, text: 'Oslo' }]
 *
 * Sentences without a token teach nothing and are passed over; in a later training so are those with a tag or a label
 * that the first one did not have. In a validation or an evaluation these count as wrong in all figures, and the loss
 * leaves out the sentences that have one: `fit` names them in a warning, `evaluate` in `unknownTags` and
 * `unknownLabels`.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class Tagger implements Task<TagExample, readonly string[], TagPrediction, TagEvaluation> {
  readonly task = 'tag';
  readonly inputFault = sentenceFault;
  readonly options: Readonly<TaggerSettings>;
  #trained: TrainedTagger | undefined;

  constructor(options: TaggerOptions = {}) {
    this.options = readOptions<object, TaggerSettings>('Tagger', options, taggerReaders, fitOptions(ofFit));
  }

  /**
   * Builds a tagger again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<Tagger> {
    const classes = { TaggerNetwork, TokenFeatures };
    const { model, extras } = await loadTask<Extras>('Tagger.load', path, 'tag', classes);
    const { options, tags, labels, words, characters, lowercase } = extras;
    const tagger = new Tagger(options);
    tagger.#trained = {
      tags: ClassLabels.named(tags),
      labels: labels && ClassLabels.named(labels),
      tokens: new TokenEncoder({ words, characters, lowercase }),
      model: model as TaggerNetwork,
    };
    return tagger;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): TaggerNetwork | undefined {
    return this.#trained?.model;
  }

  /** The tags, in the order of the classes; undefined before `fit` or `load`. */
  get tags(): readonly string[] | undefined {
    return this.#trained?.tags.names;
  }

  /** The labels of sentences; undefined before `fit` or `load`, and where they are not learned. */
  get labels(): readonly string[] | undefined {
    return this.#trained?.labels?.names;
  }

  async fit(examples: Examples<TagExample>, options: TaskFitOptions<TagExample> = {}): Promise<History> {
    const op = 'Tagger.fit';
    const settings = readTrainOptions(op, options, ofFit, classOptions('Tagger', taggerReaders));
    const { validation } = options;
    const train = await this.#collect(op, examples);
    const checks = validation && (await this.#collect(op, validation, 'validation example'));
    warnOfEmpty(op, { train, validation: checks }, ({ tokens }) => tokens.length === 0, 'no token');
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= await beginTagger(op, train, this.options));
    if (trained.labels) {
      checkLabelled(op, train, 'example');
      checkLabelled(op, checks ?? [], 'validation example');
    }
    const items = teaching(op, itemsOf(trained, train));
    const lengths = items.map(({ tags }) => tags.length);
    const unknown = this.#unknown(op, trained, checks ?? []);
    const { known, others } = checkItems(trained, checks ?? [], unknown);
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: settings.batchSize }) }),
      validation: checks && evenLoader(teaching(`${op}: validation`, known), lengthOf, others),
      examine: checks && (() => this.examine(checks, 'validation')),
      trainer: (parts: TaskTrainerParts) => taggerTrainer(trained, parts, unknown.tags),
    };
    return trainTask(training, settings);
  }

  async evaluate(examples: Examples<TagExample>): Promise<TagEvaluation> {
    return (await this.#judge('Tagger.evaluate', examples)).evaluation;
  }

  async examine(examples: Examples<TagExample>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    const { evaluation, sentences, said } = await this.#judge('Tagger.examine', examples);
    return { part, ...examineTags(evaluation, sentences, said) };
  }

  /**
   * The tags of a sentence.
   *
   * @param sentence  its tokens, divided as those of training are, or a text, which a WordTokenizer divides; no token,
   * `[]`, is one empty sentence
   * @throws {OptionError} before `fit` or `load`, or if it is something else
   */
  predict(sentence: string | readonly string[]): Promise<TagPrediction>;
  /** The tags of several sentences, in their order. @param sentences  the tokens of each */
  predict(sentences: readonly (readonly string[])[]): Promise<TagPrediction[]>;
  async predict(
    given: string | readonly string[] | readonly (readonly string[])[],
    options?: unknown,
  ): Promise<TagPrediction | TagPrediction[]> {
    const op = 'Tagger.predict';
    refuseOptions(op, options);
    const trained = this.#known(op);
    const { sentences, single } = checkSentences(op, given, divide);
    const said = await tagSentences(trained, sentences);
    return single ? (said[0] as TagPrediction) : said;
  }

  /**
   * The tags of several sentences, in their order, where `predict` would read an array of texts as one sentence.
   *
   * @param sentences  each a text or tokens
   * @throws {OptionError} before `fit` or `load`, or naming the place of what is neither
   */
  async predictBatch(sentences: readonly (string | readonly string[])[]): Promise<TagPrediction[]> {
    const op = 'Tagger.predictBatch';
    return tagSentences(this.#known(op), checkSentenceBatch(op, sentences, divide));
  }

  async save(path: string): Promise<void> {
    const { model, tags, labels, tokens } = this.#known('Tagger.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, tags: tags.names, labels: labels?.names, ...tokens.parts }));
  }

  #known(op: string): TrainedTagger {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** Tags and labels of a validation that training never saw, which a warning names. */
  #unknown(op: string, { tags, labels }: TrainedTagger, sentences: readonly TagExample[]): UnknownTags {
    const named = sentences.map(({ label = '' }) => [label]);
    return {
      tags: unknownInValidation(
        op,
        tags,
        sentences.map((sentence) => sentence.tags),
        'tag',
      ),
      labels: labels ? unknownInValidation(op, labels, named) : [],
    };
  }

  /** What is said of examples, and how good it is. */
  async #judge(op: string, examples: Examples<TagExample>) {
    const trained = this.#known(op);
    const sentences = await this.#collect(op, examples);
    if (trained.labels) checkLabelled(op, sentences, 'example');
    trained.tags.checkSomeKnown(
      op,
      sentences.flatMap(({ tags }) => tags),
      'tag',
    );
    const items = itemsOf(trained, sentences);
    const { loss } =
      items.length === 0
        ? { loss: Number.NaN }
        : await evaluateOnce(taggerTrainer(trained), evenLoader(items, lengthOf));
    const said = await tagSentences(
      trained,
      sentences.map(({ tokens }) => tokens),
    );
    return { sentences, said, evaluation: await evaluateTags(loss, trained, said, sentences) };
  }

  async #collect(op: string, examples: Examples<TagExample>, called: CalledExample = 'example'): Promise<TagExample[]> {
    const all = await collectExamples(op, examples, TAG_FORM, (example, place) =>
      taggedSentence(op, example, place, this.#trained),
    );
    checkTags(op, all, called);
    return all;
  }
}

/** The tokens of a text. */
const divide = (text: string): readonly string[] => new WordTokenizer({ lowercase: false }).tokenize(text);
