import type { Readable } from 'node:stream';
import type { Figures } from '../../training/epoch-record';
import type { Module } from '../../module/module';
import type { EventColumnNames } from '../event-cells';
import type { Task } from '../task';
import type { TaskName } from '../task-names';
import type { OptionDescriptor } from './descriptor';

/** A task of any kind: of its examples only its own entry knows more. */
export type AnyTask = Task<unknown, unknown, object, Pick<Figures, 'loss'>> & {
  /** The network; undefined before `fit` or `load`. */
  readonly model: Module | undefined;
};

/** What to read, and how: values of the descriptors of a task's `data`, those that were given. */
export interface DataSource {
  /** The file, or a stream of its bytes. */
  readonly from: string | Readable;
  /** By the names of the descriptors. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The file of the training: a stream, which has no name that tells of its form, has that of such a file. */
  readonly like?: string | undefined;
}

/** Two parts of the examples. */
export interface HeldBack<Example> {
  /** What a model learns from. */
  readonly train: readonly Example[];
  /** What it is validated on. */
  readonly validation: readonly Example[];
  /** How they were divided, for people: '10 % of each label'. */
  readonly how: string;
}

/** Values of an option among which a search draws. */
export interface SearchRange {
  /** Its name in the API. */
  readonly name: string;
  /** Some values, or the ends of a range: all alike, or by their logarithms. */
  readonly values:
    readonly (number | string)[] | { readonly low: number; readonly high: number; readonly scale: 'linear' | 'log' };
}

/** What `predict` of a task takes beside the inputs, where text can say it. */
export interface PredictingEntry<Input, Prediction> {
  /** Its options. */
  readonly options: readonly OptionDescriptor[];
  /** The answers to some inputs, in their order. @throws {OptionError} if an option cannot be used with this task */
  predict(task: AnyTask, inputs: readonly Input[], options: object): Promise<readonly Prediction[]>;
}

/** Other ways to measure a task than its `evaluate` alone, where text can say them. */
export interface EvaluatingEntry<Example> {
  /** What says how. */
  readonly options: readonly OptionDescriptor[];
  /** Whether it trains anew, so that who trains may ask for it at once. Default false. */
  readonly trains?: boolean;
  /**
   * What comes of it.
   *
   * @param options   those that were given, one at least
   * @param training  the options of `fit` that the task was trained with, as far as they are known
   * @throws {OptionError} if an option cannot be used
   */
  evaluate(
    task: AnyTask,
    examples: readonly Example[],
    options: object,
    training: Readonly<Record<string, unknown>>,
  ): Promise<object>;
}

/**
 * A task as whoever takes any task knows it, such as the command line: how it is made of text, and how files become its
 * examples.
 *
 * @typeParam Example     what it learns from
 * @typeParam Input       what it is asked about
 * @typeParam Prediction  what it answers
 */
export interface TaskEntry<Example = unknown, Input = unknown, Prediction = object> {
  /** What the command line calls it: `classify`. */
  readonly name: TaskName;
  /** What it does, in a line. */
  readonly summary: string;
  /** How an example looks, for messages. */
  readonly form: string;
  /** Options of the class, all of them. */
  readonly options: readonly OptionDescriptor[];
  /** Options of its `fit` that text can say. */
  readonly training: readonly OptionDescriptor[];
  /** How data are read. */
  readonly data: readonly OptionDescriptor[];
  /** The figure of an evaluation that tells how good a model is, and which way. */
  readonly quality: { readonly figure: string; readonly better: 'higher' | 'lower' };
  /** Figures of an epoch as people know them, where the loss is known by another name. Default: as they are. */
  readonly shownFigures?: (figures: Figures) => Figures;
  /** What a search for better settings may change. */
  readonly search: readonly SearchRange[];
  /** The same where some options are given, of the class or of `fit`, that leave it other values. Default: as ever. */
  searchBeside?(given: Readonly<Record<string, unknown>>): readonly SearchRange[];
  /**
   * Options of `fit` in a configuration that do not hold beside those that were typed, as a rate of another optimizer.
   * Default: all of them hold.
   */
  outdated?(configured: Readonly<Record<string, unknown>>, typed: Readonly<Record<string, unknown>>): readonly string[];

  /** Makes the task. @throws {OptionError} if an option is unknown or cannot be used */
  make(options: object): AnyTask;
  /** Builds a task again. @throws as `load` of each TaskClass */
  load(path: string): Promise<AnyTask>;
  /** The examples of a file. @throws {FormatError} if it is of another form; {FileError} if it cannot be read */
  examples(source: DataSource): Promise<readonly Example[]>;
  /**
   * Keeps a part of the examples back for validation.
   *
   * @param fraction  how large it is, in (0, 1)
   * @param settings  how the examples were read, and the options of the task
   * @returns undefined if there are too few examples
   */
  holdBack(
    examples: readonly Example[],
    fraction: number,
    seed: number,
    settings: DataSource['settings'],
  ): HeldBack<Example> | undefined;
  /**
   * How many examples there are, where their number does not say it: `40 rows of 3 customers`. Default: their number.
   *
   * @param settings  as of `holdBack`
   */
  examplesText?(examples: readonly Example[], settings: DataSource['settings']): string;
  /** The examples as `fit` and `evaluate` of the task take them. */
  forTask(examples: readonly Example[]): unknown;
  /** What of an example is asked about. */
  inputIn(example: Example): Input;
  /** Inputs to measure predictions of a trained task with, where an example alone is none. Default: of the examples. */
  measuredInputs?(task: AnyTask): readonly Input[];
  /** What an input has some of. */
  readonly unit: 'token' | 'event' | 'frame' | 'step' | 'sentence';
  /** An input of so many of them, to measure a trained task with. */
  inputOfLength(count: number, task: AnyTask): Input;
  /** What stands in a file to be predicted, one after another. @throws as `examples` */
  inputs(source: DataSource): AsyncIterable<Input>;
  /** An input that somebody typed. */
  inputOf(text: string): Input;
  /**
   * The answers to all that stands in a file, where they cannot be given one after another.
   *
   * @param tell  gets a line that says what was asked
   */
  answers?(task: AnyTask, source: DataSource, tell: (line: string) => void): Promise<readonly Prediction[]>;
  /** Options of its `predict`. Default: none. */
  readonly predicting?: PredictingEntry<Input, Prediction>;
  /** Options of an evaluation. Default: none. */
  readonly evaluating?: EvaluatingEntry<Example>;
  /** The command that asks what is in a run folder, for whoever has just trained it. */
  askCommand(run: string): string;
  /** Which columns of a table a trained task reads as what, where it finds that out by itself. */
  columns?(task: AnyTask): EventColumnNames | undefined;
  /** What else a task found out of the examples of its training, in a line for people. */
  foundOut?(task: AnyTask): string | undefined;
  /** What of an input a trained task never saw in training, each once, and reads as unknown. */
  strangers?(task: AnyTask, input: Input): readonly string[];
  /** The columns of a table of predictions. */
  row(input: Input, prediction: Prediction): Readonly<Record<string, string | number>>;
  /** The rows of such a table where an answer may have several. Default: that of `row`. */
  rows?(input: Input, prediction: Prediction): readonly Readonly<Record<string, string | number>>[];
}
