import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import type { EvaluationRecord } from '../report';
import { manualSeed } from '../tensor/generator';
import { readOptions } from '../tensor/read-options';
import type { History } from '../training/history';
import { evaluateClasses, type ClassEvaluation } from './class-evaluation';
import { examineClasses } from './class-examination';
import { ClassLabels } from './class-labels';
import { warnOfEmpty, type CalledExample } from './empty-examples';
import { evenLoader } from './even-batches';
import { collectExamples } from './examples';
import { lengthBins } from './length-bins';
import {
  checkAnswered,
  checkQuestions,
  isStoryless,
  QUESTION_FORM,
  questionExample,
  questionFault,
  type AskedStory,
  type DividedStory,
  type QuestionExample,
} from './question-examples';
import { QuestionNetwork } from './question-network';
import { questionReaders, type QuestionAnswererOptions, type QuestionAnswererSettings } from './question-options';
import { answerQuestions, type QuestionPrediction } from './question-prediction';
import {
  answeredItems,
  questionTrainer,
  sentencesIn,
  someKnown,
  strangersIn,
  wordsOf,
  type TrainedQuestions,
} from './question-trainer';
import { encoderOptions } from './recurrent-encoder';
import { refuseOptions } from './refuse-options';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { TokenEncoder, type TokenEncoderParts } from './token-encoder';
import { featuresOf, TokenFeatures } from './token-features';
import { frequencyFor } from './token-options';
import { classOptions, fitOptions, readTrainOptions, trainReaders } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';
import { unknownInValidation } from './unknown-labels';

/** Readers of the options of `fit`. */
const ofFit = trainReaders({ batchSize: 32, learningRate: 3e-3 });

/** What stands in its file. */
interface Extras extends TaskExtras, TokenEncoderParts {
  readonly answers: readonly string[];
}

/** A question, its story and its answer. */
type AnsweredStory = DividedStory & { readonly answer: string };

