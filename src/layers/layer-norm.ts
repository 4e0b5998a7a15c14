import { OptionError, ShapeError } from '../tensor/errors';
import { ones, zeros } from '../tensor/factories';
import { layerNorm } from '../tensor/ops/normalization';
import { describe, flag, nonNegativeNumber, positiveInteger } from '../tensor/options';
import { mapRealSteps } from '../tensor/map-values';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { floating, readOptions, withDefault } from '../tensor/read-options';
import { claim } from '../module/allowance';
import { checkSequence, fixWithoutFeatures } from '../module/check-input';
import { Module } from '../module/module';
import { takeOver, type Parameter } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';

/** Options of a LayerNorm. */
export interface LayerNormOptions {
  /** The last axis of the input, or several last axes that are normalised together. */
  normalizedShape: number | readonly number[];
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Whether to learn a factor of each element. Default true. */
  elementwiseAffine?: boolean;
  /** Whether to learn a bias of each element, if there is a factor. Default true. */
  bias?: boolean;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Layer normalisation (Ba et al., 2016) over the last axes.
 *
 *   y = (x - mean) / √(variance + eps) · weight + bias
 *
 * Shapes: input […, normalizedShape] → the same; weight (from ones) and bias (from zeros) [normalizedShape]. A
 * PaddedSequence gives a PaddedSequence, zero past each length.
 *
 * @throws {OptionError} if an extent is not a positive whole number, or an option is unknown
 * @see torch.nn.LayerNorm
 */
export class LayerNorm extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LayerNormOptions>> & {
    /** The last axes that are normalised together. */
    readonly normalizedShape: readonly number[];
  };
  /** Factor, or undefined without elementwiseAffine. */
  weight: Parameter | undefined;
  /** Bias, or undefined without. */
  bias: Parameter | undefined;

  constructor(options: LayerNormOptions) {
    super();
    this.options = readOptions('LayerNorm', options, {
      normalizedShape: extents,
      eps: withDefault(nonNegativeNumber, 1e-5),
      elementwiseAffine: withDefault(flag, true),
      bias: withDefault(flag, true),
      dtype: floating,
    });
    const { normalizedShape, elementwiseAffine, bias, dtype } = this.options;
    if (elementwiseAffine) claim(normalizedShape, bias ? 2 : 1);
    this.weight = elementwiseAffine ? takeOver(ones(normalizedShape, { dtype })) : undefined;
    this.bias = elementwiseAffine && bias ? takeOver(zeros(normalizedShape, { dtype })) : undefined;
  }

  /**
   * @throws {ShapeError} if the last axes of `input` are not `normalizedShape`, or it spans the steps of a
   * PaddedSequence
   */
  forward<X extends Sequence>(input: X): X {
    checkSequence('LayerNorm.forward', input);
    const { normalizedShape, eps } = this.options;
    const axes = normalizedShape.length;
    const last = input.shape.slice(-axes);
    const free = input instanceof PaddedSequence ? input.shape.length - 2 : input.shape.length;
    if (axes > free || last.some((extent, axis) => extent !== normalizedShape[axis])) {
      throw new ShapeError('LayerNorm.forward', {
        given: `input ${describe(input)}`,
        expected: `last axes ${describe([...normalizedShape])} (normalizedShape)`,
        fix: fixWithoutFeatures(input) ?? `build the layer with normalizedShape: ${describe(last)}`,
      });
    }
    return mapRealSteps(input, (values) => layerNorm(values, { weight: this.weight, bias: this.bias, eps, axes }));
  }
}

function extents(op: string, name: string, value: unknown): readonly number[] {
  const given: unknown = typeof value === 'number' ? [value] : value;
  if (Array.isArray(given) && given.length > 0)
    return Object.freeze(given.map((extent) => positiveInteger(op, name, extent)));
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an extent or a list of extents',
    fix: 'pass the last axis of the input',
  });
}
