import { describe, expect, it } from 'vitest';
import {
  concat,
  expand,
  flatten,
  flip,
  ones,
  padConstant,
  permute,
  reshape,
  select,
  slice,
  split,
  squeeze,
  stack,
  tile,
  transpose,
  unsqueeze,
} from 'stmnet';
import { here } from '../../support/devices';
import { opCase } from '../../support/ops/cases';
import { shapeOps } from '../../support/ops/shape';

for (const row of shapeOps) opCase(row);

describe('mistakes', () => {
  const x = ones([2, 3]);
  it.each<[string, () => unknown, string | RegExp]>([
    [
      'reshape',
      () => reshape(x, [4, 2]),
      /reshape: got f32\[2, 3\] on (cpu|cuda:0) into \[4, 2\], expected as many elements \(6 and 8\)/,
    ],
    ['reshape', () => reshape(x, [4, -1]), /one axis open, expected 6 elements to be a multiple of 4/],
    [
      'reshape',
      () => reshape(x, [-1, -1]),
      /reshape: got extent -1, expected extents of 0 or more, and -1 at most once/,
    ],
    ['reshape', () => reshape(x, [1, 1, 1, 1, 1, 6, 1]), /reshape: got 7 axes, expected at most 6/],
    [
      'reshape',
      () => reshape(x, [2 ** 40, 2 ** 40]),
      `reshape: got f32[2, 3] on ${here} to [1099511627776, 1099511627776], expected at most 2^40 elements in all`,
    ],
    [
      'flatten',
      () => flatten(x, 1, 0),
      /flatten: got axes 1 to 0 of f32\[2, 3\] on (cpu|cuda:0), expected the first before the last/,
    ],
    ['transpose', () => transpose(x, 0, 2), /transpose: got dim 2, expected -2\.\.1/],
    ['permute', () => permute(x, [0, 0]), /permute: got dim 0 twice/],
    ['permute', () => permute(x, [0]), /permute: got 1 dims for f32\[2, 3\] on (cpu|cuda:0), expected each axis once/],
    ['slice', () => slice(x, [0, 0, 0]), /slice: got 3 starts and 3 ends for f32\[2, 3\] on (cpu|cuda:0)/],
    [
      'select',
      () => select(x, 1, 3),
      /select: got index 3, expected -3\.\.2 along dim 1 of f32\[2, 3\] on (cpu|cuda:0)/,
    ],
    [
      'unsqueeze',
      () => unsqueeze(ones([1, 1, 1, 1, 1, 1]), 0),
      /unsqueeze: got f32\[1, 1, 1, 1, 1, 1\] on (cpu|cuda:0), expected fewer than 6 axes/,
    ],
    ['squeeze', () => squeeze(x, 4), /squeeze: got dim 4/],
    [
      'expand',
      () => expand(x, [4, 3]),
      /expand: got extent 4 for f32\[2, 3\] on (cpu|cuda:0), expected 2 or, where the extent is 1, any/,
    ],
    ['expand', () => expand(x, [3]), /expand: got 1 extents for f32\[2, 3\] on (cpu|cuda:0)/],
    ['expand', () => expand(ones([1, 1]), [2 ** 30, 2 ** 30]), /expand: .*at most 2\^40 elements/],
    ['concat', () => concat([], 0), /concat: got no tensors/],
    [
      'concat',
      () => concat([x, ones([3, 3])], 1),
      `concat: got f32[2, 3] on ${here} and f32[3, 3] on ${here}, expected equal extents except along dim 1`,
    ],
    ['concat', () => concat([x, ones([2, 3], { dtype: 'f64' })], 1), /concat: .*expected one dtype/],
    [
      'stack',
      () => stack([x, ones([3, 3])], 0),
      /stack: got f32\[2, 3\] on (cpu|cuda:0) and f32\[3, 3\] on (cpu|cuda:0), expected tensors of one shape/,
    ],
    [
      'split',
      () => split(x, [1, 1], 1),
      /split: got sizes that add up to 2 for dim 1 of f32\[2, 3\] on (cpu|cuda:0), expected 3/,
    ],
    ['split', () => split(x, 0, 1), /split: got size 0, expected a whole number of 1 or more/],
    ['split', () => split(x, [4, -1], 1), /split: got size -1, expected 0 or more/],
    ['flip', () => flip(x, [0, 0]), /flip: got dim 0 twice/],
    ['tile', () => tile(x, [2]), /tile: got repeats \[2\] for f32\[2, 3\] on (cpu|cuda:0), expected 2 whole numbers/],
    [
      'padConstant',
      () => padConstant(x, [[0, 1]]),
      /padConstant: got amounts \[\[0, 1\]\] for f32\[2, 3\] on (cpu|cuda:0), expected 2 pairs/,
    ],
  ])('of %s say what was given and expected', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
