import { afterEach, describe, expect, test } from 'vitest';
import {
  defaultDevice,
  numThreads,
  OptionError,
  setNumThreads,
  ShapeError,
  tensor,
  zeros,
  type DType,
  type Tensor,
} from 'stmnet';
import { gatedCells, type GatedCellsOptions, type GatedCellsOutput } from '../../../src/tensor/ops/cells';
import { gatedCellsBySteps } from '../../support/cells-by-steps';
import { recurrent } from '../../../src/tensor/ops/recurrent';
import { expectGradients, spreadArray } from '../../support/gradients';
import { tolerances } from '../../support/tolerances';

const onCpu = defaultDevice() === 'cpu';

/** Which tensors a variant has; the rest are its other options. */
interface Variant extends Pick<GatedCellsOptions, 'cell' | 'coupled' | 'resetBefore'> {
  norms?: boolean;
  peephole?: boolean;
  mask?: boolean;
  zoneout?: boolean;
  /** Zoneout's expectation, as in evaluation. */
  mean?: boolean;
}
const variants: [string, Variant][] = [
  ['lstm', { cell: 'lstm' }],
  ['lstm, recurrent dropout', { cell: 'lstm', mask: true }],
  ['lstm, zoneout', { cell: 'lstm', zoneout: true }],
  ['lstm, zoneout in evaluation', { cell: 'lstm', mean: true }],
  ['lstm, peephole', { cell: 'lstm', peephole: true }],
  ['lstm, coupled', { cell: 'lstm', coupled: true }],
  ['lstm, norms', { cell: 'lstm', norms: true }],
  ['lstm, all', { cell: 'lstm', mask: true, zoneout: true, peephole: true, norms: true }],
  ['lstm, all, coupled', { cell: 'lstm', mask: true, zoneout: true, peephole: true, norms: true, coupled: true }],
  ['gru', { cell: 'gru' }],
  ['gru, norms, mask, zoneout', { cell: 'gru', norms: true, mask: true, zoneout: true }],
  ['gru, reset before', { cell: 'gru', resetBefore: true }],
  ['gru, reset before, mask, zoneout', { cell: 'gru', resetBefore: true, mask: true, zoneout: true }],
];

const gatesOf = ({ cell, coupled }: Variant): number => (cell === 'gru' || coupled === true ? 3 : 4);

/** The sizes of a batch. */
interface Sizes {
  rows: number;
  steps: number;
  hidden: number;
}

/** Names and shapes of the tensors that have gradients, x first. */
function shapesOf(variant: Variant, { rows, steps, hidden }: Sizes): [string, number[]][] {
  const lstm = variant.cell === 'lstm';
  const gates = gatesOf(variant) * hidden;
  return [
    ['x', [rows, steps, gates]],
    ['w', [gates, hidden]],
    ['b', [gates]],
    ['h', [rows, hidden]],
    ...(lstm ? [['c', [rows, hidden]] as [string, number[]]] : []),
    ...(variant.norms === true ? [['gain', [gates]] as [string, number[]]] : []),
    ...(variant.norms === true && lstm
      ? ([
          ['cellGain', [hidden]],
          ['cellBias', [hidden]],
        ] as [string, number[]][])
      : []),
    ...(variant.peephole === true ? [['peephole', [3, hidden]] as [string, number[]]] : []),
  ];
}

/** A call, given the tensors of `shapesOf` in their order. */
function call(
  variant: Variant,
  sizes: Sizes,
  tensors: readonly Tensor[],
  more: Partial<GatedCellsOptions> = {},
  cells = gatedCells,
): GatedCellsOutput {
  const { rows, steps, hidden } = sizes;
  const [x, ...others] = tensors;
  if (x === undefined) throw new Error('no input');
  const names = shapesOf(variant, sizes).map(([name]) => name);
  const given = Object.fromEntries(others.map((other, i) => [names[i + 1] ?? '', other]));
  const drawn = (shape: number[], seed: number, values: readonly number[]): Tensor => {
    const { data } = spreadArray(shape, seed);
    return tensor({ data: Float64Array.from(data, (v) => values[v > 0 ? 1 : 0] ?? 0), shape }, { dtype: x.dtype });
  };
  const { mask, zoneout, mean, norms: _, peephole: __, ...plain } = variant;
  const update = (seed: number, share: number): Tensor | number | undefined => {
    if (zoneout === true) return drawn([rows, steps, hidden], seed, [0, 1]);
    return mean === true ? share : undefined;
  };
  return cells(x, {
    ...plain,
    ...(given as unknown as { w: Tensor }),
    mask: mask === true ? drawn([rows, hidden], 21, [0, 1.5]) : undefined,
    updateH: update(22, 0.75),
    updateC: plain.cell === 'gru' ? undefined : update(23, 0.5),
    ...more,
  });
}

