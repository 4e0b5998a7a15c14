import { ones, zeros } from '../tensor/factories';
import { gatedCells, type GatedCellName, type GatedCellsOutput } from '../tensor/ops/cells';
import { cast, gt } from '../tensor/ops/elementwise';
import { linear } from '../tensor/ops/matmul';
import { layerNorm } from '../tensor/ops/normalization';
import { dropout } from '../tensor/ops/random';
import { concat, select, stack, transpose } from '../tensor/ops/shape';
import type { Tensor } from '../tensor/tensor';
import { claim } from '../module/allowance';
import { takeOver, type Parameter } from '../module/parameter';
import { uniformValues } from '../module/uniform';
import type { Variant } from './gated-options';
import type { RecurrentOptions } from './recurrent-options';

/** The sizes of a stack that its own weights depend on. */
type StackOptions = Required<
  Pick<RecurrentOptions, 'hiddenSize' | 'numLayers' | 'bidirectional' | 'bias' | 'batchFirst' | 'dropout' | 'dtype'>
>;

/** Names of layers and directions, `l0`, `l0_reverse`, `l1`, …, a list a layer. */
const suffixes = ({ numLayers, bidirectional }: Pick<StackOptions, 'numLayers' | 'bidirectional'>): string[][] =>
  Array.from({ length: numLayers }, (_, layer) =>
    ['', '_reverse'].slice(0, bidirectional ? 2 : 1).map((direction) => `l${layer}${direction}`),
  );

/**
 * The parameters that a variant has beside those of the plain cell, by name; G gates, H units:
 *
 *   weight_norm_ih_l0, weight_norm_hh_l0 [G·H]  gains of the norms of the products, from ones
 *   weight_norm_c_l0, bias_norm_c_l0 [H]        of the norm of an LSTM's c, from ones and zeros
 *   weight_peephole_l0 [3, H]                   of c for i, f and o, from U(-1/√H, 1/√H)
 */
export function variantWeights(
  options: StackOptions,
  variant: Variant,
  { cell, gates }: { cell: GatedCellName; gates: number },
): Map<string, Parameter> {
  const { hiddenSize, dtype } = options;
  const parameters = new Map<string, Parameter>();
  const filled = (name: string, make: typeof ones, width: number): void => {
    claim([width]);
    parameters.set(name, takeOver(make([width], { dtype })));
  };
  for (const suffix of suffixes(options).flat()) {
    if (variant.layerNorm) {
      filled(`weight_norm_ih_${suffix}`, ones, gates * hiddenSize);
      filled(`weight_norm_hh_${suffix}`, ones, gates * hiddenSize);
      if (cell === 'lstm') {
        filled(`weight_norm_c_${suffix}`, ones, hiddenSize);
        filled(`bias_norm_c_${suffix}`, zeros, hiddenSize);
      }
    }
    if (variant.peephole) {
      const drawn = uniformValues([3, hiddenSize], 1 / Math.sqrt(hiddenSize), dtype);
      parameters.set(`weight_peephole_${suffix}`, takeOver(drawn));
    }
  }
  return parameters;
}

/** What a stack is run with. */
interface StackInput {
  /** [N, T, D], or [T, N, D] without batchFirst. */
  input: Tensor;
  /** Initial states, [L·K, N, H]. */
  h?: Tensor | undefined;
  c?: Tensor | undefined;
  lengths?: readonly number[] | undefined;
}

/** Output and states of a stack, as `recurrent` gives them, and c of every step of the last layer, of an LSTM. */
interface StackOutput {
  output: Tensor;
  h: Tensor;
  c?: Tensor;
  cells?: Tensor;
}

/** Zoneout's shares of what is new: drawn for each element in training, their mean in evaluation. */
function updates(p: number, shape: readonly number[], like: Tensor, training: boolean): Tensor | number | undefined {
  if (p === 0) return undefined;
  if (!training) return 1 - p;
  const { dtype, device } = like;
  return cast(gt(dropout(ones(shape, { dtype, device }), p), 0), dtype);
}

