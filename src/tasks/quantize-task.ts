import { quantizeInPlaceOf, type QuantizeDynamicOptions, type QuantizeDynamicResult } from '../layers/quantize-dynamic';
import type { Module } from '../module/module';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { notTrained } from './task-file';

/** A task whose answers come from a network. */
export interface NetworkTask {
  /** What the command line calls it: `classify`. */
  readonly task: string;
  /** The network; undefined before `fit` or `load`. */
  readonly model: Module | undefined;
}

/**
 * Gives the network of a trained task weights of 8 bits, in the place of those that it has, for answers on the CPU:
 * what `quantizeDynamic` makes of a model, and `stmnet quantize` of a run. The task then predicts, evaluates, and is
 * saved and loaded as before; it cannot be trained any more. To keep the task in f32, load it once more.
 *
 *     const small = await TextClassifier.load('spam.safetensors');
 *     quantizeTask(small);
 *     const { accuracy } = await small.evaluate(test);
 *     await small.save('small.safetensors');
 *
 * @param task  on the CPU
 * @returns the paths of the layers that have 8 bits, and the layers that are left in f32, with the reason
 * @throws {OptionError} before `fit` or `load`; if it is no task; as `quantizeDynamic`
 * @throws {DeviceError} if the task is not on the CPU
 */
export function quantizeTask(
  task: NetworkTask,
  options: QuantizeDynamicOptions = {},
): Pick<QuantizeDynamicResult, 'quantized' | 'left'> {
  const op = 'quantizeTask';
  const given: unknown = task;
  if (typeof given !== 'object' || given === null || !('task' in given) || !('model' in given))
    throw new OptionError(op, {
      given: `${describe(given)} as task`,
      expected: 'a trained task, such as a TextClassifier',
      fix: 'pass the task itself, or a model to quantizeDynamic(model)',
    });
  if (task.model === undefined) throw notTrained(op);
  return quantizeInPlaceOf(op, task.model, options);
}
