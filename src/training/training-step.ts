import { clipGradNorm } from '../optimizers/clip';
import { GradScaler } from '../optimizers/grad-scaler';
import type { Optimizer } from '../optimizers/optimizer';
import { autocast } from '../tensor/autocast';
import { compile } from '../tensor/compile';
import type { MathMode } from '../tensor/device';
import { noGrad } from '../tensor/grad-mode';
import { cast, sub } from '../tensor/ops/elementwise';
import { reshape } from '../tensor/ops/shape';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { Measured } from './loss-terms';
import type { MetricHints } from './metric';

/** What goes through a model, and what came of it. */
export interface Outcome {
  loss: Tensor;
  /** What the loss consists of. */
  terms: Measured[];
  /** How the loss reads the outputs. */
  hints: MetricHints;
  /** Absent where nobody wants it. */
  output?: Sequence;
}

/** What a training step is made of. */
export interface StepOptions {
  forward: (input: Sequence, target: Sequence) => Required<Outcome>;
  optimizer: Optimizer;
  clipGradNorm: number | undefined;
  precision: MathMode | undefined;
  compile: boolean;
  /** Whether the output is wanted. */
  output: boolean;
}

/** Runs `fn` in a math mode, or in that of the moment. */
export const inPrecision = <R>(precision: MathMode | undefined, fn: () => R): R =>
  precision === undefined ? fn() : autocast(precision, fn);

/**
 * A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. A loss that is not finite
 * changes no parameter.
 */
export function trainingStep({
  forward,
  optimizer,
  clipGradNorm: maxNorm,
  precision,
  compile: compiled,
  output: wanted,
}: StepOptions): (input: Sequence, target: Sequence) => Outcome {
  const scaler = precision === 'f16' ? new GradScaler() : undefined;
  const step = (input: Sequence, target: Sequence): Outcome => {
    const { output, ...measured } = inPrecision(precision, () => forward(input, target));
    const { loss } = measured;
    optimizer.zeroGrad();
    (scaler?.scale(loss) ?? loss).backward();
    if (maxNorm !== undefined) {
      scaler?.unscale_(optimizer);
      clipGradNorm(
        optimizer.groups.flatMap((group) => group.parameters),
        { maxNorm },
      );
    }
    if (scaler === undefined) optimizer.step(unlessFinite(loss, optimizer));
    else scaler.step(optimizer);
    scaler?.update();
    return wanted ? { ...measured, output } : measured;
  };
  return compiled ? compile(step) : step;
}

/**
 * Lets the optimizer skip a step whose loss is not finite, as a GradScaler does of itself: its gradients would make
 * every parameter NaN.
 */
function unlessFinite(loss: Tensor, optimizer: Optimizer): { skip?: Tensor } {
  const elsewhere = ([first]: readonly Tensor[]): boolean => first !== undefined && first.device !== loss.device;
  if (optimizer.groups.some(({ parameters }) => elsewhere(parameters))) return {};
  const value = loss.detach();
  return { skip: noGrad(() => reshape(cast(sub(value, value), 'f32'), [])) }; // 0 of a finite number, else NaN
}
