import { BatchNorm1d } from '../layers/batch-norm-1d';
import { modesOf, trainingModes } from '../module/modes';
import type { Module } from '../module/module';
import { zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add_, cast, clone, copy_, div, zero_ } from '../tensor/ops/elementwise';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { noBatch, type Batches } from './batches';
import { CarriedState } from './carried-state';
import { walkEpoch } from './epoch-walk';
import type { Evaluation } from './evaluation';

const op = 'Trainer.updateBatchNorm';

/**
 * Measures the running means and variances of each BatchNorm1d anew, as the mean over batches of what each batch has,
 * in the modes of a training and under `noGrad`. If anything goes wrong they are as before.
 *
 * @throws {OptionError} if a batch is not what the Trainer takes, or there is none
 */
export async function updateBatchNorm({ trainer, steps }: Evaluation, loader: Batches<unknown>): Promise<void> {
  const { model } = trainer;
  const { layers, train } = trained(model);
  const measurements = layers.map((layer) => new Measurement(layer));
  const carried = new CarriedState();
  let batches = 0;
  try {
    batches = await walkEpoch(loader, {
      evaluating: model, // between batches the modes are as before
      place: (batch) => `batch ${batch} of ${op}`,
      step: (make) => {
        train();
        steps.predict(op, make(), carried);
        return { done: steps.synchronize() };
      },
    });
    if (batches === 0) throw noBatch(op);
    for (const measurement of measurements) measurement.finish();
  } catch (error) {
    for (const measurement of measurements) measurement.undo();
    throw error;
  } finally {
    for (const measurement of measurements) measurement.dispose();
    carried.reset();
  }
}

/** Layers that measure in a training, and what puts the model into the modes of one. */
function trained(model: Module): { layers: BatchNorm1d[]; train: () => void } {
  const restore = modesOf(model);
  trainingModes(model)();
  const layers = Array.from(model.namedModules()).flatMap(([, module]) =>
    module instanceof BatchNorm1d && module.training ? [module] : [],
  );
  const train = modesOf(model);
  restore();
  return { layers, train };
}

/**
 * What a layer measures. Before each batch its statistics are 0, and so they are `momentum` times those of the batch
 * after it.
 */
class Measurement {
  readonly #layer: BatchNorm1d;
  readonly #before: readonly (readonly [buffer: Tensor, before: Tensor])[];
  /** Running mean and variance, each with the sum over batches, f64. */
  readonly #sums: readonly (readonly [running: Tensor, sum: Tensor])[];
  readonly #unhook: () => void;
  #batches = 0;

  constructor(layer: BatchNorm1d) {
    const { running_mean, running_var, num_batches_tracked } = layer;
    const there = (buffers: readonly (Tensor | undefined)[]): Tensor[] => buffers.filter((x) => x !== undefined);
    this.#layer = layer;
    this.#before = there([running_mean, running_var, num_batches_tracked]).map((x) => [x, noGrad(() => clone(x))]);
    this.#sums = there([running_mean, running_var]).map((x) => [x, zeros(x.shape, { dtype: 'f64', device: x.device })]);
    noGrad(() => this.#before.forEach(([buffer]) => void zero_(buffer)));
    this.#unhook = layer.registerForwardHook(() => this.#add());
  }

  #add(): void {
    this.#batches++;
    noGrad(() =>
      scope(() => {
        for (const [running, sum] of this.#sums) {
          add_(sum, cast(running, 'f64'));
          zero_(running);
        }
      }),
    );
  }

  /** Gives the layer the means over all batches; what it had, where there was none, or it takes nothing of them. */
  finish(): void {
    const divisor = this.#batches * this.#layer.options.momentum;
    if (divisor === 0) return this.undo();
    noGrad(() =>
      scope(() => {
        for (const [running, sum] of this.#sums) copy_(running, cast(div(sum, divisor), running.dtype));
      }),
    );
  }

  /** Gives the layer back what it had. */
  undo(): void {
    noGrad(() => this.#before.forEach(([buffer, before]) => void copy_(buffer, before)));
  }

  dispose(): void {
    this.#unhook();
    for (const [, tensor] of [...this.#before, ...this.#sums]) tensor.dispose();
  }
}
