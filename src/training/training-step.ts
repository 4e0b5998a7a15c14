import { binding } from '../native/load';
import { clipGradNorm } from '../optimizers/clip';
import { GradScaler } from '../optimizers/grad-scaler';
import { ids, type Optimizer } from '../optimizers/optimizer';
import { autocast } from '../tensor/autocast';
import { compile } from '../tensor/compile';
import type { MathMode } from '../tensor/device';
import { noGrad } from '../tensor/grad-mode';
import { cast, sub } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { wrap, type Tensor } from '../tensor/tensor';
import type { Measured } from './loss-terms';
import type { MetricHints } from '../metrics/metric';

/** What goes through a model, and what came of it. */
export interface Outcome {
  loss: Tensor;
  /** What the loss consists of. */
  terms: Measured[];
  /** How the loss reads the outputs. */
  hints: MetricHints;
  /** Absent where nobody wants it. */
  output?: Sequence;
  /**
   * After a training step: 0, f32 [], if the optimizer took it, NaN if loss or gradients are not finite. Absent where a
   * GradScaler decides, and where parameters lie on another device than the loss.
   */
  skip?: Tensor;
}

/** What a model and a loss make of a batch. */
export type Forward = Outcome & { output: Sequence };

/** What a training step is made of. */
export interface StepOptions {
  forward: (input: Sequence, target: Sequence) => Forward;
  optimizer: Optimizer;
  clipGradNorm: number | undefined;
  precision: MathMode | undefined;
  compile: boolean;
  /** Whether the output is wanted. */
  output: boolean;
  /** Looks at the gradients before anything is changed by them. */
  afterBackward: () => void;
}

/** Runs `fn` in a math mode, or in that of the moment. */
export const inPrecision = <R>(precision: MathMode | undefined, fn: () => R): R =>
  precision === undefined ? fn() : autocast(precision, fn);

/**
 * A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. A loss or a gradient that
 * is not finite changes no parameter.
 */
export function trainingStep({
  forward,
  optimizer,
  clipGradNorm: maxNorm,
  precision,
  compile: compiled,
  output: wanted,
  afterBackward,
}: StepOptions): (input: Sequence, target: Sequence) => Outcome {
  const scaler = precision === 'f16' ? new GradScaler() : undefined;
  const step = (input: Sequence, target: Sequence): Outcome => {
    const { output, ...measured } = inPrecision(precision, () => forward(input, target));
    const { loss } = measured;
    optimizer.zeroGrad();
    (scaler?.scale(loss) ?? loss).backward();
    afterBackward();
    if (maxNorm !== undefined) scaler?.unscale_(optimizer);
    const norm = maxNorm === undefined ? undefined : clipGradNorm(parametersOf(optimizer), { maxNorm });
    if (scaler !== undefined) {
      scaler.step(optimizer);
      scaler.update();
      return wanted ? { ...measured, output } : measured;
    }
    const skip = unlessFinite(loss, optimizer, norm);
    optimizer.step(skip);
    return wanted ? { ...measured, ...skip, output } : { ...measured, ...skip };
  };
  return compiled ? compile(step) : step;
}

/**
 * Lets the optimizer skip a step whose loss or gradients are not finite, as a GradScaler does of itself: one NaN among
 * them would soon make every parameter NaN. The device decides, and nothing is awaited.
 *
 * @param norm  of the gradients, if it is known
 */
function unlessFinite(loss: Tensor, optimizer: Optimizer, norm: Tensor | undefined): { skip?: Tensor } {
  // Those of a group are on one device.
  const elsewhere = ([first]: readonly Tensor[]): boolean => first !== undefined && first.device !== loss.device;
  if (optimizer.groups.some(({ parameters }) => elsewhere(parameters))) return {};
  const parameters = norm === undefined ? parametersOf(optimizer) : [];
  const largest = largestMagnitude(norm === undefined ? [loss] : [loss, norm], parameters);
  return { skip: noGrad(() => cast(sub(largest, largest), 'f32')) }; // 0 of a finite number, else NaN
}

const parametersOf = ({ groups }: Optimizer): Tensor[] => groups.flatMap(({ parameters }) => parameters);

/** The largest magnitude among some values and the gradients of parameters, f64 []; NaN if an element is NaN. */
export const largestMagnitude = (values: readonly Tensor[], parameters: readonly Tensor[]): Tensor =>
  wrap(binding.largestMagnitude(ids(values), ids(parameters)));