/** The tensor of a name, as `weight_ih_l0`; undefined if the layer has none. */
type Weight = (name: string) => Tensor | undefined;

/** What is the same for all layers and directions of a call. */
interface Call {
  weight: Weight;
  variant: Variant;
  options: StackOptions & { cell: GatedCellName; training: boolean };
  lengths: readonly number[] | undefined;
}

/** One direction of one layer over [N, T, D or K·H]: one call of `gatedCells`. */
function runDirection(
  input: Tensor,
  suffix: string,
  state: { h: Tensor | undefined; c: Tensor | undefined },
  { weight, variant, options: { cell, hiddenSize, training }, lengths }: Call,
): GatedCellsOutput {
  const needed = (name: string): Tensor => {
    const found = weight(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const [bias, gain] = [weight(`bias_ih_${suffix}`), weight(`weight_norm_ih_${suffix}`)];
  const product = linear(input, needed(`weight_ih_${suffix}`), gain === undefined ? bias : undefined);
  const x = gain === undefined ? product : layerNorm(product, { weight: gain, bias });
  const { dtype, device } = x;
  const [rows = 0, steps = 0] = x.shape;
  const masked = training && variant.recurrentDropout > 0;
  return gatedCells(x, {
    cell,
    w: needed(`weight_hh_${suffix}`),
    b: weight(`bias_hh_${suffix}`),
    ...state,
    gain: weight(`weight_norm_hh_${suffix}`),
    cellGain: weight(`weight_norm_c_${suffix}`),
    cellBias: weight(`bias_norm_c_${suffix}`),
    peephole: weight(`weight_peephole_${suffix}`),
    mask: masked ? dropout(ones([rows, hiddenSize], { dtype, device }), variant.recurrentDropout) : undefined,
    updateH: updates(variant.zoneout, [rows, steps, hiddenSize], x, training),
    updateC: cell === 'lstm' ? updates(variant.zoneoutCell, [rows, steps, hiddenSize], x, training) : undefined,
    coupled: variant.coupledGates,
    resetBefore: !variant.resetAfter,
    reverse: suffix.endsWith('_reverse'),
    lengths,
  });
}

/** The outputs of the directions of a layer as one, side by side. */
function sideBySide(parts: readonly (Tensor | undefined)[]): Tensor | undefined {
  const there = parts.filter((part) => part !== undefined);
  return there.length > 1 ? concat(there, 2) : there[0];
}

/**
 * A stack of layers of a variant of LSTM or GRU: `gatedCells` for each layer and direction.
 */
export function gatedStack({ input, h, c, lengths }: StackInput, call: Omit<Call, 'lengths'>): StackOutput {
  const { cell, batchFirst, training, dropout: between } = call.options;
  let below = batchFirst ? input : transpose(input, 0, 1);
  const states = { h: [] as Tensor[], c: [] as Tensor[] };
  let cells: Tensor | undefined;
  for (const [layer, directions] of suffixes(call.options).entries()) {
    if (layer > 0 && training && between > 0) below = dropout(below, between);
    const results: GatedCellsOutput[] = [];
    for (const [k, suffix] of directions.entries()) {
      const at = layer * directions.length + k;
      const state = { h: h && select(h, 0, at), c: c && select(c, 0, at) };
      results.push(runDirection(below, suffix, state, { ...call, lengths }));
    }
    below = sideBySide(results.map(({ output }) => output)) ?? below;
    cells = sideBySide(results.map((result) => result.cells));
    for (const result of results) {
      states.h.push(result.h);
      if (result.c) states.c.push(result.c);
    }
  }
  const laidOut = (x: Tensor): Tensor => (batchFirst ? x : transpose(x, 0, 1));
  return {
    output: laidOut(below),
    h: stack(states.h, 0),
    ...(cell === 'lstm' ? { c: stack(states.c, 0) } : {}),
    ...(cells === undefined ? {} : { cells: laidOut(cells) }),
  };
}
