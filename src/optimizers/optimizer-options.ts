import { OptionError } from '../tensor/errors';
import { checkOptions, describe, nonNegativeNumber } from '../tensor/options';
import type { Tensor } from '../tensor/tensor';

/** Options that all optimizers share. */
export interface OptimizerOptions {
  /** Length of a step, at least 0. The default differs from optimizer to optimizer. */
  learningRate?: number;
  /**
   * Pulls parameters towards 0, at least 0: adds weightDecay · parameter to the gradient (L2), unless the optimizer
   * says otherwise. Default 0.
   */
  weightDecay?: number;
}

/** Parameters with options of their own; what is left out comes from the options of the optimizer. */
export type ParameterGroup<O extends OptimizerOptions = OptimizerOptions> = O & { parameters: Iterable<Tensor> };

/** A group with all its options. They may be changed between steps, as schedules change the learning rate. */
export type OptimizerGroup<O extends OptimizerOptions = OptimizerOptions> = Required<O> & {
  readonly parameters: readonly Tensor[];
};

/** Checks learning rate and weight decay, and that there is no option but these and `own`. */
export function checkShared(
  op: string,
  options: OptimizerOptions,
  own: readonly string[],
  learningRate: number,
  weightDecay = 0,
): Required<OptimizerOptions> {
  checkOptions(op, options, ['learningRate', 'weightDecay', ...own]);
  return {
    learningRate: nonNegativeNumber(op, 'learningRate', options.learningRate ?? learningRate),
    weightDecay: nonNegativeNumber(op, 'weightDecay', options.weightDecay ?? weightDecay),
  };
}

/**
 * Two factors in [0, 1) of running means.
 *
 * @throws {OptionError} if `value` is anything else
 */
export function checkBetas(op: string, value: readonly [number, number]): readonly [number, number] {
  const given: unknown = value;
  const valid =
    Array.isArray(given) &&
    given.length === 2 &&
    given.every((beta) => typeof beta === 'number' && beta >= 0 && beta < 1);
  if (!valid)
    throw new OptionError(op, {
      given: `betas: ${describe(given)}`,
      expected: 'two numbers in [0, 1)',
      fix: 'pass such as betas: [0.9, 0.999]',
    });
  return [value[0], value[1]];
}
