import { describe, expect, it } from 'vitest';
import { ones, scaledDotProductAttention, tensor, type HostArray } from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

/** Attention of one row by plain loops; `sees` says which keys a query sees. */
function attended(
  query: HostArray,
  key: HostArray,
  value: HostArray,
  scale: number,
  sees: (q: number, k: number) => boolean,
): number[] {
  const [queries = 0, width = 0] = query.shape;
  const [keys = 0] = key.shape;
  const [, features = 0] = value.shape;
  return Array.from({ length: queries }).flatMap((_, q) => {
    const scores = Array.from(
      { length: keys },
      (__, k) =>
        Array.from({ length: width }).reduce(
          (sum: number, ___, d) => sum + (query.data[q * width + d] ?? 0) * (key.data[k * width + d] ?? 0),
          0,
        ) * scale,
    );
    const powers = scores.map((score, k) => (sees(q, k) ? Math.exp(score) : 0));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return Array.from({ length: features }, (__, e) =>
      powers.reduce(
        (sum, power, k) => sum + (total === 0 ? 0 : power / total) * (value.data[k * features + e] ?? 0),
        0,
      ),
    );
  });
}

describe('scaledDotProductAttention', () => {
  const [query, key, value] = [spreadArray([3, 4], 1, 2), spreadArray([5, 4], 2, 2), spreadArray([5, 2], 3)];
  const [q, k, v] = [query, key, value].map((part) => tensor(part, { dtype: 'f64' }));
  if (q === undefined || k === undefined || v === undefined) throw new Error('three tensors');

  it('is softmax(Q Kᵀ / √D) V', async () => {
    const expected = attended(query, key, value, 0.5, () => true);
    expect(differences(await scaledDotProductAttention(q, k, v).data(), expected, 1e-12)).toEqual([]);
    const batched = scaledDotProductAttention(
      q.reshape([1, 1, 3, 4]),
      k.reshape([1, 1, 5, 4]),
      v.reshape([1, 1, 5, 2]),
    );
    expect(batched.shape).toEqual([1, 1, 3, 2]);
    expect(differences(await batched.data(), expected, 1e-12)).toEqual([]);
  });

  it('takes a scale, a mask and causality', async () => {
    const mask = tensor([
      [true, true, false, true, true],
      [true, false, true, true, true],
      [false, false, false, false, false],
    ]);
    const visible = (await mask.array()) as boolean[][];
    expect(
      differences(
        await scaledDotProductAttention(q, k, v, { scale: 2, mask }).data(),
        attended(query, key, value, 2, (i, j) => visible[i]?.[j] === true),
        1e-12,
      ),
    ).toEqual([]);
    expect(
      differences(
        await scaledDotProductAttention(q, k, v, { causal: true }).data(),
        attended(query, key, value, 0.5, (i, j) => j <= i),
        1e-12,
      ),
    ).toEqual([]);
    expect(
      differences(
        await scaledDotProductAttention(q, k, v, { causal: true, mask }).data(),
        attended(query, key, value, 0.5, (i, j) => j <= i && visible[i]?.[j] === true),
        1e-12,
      ),
    ).toEqual([]);
  });

  it('has the gradients of differences', async () => {
    const mask = tensor([
      [true, true, false, true, true],
      [true, false, true, true, true],
      [false, false, false, false, false],
    ]);
    await expectGradients((a, b, c) => scaledDotProductAttention(a, b, c), [query, key, value]);
    await expectGradients((a, b, c) => scaledDotProductAttention(a, b, c, { mask }), [query, key, value]);
    await expectGradients((a, b, c) => scaledDotProductAttention(a, b, c, { causal: true }), [query, key, value]);
  });

  it('refuses widths and options that do not fit', () => {
    expect(() => scaledDotProductAttention(ones([3, 4]), ones([5, 3]), ones([5, 2]))).toThrow(
      /scaledDotProductAttention: got query f32\[3, 4\] on (cpu|cuda:0), key f32\[5, 3\] on (cpu|cuda:0)/,
    );
    expect(() => scaledDotProductAttention(ones([3, 4]), ones([5, 4]), ones([4, 2]))).toThrow(/expected \[…, Q, D\]/);
    expect(() =>
      scaledDotProductAttention(ones([3, 4]), ones([5, 4]), ones([5, 2]), { maks: tensor([true]) } as object),
    ).toThrow(/write mask, if that is what you mean/);
  });
});
