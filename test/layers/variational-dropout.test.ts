import { expect, test } from 'vitest';
import { compile, concat, full, manualSeed, ones, PaddedSequence, VariationalDropout, type Tensor } from 'stmnet';

test('drops the same features at all steps of a sequence, others of each', async () => {
  manualSeed(1);
  const x = ones([40, 7, 50], { requiresGrad: true });
  const output = new VariationalDropout({ p: 0.2 }).forward(x);
  const rows = (await output.array()) as number[][][];
  for (const [first = [], ...others] of rows) for (const step of others) expect(step).toEqual(first);
  expect(new Set(rows.map(([first = []]) => first.join())).size).toBe(40);
  const values = rows.flatMap(([first = []]) => first);
  expect(new Set(values)).toEqual(new Set([0, 1.25]));
  expect(Math.abs(values.filter((value) => value === 0).length / values.length - 0.2)).toBeLessThan(0.03);
  output.sum().backward();
  expect(await x.grad?.array()).toEqual(rows);
});

test('leaves padding zero, whatever stands there', async () => {
  const dirty = concat([ones([2, 1, 64]), full([2, 2, 64], Number.NaN)], 1);
  const dropped = new VariationalDropout({ p: 0.5 }).forward(new PaddedSequence(dirty, [1, 0]));
  expect(dropped.lengths).toEqual([1, 0]);
  const values = Array.from(await dropped.values.data());
  expect(new Set(values.slice(0, 64))).toEqual(new Set([0, 2]));
  expect(new Set(values.slice(64))).toEqual(new Set([0]));
});

test('passes everything on in evaluation, and with p 0', () => {
  const x = ones([1, 2, 3]);
  expect(new VariationalDropout().eval().forward(x)).toBe(x);
  expect(new VariationalDropout({ p: 0 }).forward(x)).toBe(x);
  expect(new VariationalDropout().options.p).toBe(0.5);
});

test('draws anew in each step that is compiled', async () => {
  const layer = new VariationalDropout({ p: 0.5 });
  const step = compile((x: Tensor) => layer.forward(x));
  const x = ones([2, 2, 64]);
  const [first, second] = [await step(x).data(), await step(x).data()];
  expect(second).not.toEqual(first);
});

test('mistakes', () => {
  expect(() => new VariationalDropout({ p: 1 })).toThrow(
    'VariationalDropout: got p: 1, expected a probability in [0, 1) for p',
  );
  expect(() => new VariationalDropout().forward(ones([2, 3]))).toThrow(
    'expected sequences [N, T, D].\n  Fix: use Dropout where there are no steps; put the batch first: x.unsqueeze(0).',
  );
});
