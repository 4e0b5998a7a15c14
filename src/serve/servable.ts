import type { GenerateOptions } from '../tasks/generate-options';
import type { InputFault } from '../tasks/input-fault';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** Answers several inputs at once. */
export interface Predictor {
  /**
   * The answers to several inputs, in their order, in a form that JSON has. The inputs come from several clients, as
   * JSON gave them; the next call comes when this one has answered.
   *
   * @throws {OptionError} or ShapeError, DTypeError, DataError if an input is at fault: its message goes to the client;
   * any other error is the server's, and its message does not
   */
  predict(inputs: readonly unknown[]): Promise<ArrayLike<unknown>>;
  /**
   * The same, asked in its place where it is there: of a task whose `predict` takes some arrays for one input.
   *
   * @param inputs  of several clients, as JSON gave them
   */
  predictBatch?(inputs: readonly unknown[]): Promise<ArrayLike<unknown>>;
  /**
   * What is wrong with an input, in words of JSON; undefined if nothing is. The request is then refused before it waits
   * for its turn.
   */
  inputFault?(input: unknown): InputFault | undefined;
}

/** Makes texts. */
export interface TextGenerator {
  /**
   * A text, piece by piece. Where its client goes, the iterator's `return()` is called.
   *
   * @param options  as the client sent them; texts in them and `length` are no longer than the server allows
   * @throws as `predict` of a Predictor
   */
  generate(options: GenerateOptions): AsyncIterable<string>;
  /** What is wrong with options as the client sent them, in words of JSON; undefined if nothing is. */
  generateFault?(options: object): InputFault | undefined;
}

/** What can be served: a task, or any object that predicts or generates. */
export type Servable = Predictor | TextGenerator;

/** Whether there is a POST /predict. */
export const predicts = (task: object): task is Predictor => 'predict' in task && typeof task.predict === 'function';

/** Whether there is a POST /generate. */
export const generates = (task: object): task is TextGenerator =>
  'generate' in task && typeof task.generate === 'function';

/**
 * Refuses what cannot be served.
 *
 * @throws {OptionError} if `task` neither predicts nor generates, or has learned nothing yet
 */
export function checkServable(op: string, task: unknown): asserts task is Servable {
  if (typeof task === 'object' && task !== null && (predicts(task) || generates(task))) return checkTrained(op, task);
  throw new OptionError(op, {
    given: describe(task),
    expected: 'a task, or another object with a method predict or generate',
    fix:
      'load a task, as in serve(await TextClassifier.load(path)), ' +
      'or wrap a model: serve({ predict: async (inputs) => … })',
  });
}

/** A task that has learned nothing would refuse each request, and its clients could not mend that. */
function checkTrained(op: string, task: object): void {
  if (!('task' in task && 'model' in task) || task.model !== undefined) return;
  throw new OptionError(op, {
    given: 'a task that has learned nothing yet',
    expected: 'one that was trained or loaded',
    fix: 'call await task.fit(examples) first, or load one',
  });
}
