import { describe, expect, test } from 'vitest';
import { Linear, PaddedSequence, ShapeError, manualSeed, noGrad, ones, tensor, zeros } from 'stmnet';
import { here } from '../support/devices';

describe('Linear', () => {
  test('x Wᵀ + b over the last axis', async () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 3 });
    layer.loadStateDict({
      weight: tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      bias: tensor([10, 20, 30]),
    });
    expect(
      await layer
        .forward(
          tensor([
            [
              [1, 1],
              [2, 0],
            ],
          ]),
        )
        .array(),
    ).toEqual([
      [
        [13, 27, 41],
        [12, 26, 40],
      ],
    ]);
  });

  test('without bias', async () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 1, bias: false });
    expect(Object.keys(layer.stateDict())).toEqual(['weight']);
    noGrad(() => layer.weight.fill_(2));
    expect(await layer.forward(ones([1, 2])).array()).toEqual([[4]]);
  });

  test('of a PaddedSequence padding stays zero and gives no gradient', async () => {
    const layer = new Linear({ inFeatures: 1, outFeatures: 1 });
    const output = layer.forward(new PaddedSequence(ones([2, 2, 1]), [2, 1]));
    expect(output.lengths).toEqual([2, 1]);
    expect((await output.values.data())[3]).toBe(0);
    output.values.sum().backward();
    expect(await layer.bias?.grad?.array()).toEqual([3]);
    expect(await layer.weight.grad?.array()).toEqual([[3]]);
  });

  test('starts within ±1/√inFeatures', async () => {
    manualSeed(1);
    const layer = new Linear({ inFeatures: 16, outFeatures: 200 });
    for (const parameter of layer.parameters()) {
      const values = Array.from(await parameter.data());
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.25);
      expect(Math.max(...values)).toBeGreaterThan(0.23);
      expect(Math.min(...values)).toBeLessThan(-0.23);
    }
  });

  test('f64 keeps digits that f32 has not', async () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 1, dtype: 'f64' });
    layer.loadStateDict({
      weight: tensor([[1 + 2 ** -40, 2]], { dtype: 'f64' }),
      bias: tensor([2 ** -45], { dtype: 'f64' }),
    });
    const output = layer.forward(tensor([[1, 3]], { dtype: 'f64' }));
    expect(output.dtype).toBe('f64');
    expect(await output.data()).toEqual(Float64Array.of(7 + 2 ** -40 + 2 ** -45));
  });

  test('mistakes', () => {
    const layer = new Linear({ inFeatures: 4, outFeatures: 2 });
    expect(() => layer.forward(zeros([2, 3]))).toThrow(ShapeError);
    expect(() => layer.forward(zeros([2, 3]))).toThrow(
      `Linear.forward: got input f32[2, 3] on ${here}, expected last axis 4 (inFeatures).\n` +
        '  Fix: build the layer with inFeatures: 3.',
    );
    const features: object = { inFeature: 3 };
    expect(() => new Linear({ inFeatures: 4, outFeatures: 2, ...features })).toThrow('Fix: write inFeatures');
    expect(() => new Linear({ inFeatures: 4, outFeatures: 0 })).toThrow(
      'Linear: got outFeatures: 0, expected a whole number of at least 1 for outFeatures',
    );
  });
});
