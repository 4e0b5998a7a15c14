import { ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { mapRealSteps } from '../tensor/map-values';
import { quantizedLinear } from '../tensor/ops/quantized';
import { describe, flag, positiveInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { claim } from '../module/allowance';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { BufferTensor } from '../module/parameter';
import { refuseTraining } from './quantized';

/** Options of a QuantizedLinear. */
export interface QuantizedLinearOptions {
  /** Width of the input's last axis. */
  inFeatures: number;
  /** Width of the output's last axis. */
  outFeatures: number;
  /** Whether there is a bias. Default true. */
  bias?: boolean;
}

/**
 * A Linear for inference on the CPU whose weight has 8 bits, made by `quantizeDynamic`:
 *
 *   y = x (weight ⊙ weight_scale)ᵀ + bias
 *
 * Each row of x is rounded to 8 bits while it runs, by its own largest number; products are summed in whole numbers.
 *
 * Shapes: input [N, inFeatures] or [N, T, inFeatures] → last axis outFeatures. A PaddedSequence gives a PaddedSequence.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see torch.ao.nn.quantized.dynamic.Linear
 */
export class QuantizedLinear extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<QuantizedLinearOptions>>;
  /** i8 [outFeatures, inFeatures]. */
  weight: BufferTensor;
  /** f32 [outFeatures]: what a row of the weight is multiplied by. */
  weight_scale: BufferTensor;
  /** f32 [outFeatures], or undefined without bias. */
  bias: BufferTensor | undefined;

  constructor(options: QuantizedLinearOptions) {
    super();
    this.options = readOptions('QuantizedLinear', options, {
      inFeatures: positiveInteger,
      outFeatures: positiveInteger,
      bias: withDefault(flag, true),
    });
    const { inFeatures, outFeatures, bias } = this.options;
    this.weight = blank([outFeatures, inFeatures], 'i8');
    this.weight_scale = blank([outFeatures], 'f32');
    this.bias = bias ? blank([outFeatures], 'f32') : undefined;
  }

  override get isQuantized(): boolean {
    return true;
  }

  /**
   * @throws {ShapeError} if the last axis of `input` is not `inFeatures`; {OptionError} in training; {DeviceError} if
   * it is not on the CPU; {GraphError} if a gradient of the input is wanted
   */
  forward<X extends Sequence>(input: X): X {
    refuseTraining(this);
    checkSequence('QuantizedLinear.forward', input);
    const { inFeatures } = this.options;
    const width = input.shape.at(-1);
    if (width !== inFeatures)
      throw new ShapeError('QuantizedLinear.forward', {
        given: `input ${describe(input)}`,
        expected: `last axis ${inFeatures} (inFeatures)`,
        fix: 'give it what the Linear took that it was made of',
      });
    return mapRealSteps(input, (values) => quantizedLinear(values, this.weight, this.weight_scale, this.bias));
  }
}

function blank(shape: readonly number[], dtype: 'i8' | 'f32'): BufferTensor {
  claim(shape);
  const values = zeros(shape, { dtype });
  const buffer = new BufferTensor(values);
  values.dispose();
  return buffer;
}
