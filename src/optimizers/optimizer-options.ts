import { OptionError } from '../tensor/errors';
import { describe, nonNegativeNumber } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';
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
export type ParameterGroup<O extends OptimizerOptions = OptimizerOptions> = O & {
  /** What is trained, as `model.parameters()` lists it. */
  parameters: Iterable<Tensor>;
};

/** A group with all its options. They may be changed between steps, as schedules change the learning rate. */
export type OptimizerGroup<O extends OptimizerOptions = OptimizerOptions> = Required<O> & {
  /** What is trained. */
  readonly parameters: readonly Tensor[];
};

/** Readers of the options that all optimizers share. */
export const sharedReaders = (learningRate: number, weightDecay = 0): Readers<OptimizerOptions> => ({
  learningRate: withDefault(nonNegativeNumber, learningRate),
  weightDecay: withDefault(nonNegativeNumber, weightDecay),
});

/** Reads two factors in [0, 1) of running means. */
export const betasReader = withDefault(pairOfFactors, [0.9, 0.999]);

function pairOfFactors(op: string, name: string, given: unknown): readonly [number, number] {
  const [first, second, ...more]: unknown[] = Array.isArray(given) ? given : [];
  const isFactor = (beta: unknown): beta is number => typeof beta === 'number' && beta >= 0 && beta < 1;
  if (isFactor(first) && isFactor(second) && more.length === 0) return [first, second];
  throw new OptionError(op, {
    given: `${name}: ${describe(given)}`,
    expected: 'two numbers in [0, 1)',
    fix: `pass such as ${name}: [0.9, 0.999]`,
  });
}
