import { TextStream } from '../data/text-stream';
import { save } from '../io/model-file';
import type { Optimizer } from '../optimizers/optimizer';
import { manualSeed } from '../tensor/generator';
import type { EvaluationRecord } from '../report';
import type { TrainingRun } from '../training/callback';
import type { History } from '../training/history';
import { warnOfEmpty } from './empty-examples';
import { generateFault, readGenerateOptions, type GenerateOptions } from './generate-options';
import { generateText, nextTokens, type NextToken, type TrainedLanguage } from './generation';
import { textFault } from './input-fault';
import { evaluateTexts, languageTrainer, wholeText, type LanguageEvaluation } from './language-evaluation';
import { LanguageModelNetwork, networkOptions } from './language-model-network';
import {
  languageModelReaders,
  readLanguageModelOptions,
  ROWS,
  type LanguageModelOptions,
  type LanguageModelSettings,
} from './language-model-options';
import {
  languageAveraging,
  languageOptimizer,
  languageSchedule,
  languageTrainReaders,
  readLanguageFitOptions,
  type LanguageFitOptions,
} from './language-fit-options';
import { LanguageText, type LanguageTextParts } from './language-text';
import { checkTokenCount, collectTexts, type LanguageTexts } from './language-texts';
import { refuseOptions } from './refuse-options';
import type { Task } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { checkTexts } from './text-examples';
import { classOptions, fitOptions } from './train-options';
import { trainTask, type LearningParameters, type TaskTrainerParts } from './train-task';
import { counted } from '../tensor/counted';

/** What stands in its file. */
interface Extras extends TaskExtras, LanguageTextParts {}

/** Training steps by default, and those of an epoch at least: fewer rows are read at once of short texts. */
const [STEPS, STEPS_OF_EPOCH] = [1700, 12];
/** How many next tokens `predict` tells, and prompts that it reads at once. */
const [BEST, PROMPTS] = [10, 32];

/**
 * Learns how a text goes on, character by character, in words, bytes or pieces of words: embedding, recurrent layers
 * whose state is carried from piece to piece of the text, and a score for each token to come next.
 *
 *     const model = new LanguageModel({ hiddenSize: 512 });
 *     await model.fit(book, { validation, output: 'run' });
 *     for await (const piece of model.generate({ prompt: 'ROMEO:', length: 400, temperature: 0.8 }))
 *       process.stdout.write(piece);
 *
 * It learns from one text, or from several, such as documents, each of which has an end that it learns to write. By
 * default AdamW begins with a learning rate of 4e-3, which falls along half a cosine, and an epoch reads 64 rows of the
 * text side by side, `batchSize`, fewer of a short one, for 1,700 steps; `optimizer` of `fit` takes SGD in its place.
 *
 * @throws {OptionError} if an option is unknown or out of range, or two do not go together
 */
export class LanguageModel implements Task<string, string, readonly NextToken[], LanguageEvaluation> {
  readonly task = 'lm';
  readonly inputFault = textFault;
  /** What is wrong with options of `generate` that came as JSON, for a server; undefined if nothing is. */
  readonly generateFault = generateFault;
  readonly options: LanguageModelSettings;
  #trained: TrainedLanguage | undefined;

  constructor(options: LanguageModelOptions = {}) {
    this.options = readLanguageModelOptions(options, fitOptions(languageTrainReaders));
  }

  /**
   * Builds a language model again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<LanguageModel> {
    const { model, extras } = await loadTask<Extras>('LanguageModel.load', path, 'lm', { LanguageModelNetwork });
    const { options, tokenizer, vocabulary, begin } = extras;
    const language = new LanguageModel(options);
    const text = new LanguageText({ tokenizer, vocabulary, begin });
    language.#trained = { text, model: model as LanguageModelNetwork };
    return language;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): LanguageModelNetwork | undefined {
    return this.#trained?.model;
  }

  async fit(texts: LanguageTexts, options: LanguageFitOptions = {}): Promise<History> {
    const op = 'LanguageModel.fit';
    const ofClass = classOptions('LanguageModel', languageModelReaders);
    const settings = readLanguageFitOptions(options, ofClass);
    const { validation } = options;
    const train = await collectTexts(op, texts);
    const checks = validation === undefined ? undefined : await collectTexts(op, validation);
    warnOfEmpty(op, { train, validation: checks }, (text) => text === '', 'nothing to read');
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = this.#trained ?? this.#begin(train, typeof texts === 'string');
    const { text, model } = trained;
    const [run, check] = [text.encode(train), checks && text.encode(checks)];
    checkTokenCount(op, 'a text', run);
    if (check) checkTokenCount(op, 'validation', check);
    const { steps } = this.options;
    const batchSize = options.batchSize ?? rowsOf(run.length, steps);
    const loader = new TextStream(run, { batchSize, steps });
    const training = {
      task: this,
      model,
      loader,
      validation: check && wholeText(check),
      examine: validation === undefined ? undefined : () => this.examine(validation, 'validation'),
      steps: STEPS,
      optimizer: (parameters: LearningParameters) => languageOptimizer(parameters, settings),
      schedule: (optimizer: Optimizer, total: number) =>
        languageSchedule(optimizer, settings, { epoch: loader.length, total }),
      trainer: (parts: TaskTrainerParts) => languageTrainer(model, this.options, parts),
    };
    this.#trained = trained;
    const told = tokensText(run, check, text.size);
    const callbacks = [
      { onStart: (of: TrainingRun) => of.note?.(told) },
      ...languageAveraging(settings),
      ...settings.callbacks,
    ];
    return trainTask(training, { ...settings, batchSize, callbacks });
  }

  /**
   * How well texts are predicted that were not trained on.
   *
   * @throws {OptionError} before `fit` or `load`, or if there is no text, or less than two tokens
   */
  async evaluate(texts: LanguageTexts): Promise<LanguageEvaluation> {
    const op = 'LanguageModel.evaluate';
    const trained = this.#known(op);
    return evaluateTexts(op, trained, await collectTexts(op, texts));
  }

