import { expect, it } from 'vitest';
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import { describeDevices } from '../../support/devices';
import { expectNumbers } from '../../support/singular-points';

describeDevices('squares neither overflow nor vanish nor cancel', () => {
  it('in std and norm of f32', async () => {
    const near = async (x: Tensor, expected: number): Promise<void> =>
      expect((await x.item()) / expected).toBeCloseTo(1, 6);
    for (const scale of [1e30, 1, 1e-30]) {
      await near(stm.std(stm.tensor([scale, 3 * scale])), Math.SQRT2 * scale);
      await near(stm.norm(stm.tensor([3 * scale, -4 * scale])), 5 * scale);
      await near(stm.norm(stm.tensor([scale, scale, -scale]), undefined, { p: 3 }), 3 ** (1 / 3) * scale);
      const x = stm.tensor([3 * scale, 4 * scale], { requiresGrad: true });
      stm.norm(x).backward();
      await expectNumbers('gradient', x.grad, [0.6, 0.8], 1e-6);
    }
    expect(await stm.mean(stm.full([1000], 3e38)).item()).toBe(Math.fround(3e38));
  });

  it('in variance of large numbers that lie close together, over any axes', async () => {
    const numbers = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 1e8 : 1e8 + 8));
    const x = stm.tensor(numbers).reshape([2, 3, 4]);
    for (const dims of [undefined, 2, [0, 2], [1, 2], [2, 0, 1]]) {
      const y = await stm.variance(x, dims, { correction: 0 }).data();
      expect(new Set(y), String(dims)).toEqual(new Set([16]));
      expect(
        new Set(await stm.std(x.transpose(0, 1), dims === undefined ? dims : [0, 1, 2], { correction: 0 }).data()),
      ).toEqual(new Set([4]));
    }
    const wide = stm.tensor([2 ** 53, 2 ** 53 + 2, 2 ** 53, 2 ** 53 + 2], { dtype: 'f64' });
    expect(await stm.variance(wide, undefined, { correction: 0 }).item()).toBe(1);
    const leaf = stm.tensor(numbers, { requiresGrad: true });
    stm.variance(leaf, undefined, { correction: 0 }).backward();
    await expectNumbers(
      'gradient',
      leaf.grad,
      numbers.map((_, i) => (i % 2 === 0 ? -8 : 8) / 24),
      1e-6,
    );
  });

  it('in the statistics of batchNorm and layerNorm', async () => {
    const numbers = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1e8 : 1e8 + 8));
    const norm = new stm.BatchNorm1d({ numFeatures: 1 });
    const y = norm.forward(stm.tensor(numbers).reshape([64, 1]));
    expect(new Set(await y.data())).toEqual(
      new Set([Math.fround(-4 / Math.sqrt(16 + 1e-5)), Math.fround(4 / Math.sqrt(16 + 1e-5))]),
    );
    expect(await norm.stateDict()['running_var']?.item()).toBeCloseTo(0.9 + (0.1 * 16 * 64) / 63, 6);
    const rows = stm.layerNorm(stm.tensor(numbers).reshape([2, 32]));
    await expectNumbers(
      'layerNorm',
      rows,
      numbers.map((_, i) => (i % 2 === 0 ? -1 : 1)),
      1e-6,
    );
    const small = stm
      .tensor(
        Float64Array.from({ length: 48 }, (_, i) => 1e4 + Math.sin(i) / 100),
        { dtype: 'f32' },
      )
      .reshape([3, 16]);
    await expectNumbers(
      'layerNorm of small differences',
      stm.layerNorm(small, { eps: 0 }),
      Array.from(await stm.layerNorm(small.cast('f64'), { eps: 0 }).data()),
      1e-5,
    );
  });
});
