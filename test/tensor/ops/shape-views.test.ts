import { describe, expect, it } from 'vitest';
import {
  concat,
  flatten,
  flip,
  noGrad,
  padConstant,
  permute,
  reshape,
  select,
  slice,
  split,
  squeeze,
  sum,
  tensor,
  transpose,
  unsqueeze,
  zeros,
  type Tensor,
} from 'stmnet';
import { expectClose } from '../../support/ops/cases';

describe('views', () => {
  const views: [string, (x: Tensor) => Tensor][] = [
    ['reshape', (x) => reshape(x, [3, 2])],
    ['transpose', (x) => transpose(x, 0, 1)],
    ['permute', (x) => permute(x, [1, 0])],
    ['slice', (x) => slice(x, [0, 1])],
    ['select', (x) => select(x, 0, 1)],
    ['unsqueeze', (x) => unsqueeze(x, 0)],
    ['squeeze', (x) => squeeze(x)],
    ['flip', (x) => flip(x, [1])],
    ['split', (x) => split(x, 2, 1)[1] as Tensor],
    ['flatten', (x) => flatten(x)],
  ];
  it.each(views)('%s shares the elements of its input', async (_, view) => {
    const x = zeros([2, 3]);
    const y = view(x);
    noGrad(() => y.fill_(1));
    expect(await sum(x).item()).toBe(y.size);
  });

  it('of views show what they should', async () => {
    const x = tensor({ data: Float64Array.from({ length: 24 }, (_, i) => i), shape: [2, 3, 4] });
    const turned = await x.transpose(0, 2).slice([1], [3]).reshape([2, 6]).array();
    expect(turned).toEqual([
      [1, 13, 5, 17, 9, 21],
      [2, 14, 6, 18, 10, 22],
    ]);
    expect(await x.slice([0, 1]).reshape([2, 8]).array()).toEqual([
      [4, 5, 6, 7, 8, 9, 10, 11],
      [16, 17, 18, 19, 20, 21, 22, 23],
    ]);
    expect(await x.flip([2]).select(0, 1).flip([0]).array()).toEqual([
      [23, 22, 21, 20],
      [19, 18, 17, 16],
      [15, 14, 13, 12],
    ]);
    expect(await x.unsqueeze(1).expand([2, 2, 3, 4]).reshape([4, 12]).select(0, 2).data()).toEqual(
      Float64Array.from({ length: 12 }, (_, i) => i + 12),
    );
  });

  it('of whole numbers and bools work alike', async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { dtype: 'i32' },
    );
    expect(await concat([x.transpose(0, 1), x], 0).array()).toEqual([
      [1, 3],
      [2, 4],
      [1, 2],
      [3, 4],
    ]);
    expect(
      await padConstant(
        x,
        [
          [0, 1],
          [0, 0],
        ],
        7,
      ).array(),
    ).toEqual([
      [1, 2],
      [3, 4],
      [7, 7],
    ]);
    expect(await flip(tensor([true, false, false]), [0]).array()).toEqual([false, false, true]);
  });

  it('leave out parts of a split that nothing used', async () => {
    const x = tensor([1, 2, 3, 4], { requiresGrad: true });
    const [, second] = split(x, [1, 2, 1]) as [Tensor, Tensor, Tensor];
    second.mul(3).sum().backward();
    expect(await x.grad?.data()).toEqual(Float32Array.of(0, 3, 3, 0));
  });

  it('clamp a slice to what is there', async () => {
    const x = tensor([0, 1, 2, 3]);
    await expectClose(slice(x, [-100], [100]), { data: Float32Array.of(0, 1, 2, 3), shape: [4] }, 0);
    expect(slice(x, [3], [1]).shape).toEqual([0]);
    expect(slice(x, [9]).shape).toEqual([0]);
    expect(slice(x, [-2], [-1]).shape).toEqual([1]);
  });
});
