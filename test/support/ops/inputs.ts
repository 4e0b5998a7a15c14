// Tensors of repeatable numbers: the same on every device.
import { concat, ones, tensor, type HostArray, type Tensor } from 'stmnet';
import { random } from '../random';

/** How one input of an op is made. */
export interface Input {
  shape: readonly number[];
  /** Floating numbers lie between these; whole numbers from the first up to below the second. */
  range: readonly [number, number];
  kind: 'float' | 'whole' | 'bool';
  /** Whether the op has a gradient with respect to it. */
  gradient: boolean;
}

/** An input as rows name it: a shape stands for floating numbers of the row's domain. */
export type Operand = readonly number[] | Input;

/** An input with a gradient. */
export const float = (shape: readonly number[], range: readonly [number, number] = [-2, 2]): Input => ({
  shape,
  range,
  kind: 'float',
  gradient: true,
});
/** Floating numbers that the op has no gradient of, or is asked for none. */
export const constant = (shape: readonly number[], range: readonly [number, number] = [-2, 2]): Input => ({
  ...float(shape, range),
  gradient: false,
});
/** Whole numbers from 0 up to below a number, such as indices. */
export const whole = (shape: readonly number[], below: number): Input => ({
  shape,
  range: [0, below],
  kind: 'whole',
  gradient: false,
});
export const bool = (shape: readonly number[]): Input => ({ shape, range: [0, 2], kind: 'bool', gradient: false });

const isInput = (operand: Operand): operand is Input => 'shape' in operand;

/** What an operand of a row with a domain stands for. */
export const inputOf = (operand: Operand, domain: readonly [number, number]): Input =>
  isInput(operand) ? operand : float(operand, domain);

function arrayOf({ shape, range: [low, high], kind }: Input, seed: number): HostArray {
  const draw = random(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (kind === 'float') return { data: Float32Array.from({ length: size }, () => low + draw() * (high - low)), shape };
  const values = Array.from({ length: size }, () => Math.floor(low + draw() * (high - low)));
  return { data: kind === 'bool' ? Uint8Array.from(values) : Int32Array.from(values), shape };
}

/** The same numbers in a view whose axes lie in reverse order and that starts and ends inside its storage. */
export function viewed(x: Tensor): Tensor {
  if (x.rank === 0) return x;
  const order = x.shape.map((_, axis) => x.rank - 1 - axis);
  const reversed = x.permute(order);
  const edge = ones([1, ...reversed.shape.slice(1)], { dtype: x.dtype, device: x.device });
  return concat([edge, reversed, edge], 0).slice([1], [-1]).permute(order);
}

/** Inputs on a device, as leaves. */
export function make(inputs: readonly Input[], seed: number, device: string, dtype: 'f32' | 'f64'): Tensor[] {
  return inputs.map((input, index) => {
    const floating = input.kind === 'float';
    return tensor(arrayOf(input, seed * 100 + index), {
      device,
      ...(floating ? { dtype } : {}),
      requiresGrad: floating && input.gradient,
    });
  });
}
