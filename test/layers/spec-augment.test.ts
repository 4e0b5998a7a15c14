import { describe, expect, it, test } from 'vitest';
import { compile, full, manualSeed, ones, PaddedSequence, SpecAugment, type Tensor } from 'stmnet';

/** Places at which all values of a row or column are 0. */
const hiddenSteps = (rows: number[][]): number[] =>
  rows.flatMap((step, at) => (step.every((value) => value === 0) ? [at] : []));
const hiddenFeatures = (rows: number[][]): number[] =>
  (rows[0] ?? []).flatMap((_, at) => (rows.every((step) => step[at] === 0) ? [at] : []));

test('hides some steps and some features of each sequence, as the seed says', async () => {
  const layer = new SpecAugment({ timeMasks: 1, maxTimeMask: 8, frequencyMasks: 1, maxFrequencyMask: 6 });
  const x = ones([300, 50, 30], { requiresGrad: true });
  manualSeed(4);
  const output = layer.forward(x);
  const all = (await output.array()) as number[][][];
  const [steps, features] = [all.map(hiddenSteps), all.map(hiddenFeatures)];
  for (const places of [...steps, ...features])
    for (const [at, place] of places.entries()) expect(place).toBe((places[0] ?? 0) + at); // one piece
  const widths = (places: number[][]): number[] => places.map(({ length }) => length);
  const meanOf = (numbers: number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  expect(Math.max(...widths(steps))).toBe(8);
  expect(Math.abs(meanOf(widths(steps)) - 4)).toBeLessThan(0.4);
  expect(Math.max(...widths(features))).toBe(6);
  expect(Math.abs(meanOf(widths(features)) - 3)).toBeLessThan(0.3);
  expect(new Set(steps.flat()).size).toBe(50);
  expect(new Set(features.flat()).size).toBe(30);
  all.forEach((rows, row) =>
    rows.forEach((values, step) =>
      values.forEach((value, feature) =>
        expect(value).toBe(steps[row]?.includes(step) || features[row]?.includes(feature) ? 0 : 1),
      ),
    ),
  );
  output.sum().backward();
  expect(await x.grad?.array()).toEqual(all);
  manualSeed(4);
  expect(await layer.forward(x).array()).toEqual(all);
});

test('masks lie in the real steps, and hide no more than their part of a sequence', async () => {
  const layer = new SpecAugment({ timeMasks: 1, maxTimeMask: 30, maxTimePart: 0.5, frequencyMasks: 0 });
  const lengths = [40, 10, 0];
  const found = lengths.map(() => new Set<number>());
  for (let draw = 0; draw < 200; draw++) {
    const x = layer.forward(new PaddedSequence(full([3, 40, 2], Number.NaN).fill_(1), lengths));
    const rows = (await x.values.array()) as number[][][];
    rows.forEach((steps, row) => {
      const length = lengths[row] ?? 0;
      const hidden = hiddenSteps(steps.slice(0, length));
      hidden.forEach((step) => found[row]?.add(step));
      expect(hidden.length).toBeLessThanOrEqual(length / 2);
      expect(hiddenSteps(steps.slice(length))).toHaveLength(40 - length);
    });
  }
  expect(found.map(({ size }) => size)).toEqual(lengths);
});

test('passes everything on in evaluation, and without masks', () => {
  const x = ones([1, 2, 3]);
  expect(new SpecAugment().eval().forward(x)).toBe(x);
  expect(new SpecAugment({ timeMasks: 0, frequencyMasks: 0 }).forward(x)).toBe(x);
});

test('draws anew in each step that is compiled', async () => {
  const layer = new SpecAugment({ maxTimePart: 0.9 });
  const step = compile((x: Tensor) => layer.forward(x));
  const x = ones([4, 64, 64]);
  const [first, second] = [await step(x).data(), await step(x).data()];
  expect(second).not.toEqual(first);
});

describe('mistakes', () => {
  it.each<[object, string]>([
    [{ timeMasks: -1 }, 'SpecAugment: got timeMasks: -1'],
    [{ maxTimePart: 1 }, 'got maxTimePart: 1, expected a probability in [0, 1)'],
    [{ timeMask: 3 }, 'got an option timeMask'],
  ])('options %o', (options, message) => {
    expect(() => new SpecAugment(options)).toThrow(message);
  });

  it('an input without steps', () => {
    expect(() => new SpecAugment().forward(ones([2, 3]))).toThrow(
      'expected sequences of features, [N, T, F].\n  Fix: put the batch first: x.unsqueeze(0).',
    );
  });
});
