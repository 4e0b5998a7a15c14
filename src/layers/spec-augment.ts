import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { ShapeError } from '../tensor/errors';
import { arange, ones } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { clearPadding, mapValues, mapZeros } from '../tensor/map-values';
import { add, floor, ge, logicalAnd, logicalOr, lt, maskedFill, minimum, mul, sub } from '../tensor/ops/elementwise';
import { rand } from '../tensor/ops/random';
import { any, sum } from '../tensor/ops/reduce';
import { describe, nonNegativeInteger, probability } from '../tensor/options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';

/** Options of a SpecAugment. */
export interface SpecAugmentOptions {
  /** Masks over steps, of each sequence. Default 2. */
  timeMasks?: number;
  /** Steps of such a mask at most. Default 40. */
  maxTimeMask?: number;
  /** Part of a sequence that such a mask covers at most, in [0, 1): short ones are not hidden. Default 0.2. */
  maxTimePart?: number;
  /** Masks over features, of each sequence. Default 2. */
  frequencyMasks?: number;
  /** Features of such a mask at most, and no more than there are. Default 10. */
  maxFrequencyMask?: number;
}

/**
 * Hides some steps and some features of each sequence while training, so that a model of sound does not hang on any of
 * them (Park et al., SpecAugment, 2019); passes everything on in evaluation. Width and place of a mask are drawn
 * evenly, by the generator that `manualSeed` sets. What is hidden becomes 0: the mean, behind a Standardize.
 *
 * Shapes: [N, T, F] → the same. Of a PaddedSequence masks lie in the real steps, and padding stays zero.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class SpecAugment extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<SpecAugmentOptions>>;

  constructor(options: SpecAugmentOptions = {}) {
    super();
    this.options = readOptions('SpecAugment', options, {
      timeMasks: withDefault(nonNegativeInteger, 2),
      maxTimeMask: withDefault(nonNegativeInteger, 40),
      maxTimePart: withDefault(probability, 0.2),
      frequencyMasks: withDefault(nonNegativeInteger, 2),
      maxFrequencyMask: withDefault(nonNegativeInteger, 10),
    });
  }

  /** Hides, in training. @throws {OptionError} if `input` is no sequence; {ShapeError} if it is not [N, T, F] */
  forward<X extends Sequence>(input: X): X {
    checkSequence('SpecAugment.forward', input);
    if (input.shape.length !== 3)
      throw new ShapeError('SpecAugment.forward', {
        given: `input ${describe(input)}`,
        expected: 'sequences of features, [N, T, F]',
        fix: 'put the batch first: x.unsqueeze(0)',
      });
    const { timeMasks, frequencyMasks } = this.options;
    if (!this.training || timeMasks + frequencyMasks === 0) return clearPadding(input);
    const lengths = realSteps(input);
    return mapZeros(input, (values) =>
      maskedFill(
        values,
        noGrad(() => this.#hidden(values, lengths)),
        0,
      ),
    );
  }

  /** @returns bool [N, T, F] or with an axis of 1 that masks do not differ over */
  #hidden(values: Tensor, lengths: Tensor): Tensor {
    const { timeMasks, maxTimeMask, maxTimePart, frequencyMasks, maxFrequencyMask } = this.options;
    const [, steps = 0, features = 0] = values.shape;
    const ofTime = covered(lengths, minimum(mul(lengths, maxTimePart), maxTimeMask), {
      masks: timeMasks,
      extent: steps,
    });
    const all = add(mul(lengths, 0), features);
    const ofFrequency = covered(all, minimum(all, maxFrequencyMask), { masks: frequencyMasks, extent: features });
    return logicalOr(ofTime.unsqueeze(2), ofFrequency.unsqueeze(1));
  }
}

/** How many steps of each sequence are real, [N, 1, 1]. */
function realSteps(input: Sequence): Tensor {
  return noGrad(() => {
    const { device, dtype } = input;
    const real = mapValues(input, ({ shape }) => ones([shape[0] ?? 0, shape[1] ?? 0, 1], { device, dtype }));
    return sum(valuesOf(clearPadding(real)), 1, { keepDim: true });
  });
}

/**
 * Which places some masks cover.
 *
 * @param all   places that there are, [N, 1, 1]
 * @param most  places of a mask at most, [N, 1, 1]
 * @returns bool [N, extent]
 */
function covered(all: Tensor, most: Tensor, { masks, extent }: { masks: number; extent: number }): Tensor {
  const { dtype, device, shape } = all;
  /** A whole number in 0..end. */
  const drawn = (end: Tensor): Tensor =>
    floor(mul(rand([shape[0] ?? 0, masks, 1], { dtype, device }), add(floor(end), 1)));
  const places = arange(0, extent, 1, { dtype, device });
  const width = drawn(most);
  const start = drawn(sub(all, width));
  return any(logicalAnd(ge(places, start), lt(places, add(start, width))), 1);
}
