import { binding } from '../../native/load';
import { idOf, idsOf, optionalIdOf, wrap, type Tensor } from '../tensor';
import type { RecurrentFunctionOptions, RecurrentOutput } from './recurrent';

/** A matrix of which each row is rounded to 8 bits: row r is `numbers[r] · scales[r]`. */
export interface QuantizedMatrix {
  /** i8 [R, C], in -127..127. */
  numbers: Tensor;
  /** f32 [R], the largest number of the row by its size, divided by 127. */
  scales: Tensor;
}

/** Columns that such a matrix has at most: the products of a row are summed in 32 bits. */
export const mostQuantizedColumns = (): number => binding.mostQuantizedColumns();

/**
 * Rounds the rows of a matrix to 8 bits. A row that holds what is not finite has the scale NaN.
 *
 * @param weight  f32 [R, C] on the CPU, C at most `mostQuantizedColumns()`
 * @throws {ShapeError | DTypeError | DeviceError} if it is another tensor
 * @hidden
 */
export function quantizeRows(weight: Tensor): QuantizedMatrix {
  const [numbers, scales] = binding.quantizeRows(idOf(weight, 'quantizeRows', 'weight'));
  return { numbers: wrap(numbers), scales: wrap(scales) };
}

/**
 * `linear` with weights of 8 bits: x · (weight · scales)ᵀ + bias. Each row of x is rounded to 8 bits in the same way
 * while it runs, and products are summed in whole numbers.
 *
 * @param x  f32 [..., C] on the CPU, without a gradient
 * @hidden
 */
export const quantizedLinear = (x: Tensor, weight: Tensor, scales: Tensor, bias?: Tensor): Tensor =>
  wrap(
    binding.quantizedLinear(
      idOf(x, 'quantizedLinear'),
      idOf(weight, 'quantizedLinear', 'weight'),
      idOf(scales, 'quantizedLinear', 'scales'),
      optionalIdOf(bias, 'quantizedLinear', 'bias'),
    ),
  );

/** What `quantizedRecurrent` computes. */
export type QuantizedRecurrentOptions = Omit<RecurrentFunctionOptions, 'dropout' | 'algo'>;

/**
 * `recurrent` with weights of 8 bits. Input and state are rounded to 8 bits row by row and step by step; biases, gates
 * and cells are f32.
 *
 * @param weights  i8, of each layer and direction W_ih, W_hh, (W_hr)
 * @param scales   f32, of the rows of each of these; then, with bias, of each layer and direction b_ih, b_hh
 * @hidden
 */
export function quantizedRecurrent(
  x: Tensor,
  weights: readonly Tensor[],
  scales: readonly Tensor[],
  options: QuantizedRecurrentOptions,
): RecurrentOutput {
  const o = options;
  const [output, h, c] = binding.quantizedRecurrent(
    idOf(x, 'quantizedRecurrent'),
    optionalIdOf(o.h, 'quantizedRecurrent', 'h'),
    optionalIdOf(o.c, 'quantizedRecurrent', 'c'),
    idsOf(weights, 'quantizedRecurrent', 'weights'),
    idsOf(scales, 'quantizedRecurrent', 'scales'),
    o.cell,
    o.hiddenSize,
    o.projSize,
    o.numLayers,
    o.bidirectional,
    o.bias,
    o.batchFirst,
    o.lengths,
  );
  return { output: wrap(output), h: wrap(h), ...(c === undefined ? {} : { c: wrap(c) }) };
}