/**
 * Answers questions about stories, by one of the answers that training had: a recurrent layer makes a vector of each
 * sentence and of the question, others read the sentences in their order with the question in mind, and the question
 * attends to them, from examples `{ story, question, answer }` to one file that carries it all.
 *
 *     const answerer = new QuestionAnswerer();
 *     await answerer.fit(train, { validation, output: 'run' });
 *     const { answer, sentences } = await answerer.predict({
 *       story: ['Mary went to the garden.', 'John went to the hallway.'],
 *       question: 'Where is Mary?',
 *     });
 *
 * Questions of a validation or an evaluation whose answer training never had count as wrong, and the loss leaves them
 * out; that of an evaluation which has no others is NaN.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class QuestionAnswerer implements Task<QuestionExample, AskedStory, QuestionPrediction, ClassEvaluation> {
  readonly task = 'qa';
  readonly inputFault = questionFault;
  readonly options: Readonly<QuestionAnswererSettings>;
  #trained: TrainedQuestions | undefined;

  constructor(options: QuestionAnswererOptions = {}) {
    this.options = readOptions<object, QuestionAnswererSettings>(
      'QuestionAnswerer',
      options,
      questionReaders,
      fitOptions(ofFit),
    );
  }

  /**
   * Builds one again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<QuestionAnswerer> {
    const classes = { QuestionNetwork, TokenFeatures };
    const { model, extras } = await loadTask<Extras>('QuestionAnswerer.load', path, 'qa', classes);
    const { options, answers, words, lowercase } = extras;
    const answerer = new QuestionAnswerer(options);
    answerer.#trained = {
      answers: ClassLabels.named(answers),
      tokens: new TokenEncoder({ words, lowercase }),
      model: model as QuestionNetwork,
    };
    return answerer;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): QuestionNetwork | undefined {
    return this.#trained?.model;
  }

  /** The answers, in the order of the classes; undefined before `fit` or `load`. */
  get answers(): readonly string[] | undefined {
    return this.#trained?.answers.names;
  }

  async fit(examples: Examples<QuestionExample>, options: TaskFitOptions<QuestionExample> = {}): Promise<History> {
    const op = 'QuestionAnswerer.fit';
    const settings = readTrainOptions(op, options, ofFit, classOptions('QuestionAnswerer', questionReaders));
    const { validation } = options;
    const train = await this.#collect(op, examples);
    const checks = validation && (await this.#collect(op, validation, 'validation example'));
    warnOfEmpty(op, { train, validation: checks }, isStoryless, 'an empty story');
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= await this.#begin(op, train));
    const items = someKnown(op, trained, answeredItems(trained, train).known);
    const named = (checks ?? []).map(({ answer }) => [answer]);
    const unknown = unknownInValidation(op, trained.answers, named, 'answer');
    const { known, others } = answeredItems(trained, checks ?? [], unknown);
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, {
        batchSampler: new BucketSampler(items.map(sentencesIn), { batchSize: settings.batchSize }),
      }),
      validation: checks && evenLoader(someKnown(`${op}: validation`, trained, known), sentencesIn, others),
      examine: checks && (() => this.#examine(op, checks, 'validation')),
      trainer: (parts: TaskTrainerParts) => questionTrainer(trained, parts),
    };
    return trainTask(training, settings);
  }

  async evaluate(examples: Examples<QuestionExample>): Promise<ClassEvaluation> {
    const op = 'QuestionAnswerer.evaluate';
    return (await this.#judge(op, await this.#collect(op, examples))).evaluation;
  }

  async examine(
    examples: Examples<QuestionExample>,
    part: EvaluationRecord['part'] = 'test',
  ): Promise<EvaluationRecord> {
    const op = 'QuestionAnswerer.examine';
    return this.#examine(op, await this.#collect(op, examples), part);
  }

  /**
   * The answer to a question.
   *
   * @throws {OptionError} before `fit` or `load`, or if it is no `{ story, question }`, or the question is empty
   */
  predict(question: AskedStory): Promise<QuestionPrediction>;
  /** The answers to several questions, in their order. */
  predict(questions: readonly AskedStory[]): Promise<QuestionPrediction[]>;
  async predict(
    given: AskedStory | readonly AskedStory[],
    options?: unknown,
  ): Promise<QuestionPrediction | QuestionPrediction[]> {
    const op = 'QuestionAnswerer.predict';
    refuseOptions(op, options);
    const trained = this.#known(op);
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const said = await answerQuestions(trained, checkQuestions(op, list));
    return Array.isArray(given) ? said : (said[0] as QuestionPrediction);
  }

  /**
   * Of a question and its story the words that are not in the vocabulary, each once.
   *
   * @throws {OptionError} before `fit` or `load`
   * @internal
   */
  strangers(asked: AskedStory): readonly string[] {
    const op = 'QuestionAnswerer.strangers';
    return checkQuestions(op, [asked]).flatMap((one) => strangersIn(this.#known(op), one));
  }

  async save(path: string): Promise<void> {
    const { model, answers, tokens } = this.#known('QuestionAnswerer.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, answers: answers.names, ...tokens.parts }));
  }

  #known(op: string): TrainedQuestions {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** Learns words and answers, and builds the network. */
  async #begin(op: string, examples: readonly AnsweredStory[]): Promise<TrainedQuestions> {
    const { lowercase, attention } = this.options;
    const answers = ClassLabels.of(
      op,
      examples.map(({ answer }) => [answer]),
      false,
      'answer',
    );
    const tokens = TokenEncoder.fit(
      examples.map(({ story, question }) => [...story, question].flatMap(wordsOf)),
      { minFrequency: frequencyFor(this.options, examples.length), characters: false, lowercase },
    );
    const features = await featuresOf(tokens.parts, this.options);
    const encoder = encoderOptions(this.options);
    const model = new QuestionNetwork({ features: features.options, encoder, answers: answers.size, attention });
    features.fill(model.features);
    return { answers, tokens, model };
  }

  /** What is said of examples, and how good it is. */
  async #judge(op: string, examples: readonly AnsweredStory[]) {
    const trained = this.#known(op);
    const right = examples.map(({ answer }) => answer);
    const { known } = answeredItems(trained, examples);
    const { loss } =
      known.length === 0
        ? { loss: Number.NaN }
        : await evaluateOnce(questionTrainer(trained), evenLoader(known, sentencesIn));
    const said = (await answerQuestions(trained, examples)).map(({ answer, ...one }) => ({ label: answer, ...one }));
    const labels = right.map((answer) => [answer]);
    return { said, labels, evaluation: await evaluateClasses(loss, trained.answers, said, labels) };
  }

  async #examine(
    op: string,
    examples: readonly AnsweredStory[],
    part: EvaluationRecord['part'] = 'test',
  ): Promise<EvaluationRecord> {
    const { said, labels, evaluation } = await this.#judge(op, examples);
    const texts = examples.map(({ story, question }, place) => ({
      text: `${story.join(' ')} ${question}`,
      labels: labels[place] ?? [],
    }));
    const lengths = lengthBins(examples.map(({ story }) => story.length));
    return { part, ...examineClasses(evaluation, texts, said), lengths };
  }

  async #collect(
    op: string,
    examples: Examples<QuestionExample>,
    called: CalledExample = 'example',
  ): Promise<AnsweredStory[]> {
    const all = await collectExamples(op, examples, QUESTION_FORM, (one, place) => questionExample(op, one, place));
    checkAnswered(op, all, called);
    return all;
  }
}
