import type { GradientRecord } from './gradient-record';
import { counted } from '../tensor/counted';

/** The loss, and the metrics by their names; their further figures as `f1.spam`. */
export type Figures<Name extends string = string> = { [Figure in Name | `${Name}.${string}`]: number } & {
  /** The loss over all batches. */
  loss: number;
};

/** What one epoch came to. */
export interface EpochRecord {
  /** 1 for the first. */
  epoch: number;
  /** Training steps of the Trainer at its end. */
  step: number;
  /** Loss and metrics over the training batches, taken while the weights changed. */
  train: Figures;
  /** Loss and metrics of the validation batches after the epoch, if there are any. */
  validation?: Figures;
  /**
   * Steps whose loss or gradient was not finite: they changed no parameter, and are left out of `train.loss`. Absent if
   * there was none.
   */
  skipped?: number;
  /** Learning rate of the first parameter group in the last step of the epoch. */
  learningRate: number;
  /** Learning rates of all parameter groups in that step. */
  learningRates: readonly number[];
  /** Joint norm of the gradients before clipping, over the steps of the epoch. Absent where nothing measures it. */
  gradientNorm?: {
    /** Over the steps. */
    mean: number;
    /** The largest. */
    max: number;
  };
  /** What a GradientReport has found. */
  gradients?: GradientRecord;
  /** How long the epoch took, validation included. */
  seconds: number;
  /** Rows of the training batches. */
  examples: number;
  /** Of the training, without validations. */
  examplesPerSecond: number;
  /** In bytes. */
  memory: {
    /** The most that tensors have held at a time so far, on all devices together. */
    tensors: number;
    /** What the process held at the end of the epoch. */
    process: number;
  };
}

/** What one validation came to. */
export interface ValidationRecord {
  /** The epoch in which it was, 1 for the first. */
  epoch: number;
  /** Training steps of the Trainer before it. */
  step: number;
  /** Loss and metrics over the validation batches. */
  validation: Figures;
}

/** What the line of an epoch tells. */
type Shown = 'epoch' | 'train' | 'validation' | 'skipped' | 'seconds';

/** As in `epoch 3/60, step 1200: validation loss 0.2000`. */
export const validationLine = ({ epoch, step, validation }: ValidationRecord, epochs: number): string =>
  `epoch ${epoch}/${epochs}, step ${step}: validation ${figuresText(validation)}`;

/** As in `epoch 3/60: loss 0.1234, accuracy 0.9800 | validation loss 0.2000 | 1.2 s`. */
export function epochLine(
  { epoch, train, validation, skipped, seconds }: Pick<EpochRecord, Shown>,
  epochs: number,
): string {
  const checked = validation === undefined ? '' : ` | validation ${figuresText(validation)}`;
  const left = skipped === undefined ? '' : ` | ${counted(skipped, 'step')} skipped`;
  return `epoch ${epoch}/${epochs}: ${figuresText(train)}${checked}${left} | ${seconds.toFixed(1)} s`;
}

/** As in `validation.loss 0.1234 in epoch 4, after step 400`. */
export const bestText = (best: { figure: string; value: number; epoch: number; step: number }): string =>
  `${best.figure} ${shown(best.value)} in epoch ${best.epoch}, after step ${best.step}`;

/** As in `loss 0.1234, accuracy 0.9800`. */
export const figuresText = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');

/** Four digits after the point, or as many significant ones where that would say nothing. */
const shown = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(3) : value.toFixed(4);
