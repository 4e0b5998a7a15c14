import { OptionError } from '../../src/tensor/errors';
import { tensor, zeros } from '../../src/tensor/factories';
import type { Tensor } from '../../src/tensor/tensor';
import type { GatedCellsOptions, GatedCellsOutput } from '../../src/tensor/ops/cells';
import { add, mul, neg, sigmoid, sub, tanh, where } from '../../src/tensor/ops/elementwise';
import { linear } from '../../src/tensor/ops/matmul';
import { layerNorm } from '../../src/tensor/ops/normalization';
import { select, slice, split, stack } from '../../src/tensor/ops/shape';

/** State of one step; c of an LSTM only. */
interface StepState {
  h: Tensor;
  c: Tensor;
}

/** Zoneout of one step, [N, H] or a number each. */
type Updates = Pick<GatedCellsOptions, 'updateH' | 'updateC'>;

/** update ⊙ fresh + (1 - update) ⊙ before. */
const updated = (update: Tensor | number | undefined, fresh: Tensor, before: Tensor): Tensor =>
  update === undefined || update === 1 ? fresh : add(before, mul(sub(fresh, before), update));

/** The product with h, normed if there is a gain, and its bias. */
function recurrentSums(h: Tensor, w: Tensor, b: Tensor | undefined, gain: Tensor | undefined): Tensor {
  const product = linear(h, w);
  if (gain !== undefined) return layerNorm(product, { weight: gain, bias: b });
  return b === undefined ? product : add(product, b);
}

function lstmStep(x: Tensor, { h, c }: StepState, o: GatedCellsOptions, { updateH, updateC }: Updates): StepState {
  const sums = add(x, recurrentSums(o.mask === undefined ? h : mul(h, o.mask), o.w, o.b, o.gain));
  const hidden = h.shape[1] ?? 0;
  const parts = split(sums, hidden, 1);
  const [of_f, of_g, of_o] = parts.slice(-3) as [Tensor, Tensor, Tensor];
  const seen = (sum: Tensor, cell: Tensor, place: number): Tensor =>
    o.peephole === undefined ? sum : add(sum, mul(cell, select(o.peephole, 0, place)));
  const f = sigmoid(seen(of_f, c, 1));
  const i = o.coupled === true ? add(neg(f), 1) : sigmoid(seen(parts[0] as Tensor, c, 0));
  const fresh = add(mul(f, c), mul(i, tanh(of_g)));
  const out = sigmoid(seen(of_o, fresh, 2));
  const shown = o.gain === undefined ? fresh : layerNorm(fresh, { weight: o.cellGain, bias: o.cellBias });
  return { h: updated(updateH, mul(out, tanh(shown)), h), c: updated(updateC, fresh, c) };
}

function gruStep(x: Tensor, h: Tensor, o: GatedCellsOptions, { updateH }: Updates): Tensor {
  const hidden = h.shape[1] ?? 0;
  const masked = o.mask === undefined ? h : mul(h, o.mask);
  const [xr, xz, xn] = split(x, hidden, 1) as [Tensor, Tensor, Tensor];
  const rows = (from: number, to: number): [Tensor, Tensor | undefined] => [
    slice(o.w, [from * hidden], [to * hidden]),
    o.b === undefined ? undefined : slice(o.b, [from * hidden], [to * hidden]),
  ];
  const [w, b] = o.resetBefore === true ? rows(0, 2) : [o.w, o.b];
  const [hr, hz, hn] = split(recurrentSums(masked, w, b, o.gain), hidden, 1) as [Tensor, Tensor, Tensor | undefined];
  const r = sigmoid(add(xr, hr));
  const z = sigmoid(add(xz, hz));
  const n = tanh(add(xn, hn === undefined ? recurrentSums(mul(r, masked), ...rows(2, 3), undefined) : mul(r, hn)));
  return updated(updateH, add(n, mul(z, sub(h, n))), h);
}

/**
 * What `gatedCells` gives, by ops for each step: its reference.
 *
 * @param x  the product of the input with W_ih and its bias, [N, T, G·H]
 * @throws {OptionError} if there is no step
 */
export function gatedCellsBySteps(x: Tensor, options: GatedCellsOptions): GatedCellsOutput {
  const [rows = 0, steps = 0] = x.shape;
  const hidden = options.w.shape[1] ?? 0;
  if (steps === 0)
    throw new OptionError('gatedCells', {
      given: 'no steps',
      expected: 'at least one',
      fix: 'leave empty batches out',
    });
  const { dtype, device } = x;
  const none = zeros([rows, hidden], { dtype, device });
  let state: StepState = { h: options.h ?? none, c: options.c ?? none };
  const told: StepState[] = [];
  const times = Array.from({ length: steps }, (_, step) => (options.reverse === true ? steps - 1 - step : step));
  const ofStep = (update: Tensor | number | undefined, t: number): Tensor | number | undefined =>
    update === undefined || typeof update === 'number' ? update : select(update, 1, t);
  for (const t of times) {
    const input = select(x, 1, t);
    const updates = { updateH: ofStep(options.updateH, t), updateC: ofStep(options.updateC, t) };
    const next =
      options.cell === 'lstm'
        ? lstmStep(input, state, options, updates)
        : { h: gruStep(input, state.h, options, updates), c: state.c };
    const live = options.lengths?.map((length) => [t < length]);
    const mask = live === undefined ? undefined : tensor(live, { dtype: 'bool', device });
    const only = (fresh: Tensor, other: Tensor): Tensor => (mask === undefined ? fresh : where(mask, fresh, other));
    told[t] = { h: only(next.h, none), c: only(next.c, none) };
    state = { h: only(next.h, state.h), c: only(next.c, state.c) };
  }
  const all = (name: keyof StepState): Tensor =>
    stack(
      told.map((step) => step[name]),
      1,
    );
  const lstm = options.cell === 'lstm';
  return { output: all('h'), h: state.h, ...(lstm ? { c: state.c, cells: all('c') } : {}) };
}
