import { expect, test } from 'vitest';
import { gradientLines } from '../../src/training/gradient-record';

test('the largest and the least gradients are told, and not those of frozen parameters', () => {
  const norms = [3, Number.NaN, 9, 1, Number.NaN, 8, 2, Infinity, 5, Infinity, 4];
  const parameters = Object.fromEntries(norms.map((norm, index) => [`p${index}`, norm]));
  expect(gradientLines({ step: 7, parameters, steps: {}, findings: [] })).toEqual([
    'gradients of step 7: p7 Infinity, p9 Infinity, p2 9.0, p0 3.0, p6 2.0, p3 1.0',
  ]);
});
