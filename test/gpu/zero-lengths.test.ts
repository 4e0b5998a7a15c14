import { expect, test } from 'vitest';
import { random } from '../support/random';
import { describeCuda } from './cuda';
import { cells, faultsOf, run, type Stack } from './stacks';
import { cuda } from './cuda';

const [N, T] = [4, 6];

/** All 16 ways to leave rows of a batch of four empty; the others have lengths that are drawn. */
const patterns = Array.from({ length: 2 ** N }, (_, mask) => {
  const draw = random(mask + 1);
  return Array.from({ length: N }, (__, row) => (mask & (1 << row) ? 0 : 1 + Math.floor(draw() * T)));
});

const stackOf = (cell: Stack['cell'], lengths: readonly number[], change: Partial<Stack>): Stack => ({
  cell,
  T,
  N,
  D: 5,
  H: 8,
  layers: 2,
  bidirectional: true,
  bias: true,
  batchFirst: true,
  lengths,
  state: true,
  wanted: { x: true, state: true, weights: true },
  ...change,
});

describeCuda('rows of length 0, in every position', () => {
  test.each(cells)('%s: outputs, states and gradients are the CPU’s', async (cell) => {
    const faults: string[] = [];
    for (const [index, lengths] of patterns.entries()) {
      faults.push(
        ...(await faultsOf(
          stackOf(cell, lengths, { layers: 1 + (index % 3), bidirectional: index % 2 === 0, state: index % 4 !== 1 }),
          index + 1,
          'fma',
        )),
      );
      faults.push(...(await faultsOf(stackOf(cell, lengths, {}), index + 50, 'f64')));
    }
    expect(faults).toEqual([]);
  });

  test.each(cells)('%s: what lies past a length is never looked at', async (cell) => {
    for (const lengths of patterns) {
      const stack = stackOf(cell, lengths, {});
      const [plain, poisoned] = [
        await run({ ...stack, padding: 0 }, 3, cuda, 'f32'),
        await run({ ...stack, padding: Number.NaN }, 3, cuda, 'f32'),
      ];
      // The loss multiplies outputs by the upstream gradient, so NaN in its padding makes the loss NaN, and no
      // gradient.
      for (const [name, values] of Object.entries(plain))
        expect(poisoned[name], `${name} with lengths ${lengths.join()}`).toEqual(values);
    }
  });

  test('a row of length 0 keeps its state and hands its gradient on', async () => {
    const results = await run(stackOf('lstm', [0, 3, 0, 6], { layers: 1, bidirectional: false }), 7, cuda, 'f32');
    const again = await run(stackOf('lstm', [0, 0, 0, 0], { layers: 1, bidirectional: false }), 7, cuda, 'f32');
    const row = (values: ArrayLike<number> | undefined, index: number): number[] =>
      Array.from(values ?? []).slice(index * 8, (index + 1) * 8);
    for (const name of ['h', 'c', 'd h', 'd c'])
      for (const index of [0, 2]) expect(row(results[name], index), name).toEqual(row(again[name], index));
    for (const name of Object.keys(again).filter(
      (one) => one === 'output' || one === 'd x' || /^d (weight|bias)/.test(one),
    ))
      expect(
        Array.from(again[name] ?? [1]).every((value) => value === 0),
        name,
      ).toBe(true);
  });
});
