import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import * as stm from 'stmnet';
import { manualSeed, tensor, type Tensor } from 'stmnet';
import { make, viewed } from '../support/ops/inputs';
import { opTable, type OpRow } from '../support/ops/table';
import { random } from '../support/random';
import { cuda, describeCuda, distance, standin } from './cuda';

const folder = path.join(__dirname, '..', '..', 'src', 'tensor', 'ops');

/** Of the largest number: sums of some thousand terms in another order. */
const usual = { f32: 1e-5, f64: 1e-12 } as const;

/** Results of a row and the gradients of its inputs. */
async function results(row: OpRow, device: string, dtype: 'f32' | 'f64', views: boolean): Promise<ArrayLike<number>[]> {
  manualSeed(77);
  const leaves = make(row.inputs, 3, device, dtype);
  const outputs = [row.run(...(views ? leaves.map(viewed) : leaves))].flat();
  const differentiable = outputs.filter((output) => output.requiresGrad);
  const upstream = (output: Tensor, seed: number): Tensor => {
    const draw = random(seed);
    return tensor(
      { data: Float64Array.from({ length: output.size }, () => draw() - 0.3), shape: output.shape },
      { device, dtype: output.dtype },
    );
  };
  const terms = differentiable.map((output, index) =>
    output
      .mul(upstream(output, index + 1))
      .sum()
      .cast(dtype),
  );
  terms
    .slice(1)
    .reduce<Tensor | undefined>((total, term) => total?.add(term), terms[0])
    ?.backward();
  const gradients = leaves.flatMap(({ grad }) => (grad === undefined ? [] : [grad]));
  return Promise.all([...outputs, ...gradients].map((x) => x.data()));
}

/** Of no tensor, so that no row has inputs for them. */
const factories = ['permutation', 'rand', 'randint', 'randn'];

test('every op function has a row', async () => {
  const functions: string[] = [];
  for (const file of readdirSync(folder)) {
    const module: Record<string, unknown> = await import(path.join(folder, file));
    for (const [name, value] of Object.entries(module))
      if (typeof value === 'function' && name in stm && !factories.includes(name)) functions.push(name);
  }
  expect(functions.length).toBeGreaterThan(100);
  expect(functions.filter((name) => !(name in opTable)).sort()).toEqual([]);
});

describeCuda('ops are those of the CPU, with their gradients', () => {
  test.each(Object.keys(opTable))('%s', async (name) => {
    for (const [index, row] of (opTable[name] ?? []).entries()) {
      for (const [dtype, views] of [
        ['f32', false],
        ['f64', true],
        ...(standin
          ? []
          : ([
              ['f32', true],
              ['f64', false],
            ] as const)),
      ] as const) {
        const [expected, got] = [await results(row, 'cpu', dtype, views), await results(row, cuda, dtype, views)];
        const what = `${name}, row ${index}, ${dtype}${views ? ', of views' : ''}`;
        expect(got.length, what).toBe(expected.length);
        for (const [place, reference] of expected.entries()) {
          const gap = distance(got[place] ?? [], reference);
          if (!(gap <= (row.tolerance ?? usual[dtype])))
            expect.fail(`${what}: result ${place} differs by ${gap.toExponential(2)} of its largest`);
        }
      }
    }
  });
});
