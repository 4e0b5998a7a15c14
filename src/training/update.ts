import { binding } from '../native/load';
import { clipGradNorm } from '../optimizers/clip';
import type { GradScaler } from '../optimizers/grad-scaler';
import { ids, type Optimizer } from '../optimizers/optimizer';
import { zerosLike } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add, cast, eq, maskedFill, sub } from '../tensor/ops/elementwise';
import { reshape, select } from '../tensor/ops/shape';
import { wrap, type Tensor } from '../tensor/tensor';
import type { Measured } from './loss-terms';
import type { Rest } from './step-report';
import type { OnNaN, StopFlag } from './stop-flag';

/** What is asked of a term of the loss. */
type Term = Pick<Measured, 'divisor' | 'values'>;

/** What changes the parameters. */
export interface UpdateParts {
  readonly optimizer: Optimizer;
  readonly maxNorm: number | undefined;
  readonly scaler: GradScaler | undefined;
  readonly flag: StopFlag;
}

/**
 * Clips the gradients and changes the parameters. Unless that is to be ignored, a loss or a gradient that is not finite
 * changes none; where it is to stop the training, no later update does.
 *
 * @param of.terms  of the loss
 */
export function update(
  { optimizer, maxNorm, scaler, flag }: UpdateParts,
  { loss, terms }: { loss: Tensor; terms: readonly Term[] },
  onNaN: OnNaN,
): Rest {
  if (maxNorm !== undefined) scaler?.unscale_(optimizer);
  const norm = maxNorm === undefined ? undefined : clipGradNorm(parametersOf(optimizer), { maxNorm });
  const odd = onNaN === 'ignore' ? undefined : oddity(loss, optimizer, { norm, scaled: scaler !== undefined });
  const skip = odd !== undefined && onNaN === 'stop' ? noGrad(() => stopping(flag, odd, terms)) : odd;
  if (scaler === undefined) optimizer.step({ skip });
  else scaler.step(optimizer, { skip });
  scaler?.update();
  return { flag: odd, norm, scale: scaler?.getScale() };
}

/**
 * Whether a step is to be left out because its loss or a gradient is not finite: one NaN among them would soon make
 * every parameter NaN. The device decides, and nothing is awaited. Gradients of a scaled loss are the GradScaler's
 * affair.
 *
 * @param how.norm  of the gradients, if it is known
 * @returns 0, f32 [], of a sound step, else NaN; undefined where parameters lie on another device than the loss
 */
function oddity(
  loss: Tensor,
  optimizer: Optimizer,
  { norm, scaled }: { norm: Tensor | undefined; scaled: boolean },
): Tensor | undefined {
  // Those of a group are on one device.
  const elsewhere = ([first]: readonly Tensor[]): boolean => first !== undefined && first.device !== loss.device;
  if (optimizer.groups.some(({ parameters }) => elsewhere(parameters))) return undefined;
  const parameters = norm === undefined && !scaled ? parametersOf(optimizer) : [];
  const largest = largestMagnitude(norm === undefined || scaled ? [loss] : [loss, norm], parameters);
  return noGrad(() => cast(sub(largest, largest), 'f32')); // 0 of a finite number, else NaN
}

/**
 * Lets the flag know of a step, and gives what the optimizer skips by. A step of which nothing counts for the loss is
 * left out, since its mean is 0 / 0, but is no reason to stop; of several terms each answers for itself.
 */
function stopping(flag: StopFlag, odd: Tensor, terms: readonly Term[]): Tensor {
  const divisors = terms.flatMap(({ divisor, values }) =>
    divisor === 'sum' || divisor === 'quotient' ? [select(values, 0, 0)] : [],
  );
  const nothing = terms.some(({ divisor }) => divisor === 0);
  if (divisors.length === 0 && !nothing) return flag.after(odd);
  const counted = divisors.reduce(
    (mask, divisor) => maskedFill(mask, eq(divisor, 0), 0),
    nothing ? zerosLike(odd) : odd,
  );
  const own = terms.length > 1 ? terms.flatMap(oddityOf) : [];
  return add(flag.after(own.reduce(add, counted)), odd);
}

/** 0, f32 [], of a term that is finite or of which nothing counts, else NaN. */
function oddityOf({ divisor, values }: Term): Tensor[] {
  if (divisor === 0) return [];
  const known = divisor !== 'sum' && divisor !== 'quotient';
  const value = known ? reshape(values, []) : select(values, 0, 1);
  const odd = cast(sub(value, value), 'f32');
  return [known ? odd : maskedFill(odd, eq(select(values, 0, 0), 0), 0)];
}

export const parametersOf = ({ groups }: Optimizer): Tensor[] => groups.flatMap(({ parameters }) => parameters);

/** The largest magnitude among some values and the gradients of parameters, f64 []; NaN if an element is NaN. */
export const largestMagnitude = (values: readonly Tensor[], parameters: readonly Tensor[]): Tensor =>
  wrap(binding.largestMagnitude(ids(values), ids(parameters)));
