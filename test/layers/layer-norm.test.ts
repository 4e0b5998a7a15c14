import { describe, expect, it } from 'vitest';
import { LayerNorm, PaddedSequence, layerNorm, ones, tensor } from 'stmnet';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';
import { here } from '../support/devices';

describe('LayerNorm', () => {
  it('starts as plain normalisation, with the names of PyTorch', async () => {
    const layer = new LayerNorm({ normalizedShape: 4 });
    const x = tensor(spreadArray([2, 3, 4]), { dtype: 'f32' });
    expect(await layer.forward(x).array()).toEqual(await layerNorm(x).array());
    expect(Object.entries(layer.stateDict()).map(([name, value]) => `${name} ${String(value)}`)).toEqual([
      `weight f32[4] on ${here}`,
      `bias f32[4] on ${here}`,
    ]);
  });

  it('normalises several axes, with weight and bias or without', async () => {
    const layer = new LayerNorm({ normalizedShape: [3, 4], eps: 0.1, dtype: 'f64' });
    const [weight, bias] = [
      tensor(spreadArray([3, 4], 2), { dtype: 'f64' }),
      tensor(spreadArray([3, 4], 3), { dtype: 'f64' }),
    ];
    layer.loadStateDict({ weight, bias });
    const x = tensor(spreadArray([2, 3, 4]), { dtype: 'f64' });
    expect(
      differences(await layer.forward(x).data(), await layerNorm(x, { weight, bias, eps: 0.1 }).data(), 1e-14),
    ).toEqual([]);
    expect(new LayerNorm({ normalizedShape: 4, elementwiseAffine: false }).parameters()).toEqual([]);
    expect([...new LayerNorm({ normalizedShape: 4, bias: false }).namedParameters()].map(([name]) => name)).toEqual([
      'weight',
    ]);
  });

  it('leaves padding zero in spite of its bias', async () => {
    const layer = new LayerNorm({ normalizedShape: 2, dtype: 'f64' });
    layer.loadStateDict({ weight: ones([2], { dtype: 'f64' }), bias: tensor([5, 6], { dtype: 'f64' }) });
    const output = layer.forward(new PaddedSequence(tensor(spreadArray([1, 3, 2]), { dtype: 'f64' }), [1]));
    const [[first, ...rest] = []] = (await output.values.array()) as number[][][];
    expect(first?.every((value) => value > 3)).toBe(true);
    expect(rest).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('is rebuilt from its options', () => {
    const layer = new LayerNorm({ normalizedShape: 4, eps: 0.5, bias: false });
    expect(new LayerNorm(layer.options).options).toEqual(layer.options);
    expect(layer.config()).toEqual({
      class: 'LayerNorm',
      options: { normalizedShape: [4], eps: 0.5, elementwiseAffine: true, bias: false, dtype: 'f32' },
    });
  });

  it('refuses what does not fit', () => {
    expect(() => new LayerNorm({ normalizedShape: 4 }).forward(ones([2, 3]))).toThrow(
      /LayerNorm\.forward: got input f32\[2, 3\] on (cpu|cuda:0), expected last axes \[4\]/,
    );
    expect(() =>
      new LayerNorm({ normalizedShape: [3, 4] }).forward(new PaddedSequence(ones([2, 3, 4]), [1, 3])),
    ).toThrow(/LayerNorm\.forward/);
    expect(() => new LayerNorm({ normalizedShape: [] })).toThrow(/normalizedShape: \[\]/);
    expect(() => new LayerNorm({ normalizedShape: 0 })).toThrow(/normalizedShape: 0/);
    expect(() => new LayerNorm({ normalizedShape: 4, epsilon: 1 } as { normalizedShape: number })).toThrow(
      /got an option epsilon/,
    );
  });
});