/** One number of all that a call gives, in which each weighs differently. */
const summed = ({ output, h, c, cells }: GatedCellsOutput): Tensor => {
  const parts = [output.square().sum(), h.mul(0.7).sum(), c?.square().sum().mul(0.3), cells?.sum().mul(0.2)];
  return parts.reduce<Tensor>((sum, part) => (part ? sum.add(part) : sum), zeros([], { dtype: output.dtype }));
};

/** Everything that a call gives, and the gradients of its inputs. */
function told(result: GatedCellsOutput, tensors: readonly Tensor[]): Promise<ArrayLike<number>[]> {
  const all = [result.output, result.h, result.c, result.cells, ...tensors.map(({ grad }) => grad)];
  return Promise.all(all.flatMap((x) => (x === undefined || x === null ? [] : [x.data()])));
}

const inputs = (variant: Variant, sizes: Sizes, dtype: DType, requiresGrad = false): Tensor[] =>
  shapesOf(variant, sizes).map(([, shape], i) => tensor(spreadArray(shape, i + 1, 0.6), { dtype, requiresGrad }));

describe.each(variants)('%s', (_, variant) => {
  test.each([false, true])('gradients are those of differences; reverse: %s', async (reverse) => {
    const sizes = { rows: 3, steps: 4, hidden: 3 };
    const arrays = shapesOf(variant, sizes).map(([, shape], i) => spreadArray(shape, i + 1, 0.6));
    await expectGradients(
      (...tensors) => summed(call(variant, sizes, tensors, { reverse, lengths: [2, 0, 4] })),
      arrays,
      tolerances.gradient,
    );
  });

  test.each([false, true])('is what ops for each step give; reverse: %s', async (reverse) => {
    const sizes = { rows: 4, steps: 5, hidden: 6 };
    const run = async (cells: typeof gatedCells): Promise<ArrayLike<number>[]> => {
      const tensors = inputs(variant, sizes, 'f64', true);
      const result = call(variant, sizes, tensors, { reverse, lengths: [5, 1, 0, 3] }, cells);
      summed(result).backward();
      return told(result, tensors);
    };
    const [kernels, ops] = [await run(gatedCells), await run(gatedCellsBySteps)];
    expect(kernels.length).toBe(ops.length);
    for (const [i, values] of ops.entries())
      Array.from(values, (value, j) => expect(kernels[i]?.[j], `${i}, ${j}`).toBeCloseTo(value, 10));
  });

  test.each([
    [{ rows: 1, steps: 1, hidden: 70 }, undefined],
    [{ rows: 5, steps: 3, hidden: 33 }, [3, 1, 0, 3, 2]],
  ] as [Sizes, number[] | undefined][])('f32 is f64 rounded: %o', async (sizes, lengths) => {
    const run = async (dtype: DType): Promise<ArrayLike<number>[]> => {
      const tensors = inputs(variant, sizes, dtype, true);
      const result = call(variant, sizes, tensors, { lengths });
      summed(result).backward();
      return told(result, tensors);
    };
    const [single, double] = [await run('f32'), await run('f64')];
    for (const [i, values] of double.entries())
      Array.from(values, (value, j) => {
        const difference = Math.abs((single[i]?.[j] ?? NaN) - value);
        expect(difference, `${i}, ${j}`).toBeLessThanOrEqual(2e-5 * (1 + Math.abs(value)));
      });
  });

  describe.runIf(onCpu)('with any number of threads', () => {
    const before = numThreads();
    afterEach(() => setNumThreads(before));
    test.each([
      [{ rows: 1, steps: 12, hidden: 80 }, undefined],
      [{ rows: 9, steps: 5, hidden: 48 }, [5, 0, 1, 5, 2, 3, 4, 1, 5]],
      [{ rows: 3, steps: 1, hidden: 160 }, undefined],
    ] as [Sizes, number[] | undefined][])('the same states, each time: %o', async (sizes, lengths) => {
      let first: ArrayLike<number>[] | undefined;
      for (const threads of [1, 2, 3, 4, 8]) {
        setNumThreads(threads);
        let ofThreads: ArrayLike<number>[] | undefined;
        for (let repeat = 0; repeat < 2; repeat++) {
          const tensors = inputs(variant, sizes, 'f32', true);
          const result = call(variant, sizes, tensors, { lengths });
          summed(result).backward();
          const states = await Promise.all([result.output.data(), result.h.data()]);
          const grads = (await told(result, tensors)).slice(-tensors.length);
          first ??= states;
          expect(states).toEqual(first);
          ofThreads ??= grads;
          expect(grads).toEqual(ofThreads);
        }
      }
    });
  });
});

