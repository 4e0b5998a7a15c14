import { ShapeError } from '../tensor/errors';
import { linear } from '../tensor/ops/matmul';
import { describe, flag, positiveInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { floating, readOptions, withDefault } from '../tensor/read-options';
import { mapRealSteps } from '../tensor/map-values';
import { checkSequence, fixWithoutFeatures } from '../module/check-input';
import { Module } from '../module/module';
import { takeOver, type Parameter } from '../module/parameter';
import { uniformValues, type FloatingDType } from '../module/uniform';
import { QuantizedLinear } from './quantized-linear';

/** Options of a Linear. */
export interface LinearOptions {
  /** Last axis of the input. */
  inFeatures: number;
  /** Last axis of the output. */
  outFeatures: number;
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Affine map of the last axis.
 *
 *   y = x Wᵀ + b
 *
 * Shapes: input […, inFeatures] → […, outFeatures]; weight [outFeatures, inFeatures], bias [outFeatures], both from
 * U(-1/√inFeatures, 1/√inFeatures). A PaddedSequence gives a PaddedSequence, zero past each length.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see torch.nn.Linear
 */
export class Linear extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LinearOptions>>;
  /** [outFeatures, inFeatures]. Assign another layer's parameter to tie the two. */
  weight: Parameter;
  /** [outFeatures], or undefined without bias. */
  bias: Parameter | undefined;

  constructor(options: LinearOptions) {
    super();
    this.options = readOptions('Linear', options, {
      inFeatures: positiveInteger,
      outFeatures: positiveInteger,
      bias: withDefault(flag, true),
      dtype: floating,
    });
    const { inFeatures, outFeatures, bias, dtype } = this.options;
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = takeOver(uniformValues([outFeatures, inFeatures], bound, dtype));
    this.bias = bias ? takeOver(uniformValues([outFeatures], bound, dtype)) : undefined;
  }

  /** @internal */
  override emptyQuantized(): QuantizedLinear | undefined {
    const { inFeatures, outFeatures, bias } = this.options;
    return this.constructor === Linear ? new QuantizedLinear({ inFeatures, outFeatures, bias }) : undefined;
  }

  /** @throws {ShapeError} if the last axis of `input` is not `inFeatures` */
  forward<X extends Sequence>(input: X): X {
    checkSequence('Linear.forward', input);
    const { inFeatures } = this.options;
    const width = input.shape.at(-1);
    if (width !== inFeatures) {
      throw new ShapeError('Linear.forward', {
        given: `input ${describe(input)}`,
        expected: `last axis ${inFeatures} (inFeatures)`,
        fix:
          width === undefined
            ? 'give the input an axis of features: x.reshape([1, -1])'
            : (fixWithoutFeatures(input) ?? `build the layer with inFeatures: ${width}`),
      });
    }
    return mapRealSteps(input, (values) => linear(values, this.weight, this.bias));
  }
}
