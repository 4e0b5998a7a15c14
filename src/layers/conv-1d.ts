import { ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { conv1d } from '../tensor/ops/convolution';
import { concat, slice } from '../tensor/ops/shape';
import { describe, flag, positiveInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { floating, readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import {
  windowCount,
  windowReaders,
  windowsOf,
  type WindowOptions,
  type Windows,
} from '../tensor/ops/convolution-windows';
import { checkSequence, fixWithoutFeatures } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';
import { takeOver, type Parameter } from '../module/parameter';
import { uniformValues, type FloatingDType } from '../module/uniform';

/** Options of a Conv1d. */
export interface Conv1dOptions extends WindowOptions {
  /** Last axis of the input. */
  inChannels: number;
  /** Last axis of the output. */
  outChannels: number;
  /** Steps that one window sees. */
  kernelSize: number;
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Convolution along time, features last.
 *
 *   y[n, t, o] = Σ_{c, k} x[n, t · stride + k · dilation - padding, c] · weight[o, c, k] + bias[o]
 *
 * Shapes: input [N, T, inChannels] → [N, T', outChannels] with T' = ⌊(T + 2 · padding - dilation · (kernelSize - 1) -
 * 1) / stride⌋ + 1; weight [outChannels, inChannels, kernelSize] and bias [outChannels], both from U(-1/√(inChannels ·
 * kernelSize), 1/√(inChannels · kernelSize)). A PaddedSequence gives a PaddedSequence whose lengths follow the same
 * formula: each row is convolved as if it stood alone, what lies past its length counting as zeros; a row of length 0
 * keeps it. A row that is too short for a window has no step afterwards, alone as beside longer ones.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see torch.nn.Conv1d, whose features are the second axis
 */
export class Conv1d extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<Conv1dOptions>>;
  /** [outChannels, inChannels, kernelSize]. */
  weight: Parameter;
  /** [outChannels], or undefined without bias. */
  bias: Parameter | undefined;

  constructor(options: Conv1dOptions) {
    super();
    this.options = readOptions('Conv1d', options, {
      inChannels: positiveInteger,
      outChannels: positiveInteger,
      kernelSize: positiveInteger,
      ...windowReaders,
      bias: withDefault(flag, true),
      dtype: floating,
    });
    const { inChannels, outChannels, kernelSize, bias, dtype } = this.options;
    windowsOf('Conv1d', kernelSize, this.options);
    const bound = 1 / Math.sqrt(inChannels * kernelSize);
    this.weight = takeOver(uniformValues([outChannels, inChannels, kernelSize], bound, dtype));
    this.bias = bias ? takeOver(uniformValues([outChannels], bound, dtype)) : undefined;
  }

  override get stepping(): Stepping {
    return this.options.kernelSize > 1 ? 'whole' : 'each';
  }

  /** @throws {ShapeError} if `input` is not [N, T, inChannels] */
  forward<X extends Sequence>(input: X): X;
  forward(input: Sequence): Sequence {
    checkSequence('Conv1d.forward', input);
    const { inChannels, kernelSize } = this.options;
    if (input.shape.length !== 3 || input.shape[2] !== inChannels || input.shape[1] === undefined) {
      throw new ShapeError('Conv1d.forward', {
        given: `input ${describe(input)}`,
        expected: `[N, T, ${inChannels}] (inChannels)`,
        fix:
          fixWithoutFeatures(input) ?? 'put the features on the last axis, or build the layer with another inChannels',
      });
    }
    const windows = windowsOf('Conv1d', kernelSize, this.options);
    const count = windowCount(input.shape[1], windows);
    if (!(input instanceof PaddedSequence))
      return count === 0 ? this.#withoutWindow(input, windows) : this.#convolve(input);
    const { values } = input.zeroPadding();
    const lengths = input.lengths.map((length) => windowCount(length, windows));
    return new PaddedSequence(
      count === 0 ? this.#withoutWindow(values, windows) : this.#convolve(values),
      lengths,
    ).zeroPadding();
  }

  /**
   * The result for an input that is too short for a single window: [N, 0, outChannels]. It is computed of a longer
   * input and cut to nothing, so that input and weights get gradients of 0 and not none, as with short rows beside
   * longer ones.
   */
  #withoutWindow(values: Tensor, { before, after, span }: Windows): Tensor {
    const [rows = 0, steps = 0, channels = 0] = values.shape;
    const missing = Math.max(1, span - before - after - steps);
    const longer = concat(
      [values, zeros([rows, missing, channels], { dtype: values.dtype, device: values.device })],
      1,
    );
    return slice(this.#convolve(longer), [0, 0], [null, 0]);
  }

  #convolve(values: Tensor): Tensor {
    const { stride, padding, dilation } = this.options;
    return conv1d(values, this.weight, { bias: this.bias, stride, padding, dilation });
  }
}
