import { ShapeError } from '../tensor/errors';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../tensor/ops/elementwise';
import { logSoftmax, softmax } from '../tensor/ops/normalization';
import { checkNoOptions, describe, finiteNumber } from '../tensor/options';
import { mapRealSteps, mapZeros } from '../tensor/map-values';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/**
 * Base of the activations: a function of each element or of each row of features. Shapes: any → the same. Padding of a
 * PaddedSequence is zero.
 */
export abstract class Activation extends Module {
  /** @throws {OptionError} if there are options, which no activation has that declares none */
  constructor() {
    super();
    checkNoOptions(new.target.name, arguments);
  }

  /** The function, of a tensor of any shape; the result has the same. */
  protected abstract activate(values: Tensor): Tensor;

  /** Applies the function. Shapes: any → the same. @throws {OptionError} if `input` is no sequence */
  forward<X extends Sequence>(input: X): X {
    checkSequence(`${this.constructor.name}.forward`, input);
    return mapRealSteps(input, (values) => this.activate(values));
  }
}

/** Base of the activations that take 0 to 0 and have no parameters: the padding needs no clearing after them. */
abstract class ThroughZero extends Activation {
  /** Applies the function. Shapes: any → the same. @throws {OptionError} if `input` is no sequence */
  override forward<X extends Sequence>(input: X): X {
    checkSequence(`${this.constructor.name}.forward`, input);
    return mapZeros(input, (values) => this.activate(values));
  }
}

/** max(x, 0). */
export class ReLU extends ThroughZero {
  protected override activate(values: Tensor): Tensor {
    return relu(values);
  }
}

/** 1 / (1 + e^-x). */
export class Sigmoid extends Activation {
  protected override activate(values: Tensor): Tensor {
    return sigmoid(values);
  }
}

/** Hyperbolic tangent. */
export class Tanh extends ThroughZero {
  protected override activate(values: Tensor): Tensor {
    return tanh(values);
  }
}

/** x Φ(x), with the distribution function of the normal distribution (the exact form, as torch.nn.GELU). */
export class GELU extends ThroughZero {
  protected override activate(values: Tensor): Tensor {
    return gelu(values);
  }
}

/** x σ(x), also called swish. */
export class SiLU extends ThroughZero {
  protected override activate(values: Tensor): Tensor {
    return silu(values);
  }
}

/** log(1 + e^x). */
export class Softplus extends Activation {
  protected override activate(values: Tensor): Tensor {
    return softplus(values);
  }
}

/** Options of an ELU. */
export interface ELUOptions {
  /** What the function tends to on the left is -alpha. Default 1. */
  alpha?: number;
}

/**
 * x where positive, alpha (e^x - 1) elsewhere.
 *
 * @throws {OptionError} if `alpha` is not finite, or an option is unknown
 */
export class ELU extends ThroughZero {
  /** The options with their defaults. */
  readonly options: Readonly<Required<ELUOptions>>;

  constructor(options: ELUOptions = {}) {
    super();
    this.options = readOptions('ELU', options, { alpha: withDefault(finiteNumber, 1) });
  }

  protected override activate(values: Tensor): Tensor {
    return elu(values, this.options.alpha);
  }
}

/** Options of a LeakyReLU. */
export interface LeakyReLUOptions {
  /** Slope on the left. Default 0.01. */
  negativeSlope?: number;
}

/**
 * x where positive, negativeSlope · x elsewhere.
 *
 * @throws {OptionError} if `negativeSlope` is not finite, or an option is unknown
 */
export class LeakyReLU extends ThroughZero {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LeakyReLUOptions>>;

  constructor(options: LeakyReLUOptions = {}) {
    super();
    this.options = readOptions('LeakyReLU', options, { negativeSlope: withDefault(finiteNumber, 0.01) });
  }

  protected override activate(values: Tensor): Tensor {
    return leakyRelu(values, this.options.negativeSlope);
  }
}

/** Options of Softmax and LogSoftmax. */
export interface SoftmaxOptions {
  /** The axis that sums to 1; of a PaddedSequence an axis of features. Default -1. */
  dim?: number;
}

/** Base of Softmax and LogSoftmax. */
abstract class AlongAxis extends Activation {
  /** The options with their defaults. */
  readonly options: Readonly<Required<SoftmaxOptions>>;

  constructor(options: SoftmaxOptions = {}) {
    super();
    this.options = readOptions(new.target.name, options, { dim: withDefault(finiteNumber, -1) });
  }

  /** @throws {ShapeError} if `dim` is the axis of rows or steps of a PaddedSequence */
  override forward<X extends Sequence>(input: X): X {
    const { dim } = this.options;
    if (input instanceof PaddedSequence && (dim < 0 ? dim + input.shape.length : dim) < 2) {
      const given = `dim ${dim} of a PaddedSequence ${describe(input)}`;
      throw new ShapeError(`${this.constructor.name}.forward`, {
        given,
        expected: 'an axis of features, after [N, T]',
        fix: 'use dim: -1',
      });
    }
    return super.forward(input);
  }
}

/** e^x / Σ e^x along one axis. */
export class Softmax extends AlongAxis {
  protected override activate(values: Tensor): Tensor {
    return softmax(values, this.options.dim);
  }
}

/** x - log Σ e^x along one axis. */
export class LogSoftmax extends AlongAxis {
  protected override activate(values: Tensor): Tensor {
    return logSoftmax(values, this.options.dim);
  }
}