describe('the plain ones', () => {
  test.each(['lstm', 'gru'] as const)('are those of the engine: %s', async (cell) => {
    const sizes = { rows: 4, steps: 5, hidden: 19 };
    const variant: Variant = { cell };
    const gates = gatesOf(variant) * sizes.hidden;
    const input = tensor(spreadArray([4, 5, 7], 31), { dtype: 'f32' });
    const [, w, b, h, c] = inputs(variant, sizes, 'f32') as [Tensor, Tensor, Tensor, Tensor, Tensor | undefined];
    const w_ih = tensor(spreadArray([gates, 7], 32, 0.5), { dtype: 'f32' });
    const b_ih = tensor(spreadArray([gates], 33), { dtype: 'f32' });
    const lengths = [5, 0, 3, 1];
    const expected = recurrent(input, [w_ih, w, b_ih, b], {
      cell,
      hiddenSize: sizes.hidden,
      projSize: 0,
      numLayers: 1,
      bidirectional: false,
      bias: true,
      batchFirst: true,
      dropout: 0,
      h: h.unsqueeze(0),
      c: c?.unsqueeze(0),
      lengths,
    });
    const x = input.matmul(w_ih.transpose(0, 1)).add(b_ih);
    const got = gatedCells(x, { cell, w, b, h, c, lengths });
    const pairs: [Tensor | undefined, Tensor | undefined][] = [
      [got.output, expected.output],
      [got.h, expected.h],
      [got.c, expected.c],
    ];
    for (const [one, other] of pairs) {
      const values = (await other?.data()) ?? [];
      const told = (await one?.data()) ?? [];
      expect(told.length).toBe(values.length);
      Array.from(values, (value, i) => expect(told[i]).toBeCloseTo(value, 5));
    }
  });
});

describe('wrong calls', () => {
  const x = zeros([2, 3, 16]);
  const w = zeros([16, 4]);
  test.each<[string, () => Partial<GatedCellsOptions>, new (...rest: never[]) => Error]>([
    ['w {…} of another height', () => ({ w: zeros([12, 4]) }), ShapeError],
    ['bias', () => ({ b: zeros([4]) }), ShapeError],
    ['a state of other rows', () => ({ h: zeros([3, 4]) }), ShapeError],
    ['gain alone', () => ({ gain: zeros([16]) }), OptionError],
    ['reset of a GRU', () => ({ resetBefore: true }), OptionError],
    ['lengths of other rows', () => ({ lengths: [1] }), ShapeError],
  ])('%s', (_, options, kind) => {
    expect(() => gatedCells(x, { cell: 'lstm', w, ...options() })).toThrow(kind);
  });
  test('a length beyond the steps', () => {
    expect(() => gatedCells(x, { cell: 'lstm', w, lengths: [4, 0] })).toThrow('length 4, expected 0..3');
  });
  test('no steps, or only rows without steps: the initial states', async () => {
    const h = tensor(spreadArray([2, 4], 3), { dtype: 'f32' });
    const result = gatedCells(x, { cell: 'lstm', w, h, lengths: [0, 0] });
    expect(await result.h.data()).toEqual(await h.data());
    expect(Array.from(await result.output.data())).toEqual(new Array(24).fill(0));
  });
});
