import { clipGradNorm } from '../optimizers/clip';
import { GradScaler } from '../optimizers/grad-scaler';
import type { Optimizer } from '../optimizers/optimizer';
import { autocast } from '../tensor/autocast';
import { compile } from '../tensor/compile';
import type { MathMode } from '../tensor/device';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';

/** What goes through a model, and what came of it. */
export interface Outcome {
  loss: Tensor;
  /** Absent where nobody wants it. */
  output?: Sequence;
}

/** What a training step is made of. */
export interface StepOptions {
  forward: (input: Sequence, target: Sequence) => { loss: Tensor; output: Sequence };
  optimizer: Optimizer;
  clipGradNorm: number | undefined;
  precision: MathMode | undefined;
  compile: boolean;
  /** Whether the output is wanted. */
  output: boolean;
}

/** Runs `fn` in a math mode, or in that of the moment. */
export const inPrecision = <R>(precision: MathMode | undefined, fn: () => R): R => (precision === undefined ? fn() : autocast(precision, fn));

/** A training step: forward, loss, backward, clipping, update; with `f16` by a scaled loss. */
export function trainingStep({ forward, optimizer, clipGradNorm: maxNorm, precision, compile: compiled, output: wanted }: StepOptions): (input: Sequence, target: Sequence) => Outcome {
  const scaler = precision === 'f16' ? new GradScaler() : undefined;
  const step = (input: Sequence, target: Sequence): Outcome => {
    const { loss, output } = inPrecision(precision, () => forward(input, target));
    optimizer.zeroGrad();
    (scaler?.scale(loss) ?? loss).backward();
    if (maxNorm !== undefined) {
      scaler?.unscale_(optimizer);
      clipGradNorm(optimizer.groups.flatMap((group) => group.parameters), { maxNorm });
    }
    if (scaler === undefined) optimizer.step();
    else scaler.step(optimizer);
    scaler?.update();
    return wanted ? { loss, output } : { loss };
  };
  return compiled ? compile(step) : step;
}
