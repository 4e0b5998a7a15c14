import type { Dataset } from '../data/dataset';
import type { EvaluationRecord } from '../report';
import type { Figures } from '../training/epoch-record';
import type { History } from '../training/history';
import type { InputFault } from './input-fault';
import type { TrainTaskOptions } from './train-options';

/** Examples of a task: an array, or a dataset that makes or reads them when they are asked for. */
export type Examples<Example> = readonly Example[] | Dataset<Example>;

/** Options of a task's `fit`. */
export interface TaskFitOptions<Example> extends TrainTaskOptions {
  /** Examples to evaluate on after each epoch; they also decide which weights were the best. Default: none. */
  validation?: Examples<Example> | undefined;
}

/**
 * What every task can do: go from a user's examples to a saved model and back, with text, model, loss, metrics and
 * decoder chosen for it. A task is a class whose constructor takes one object of options, all of which have defaults,
 * and which is loaded again by a static method, see `TaskClass`.
 *
 * @typeParam Example     what it learns from, such as `{ text, label }`
 * @typeParam Input       what it is asked about, such as a text
 * @typeParam Prediction  what it answers, such as `{ label, probability }`
 * @typeParam Evaluation  what `evaluate` gives: the loss, the metrics by their names, and what else the task measures
 */
export interface Task<Example, Input, Prediction, Evaluation extends Pick<Figures, 'loss'> = Figures> {
  /** What the command line calls it: `classify`. */
  readonly task: string;
  /** The options that it was made with, and their defaults. */
  readonly options: object;

  /**
   * Learns from examples. What has to be known beforehand, such as a vocabulary or the labels, is taken from them at
   * the first call; later calls go on with the same model.
   *
   * @returns the epochs of this training
   * @throws {OptionError} if there is no example, one is not of the task's form, or an option is unknown
   */
  fit(examples: Examples<Example>, options?: TaskFitOptions<Example>): Promise<History>;

  /**
   * Loss and metrics over examples that were not trained on.
   *
   * @throws {OptionError} before `fit` or `load`, or if an example is not of the task's form
   */
  evaluate(examples: Examples<Example>): Promise<Evaluation>;

  /**
   * What a report shows of examples: figures, and what the task has beside them, such as a confusion matrix and the
   * examples that it got most wrong.
   *
   * @param part  which part of the data they are. Default test
   * @throws as `evaluate`
   */
  examine(examples: Examples<Example>, part?: EvaluationRecord['part']): Promise<EvaluationRecord>;

  /**
   * The answer to one input.
   *
   * @throws {OptionError} before `fit` or `load`, or if the input is not of the task's form
   */
  predict(input: Input): Promise<Prediction>;
  /** The answers to several inputs, in their order, computed batch by batch. */
  predict(inputs: readonly Input[]): Promise<Prediction[]>;

  /**
   * The answers to several inputs, in their order, whatever each of them is: of a task whose input may be an array, so
   * that `predict` would take some arrays of inputs for one. A server asks by it.
   *
   * @throws as `predict`
   */
  predictBatch?(inputs: readonly Input[]): Promise<Prediction[]>;

  /**
   * What is wrong with an input that came as JSON, in words of JSON. A server asks by it before it predicts, as its
   * clients know neither the methods nor the examples of a task.
   *
   * @returns undefined if it can be asked about
   */
  inputFault?(input: unknown): InputFault | undefined;

  /**
   * Writes all that `load` needs into one file: weights, vocabulary, labels and settings. It appears whole or not at
   * all.
   *
   * @param path  of the file; an older one is replaced
   * @throws {OptionError} before `fit` or `load`; {FileError} if it cannot be written
   */
  save(path: string): Promise<void>;
}

/**
 * The class of a task, as far as it is the same for all of them: `const task = await TextClassifier.load(path)`.
 *
 * @typeParam T  the task
 */
export interface TaskClass<T> {
  /**
   * Builds the task again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or was written by another class; {FileError} if it cannot be read
   */
  load(path: string): Promise<T>;
}