  /** The same as `evaluate`, by the name that language models are asked by. @throws {OptionError} as `evaluate` */
  perplexity(texts: LanguageTexts): Promise<LanguageEvaluation> {
    return this.evaluate(texts);
  }

  async examine(texts: LanguageTexts, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    return { part, figures: { ...(await this.evaluate(texts)) } };
  }

  /** The ten most probable tokens behind a prompt, the most probable first; behind '' those that begin a text. */
  predict(prompt: string): Promise<readonly NextToken[]>;
  /** The same of several prompts, in their order. */
  predict(prompts: readonly string[]): Promise<(readonly NextToken[])[]>;
  async predict(
    given: string | readonly string[],
    options?: unknown,
  ): Promise<readonly NextToken[] | (readonly NextToken[])[]> {
    const op = 'LanguageModel.predict';
    refuseOptions(op, options);
    const trained = this.#known(op);
    const prompts = checkTexts(op, Array.isArray(given) ? given : [given]);
    const told: NextToken[][] = [];
    for (let from = 0; from < prompts.length; from += PROMPTS)
      told.push(...(await nextTokens(trained, prompts.slice(from, from + PROMPTS), BEST)));
    return Array.isArray(given) ? told : (told[0] ?? []);
  }

  /**
   * Writes on where a prompt ends, token by token, as each is drawn; the event loop is free in between. It ends after
   * `length` tokens, before `stop`, or where the model ends the text. A character of several tokens comes whole; what
   * is not in the vocabulary is read as one token for all such, and never written. `temperature: 0` always takes the
   * most probable token.
   *
   *     for await (const piece of model.generate({ prompt: 'ROMEO:', topK: 40, seed: 7 })) process.stdout.write(piece);
   *
   * @throws {OptionError} at the call: before `fit` or `load`, or if an option is unknown or out of range
   */
  generate(options: GenerateOptions = {}): AsyncGenerator<string, void, undefined> {
    const op = 'LanguageModel.generate';
    return generateText(this.#known(op), readGenerateOptions(op, options));
  }

  /** What `generate` gives, as one text. @throws {OptionError} as `generate` */
  async generateText(options: GenerateOptions = {}): Promise<string> {
    let text = '';
    for await (const piece of this.generate(options)) text += piece;
    return text;
  }

  /**
   * Of a prompt the tokens that are not in the vocabulary, each once.
   *
   * @throws {OptionError} before `fit` or `load`
   * @internal
   */
  strangers(prompt: string): readonly string[] {
    return this.#known('LanguageModel.strangers').text.strangers(prompt);
  }

  async save(path: string): Promise<void> {
    const { model, text } = this.#known('LanguageModel.save');
    const { task, options } = this;
    await save(model, path, savedExtras({ task, options, ...text.parts }));
  }

  #known(op: string): TrainedLanguage {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  /** Learns the tokens, and builds the network. */
  #begin(texts: readonly string[], whole: boolean): TrainedLanguage {
    const text = LanguageText.fit(texts, whole, this.options);
    return { text, model: new LanguageModelNetwork(networkOptions(text.size, this.options)) };
  }
}

/** What is learned from, in tokens. */
function tokensText(train: Int32Array, validation: Int32Array | undefined, kinds: number): string {
  const checked = validation === undefined ? '' : `, ${validation.length.toLocaleString('en')} to validate on`;
  return `${counted(train.length, 'token')} to learn from${checked}; ${kinds.toLocaleString('en')} in the vocabulary`;
}

/** Rows of a text that are read at once: fewer of a short one. */
const rowsOf = (tokens: number, steps: number): number =>
  Math.max(1, Math.min(ROWS, Math.floor(tokens / (steps * STEPS_OF_EPOCH))));
