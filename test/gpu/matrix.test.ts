import { expect, test } from 'vitest';
import type { MathMode } from 'stmnet';
import { random } from '../support/random';
import { describeCuda, standin } from './cuda';
import { cells, faultsOf, type Cell, type Stack } from './stacks';

const modes: readonly (MathMode | 'f64')[] = ['fma', 'tf32', 'f16', 'bf16', 'f64'];

/**
 * Every combination of layers, directions, biases and lengths of one cell. What is left, both layouts, initial states,
 * wanted gradients and sizes, changes from combination to combination, so that each pair of them occurs.
 */
function stacksOf(cell: Cell): Stack[] {
  const draw = random(cells.indexOf(cell) + 1);
  const [T, N] = [7, 5];
  const lengths: (readonly number[] | undefined)[] = [
    undefined,
    undefined,
    [3, 7, 1, 5, 2],
    [4, 0, 7, 0, 2],
    [1, 1, 1, 1, 1],
    [7, 7, 7, 7, 7],
    [4, 4, 4, 4, 4],
  ];
  return [1, 2, 3].flatMap((layers) =>
    [false, true].flatMap((bidirectional) =>
      [true, false].flatMap((bias) =>
        lengths.map((some, index): Stack => {
          const any = Math.floor(draw() * 8);
          const [D = 6, H = 9] =
            [
              [6, 9],
              [8, 16],
              [33, 24],
            ][Math.floor(draw() * 3)] ?? [];
          return {
            cell,
            T,
            N,
            D,
            H,
            layers,
            bidirectional,
            bias,
            batchFirst: index !== 1,
            lengths: some,
            state: draw() < 0.5,
            wanted:
              any === 0
                ? { x: true, state: true, weights: true }
                : { x: (any & 1) > 0, state: (any & 2) > 0, weights: (any & 4) > 0 },
          };
        }),
      ),
    ),
  );
}

describeCuda('recurrent stacks are those of the CPU in f64', () => {
  test.each(cells.flatMap((cell) => modes.map((mode) => [cell, mode] as const)))('%s, %s', async (cell, mode) => {
    const faults: string[] = [];
    const stacks = [...stacksOf(cell).entries()].filter(
      ([index]) => !standin || index % 7 === modes.indexOf(mode) || index % 17 === cells.indexOf(cell),
    );
    for (const [index, stack] of stacks)
      faults.push(...(await faultsOf({ ...stack, algo: 'standard' }, index + 1, mode)));
    expect(faults).toEqual([]);
  });
});
