import { describe, expect, it } from 'vitest';
import { ones, scaledDotProductAttention, tensor } from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';
import { attended, attentionOps } from '../../support/ops/attention';
import { opCase } from '../../support/ops/cases';

for (const row of attentionOps) opCase(row);

describe('scaledDotProductAttention', () => {
  const [query, key, value] = [spreadArray([3, 4], 1, 2), spreadArray([5, 4], 2, 2), spreadArray([5, 2], 3)];
  const [q, k, v] = [query, key, value].map((part) => tensor(part, { dtype: 'f64' }));
  if (q === undefined || k === undefined || v === undefined) throw new Error('three tensors');

  it('takes a mask that hides all of a row, and causality with it', async () => {
    const mask = tensor([
      [true, true, false, true, true],
      [true, false, true, true, true],
      [false, false, false, false, false],
    ]);
    const visible = (await mask.array()) as boolean[][];
    expect(
      differences(
        await scaledDotProductAttention(q, k, v, { scale: 2, mask }).data(),
        attended([query, key, value], 2, (i, j) => visible[i]?.[j] === true).data,
        1e-12,
      ),
    ).toEqual([]);
    expect(
      differences(
        await scaledDotProductAttention(q, k, v, { causal: true, mask }).data(),
        attended([query, key, value], 0.5, (i, j) => j <= i && visible[i]?.[j] === true).data,
        1e-12,
      ),
    ).toEqual([]);
  });

  it('has the gradients of differences under such a mask', async () => {
    const mask = tensor([
      [true, true, false, true, true],
      [true, false, true, true, true],
      [false, false, false, false, false],
    ]);
    await expectGradients((a, b, c) => scaledDotProductAttention(a, b, c, { mask }), [query, key, value]);
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
