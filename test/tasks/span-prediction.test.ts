import { expect, test } from 'vitest';
import { bestSpan } from '../../src/tasks/span-prediction';

test('the best span ends where it begins or behind, and not too far', () => {
  const [starts, ends] = [Float32Array.of(0.125, 0.5, 0.375), Float32Array.of(0.625, 0.125, 0.25)];
  expect(bestSpan(starts, ends, 3, 3)).toEqual({ first: 1, last: 2, probability: 0.125 });
  expect(bestSpan(starts, ends, 3, 1)).toEqual({ first: 2, last: 2, probability: 0.09375 });
});

test('numbers that are none give the first word, which is not probable at all', () => {
  const none = new Float32Array(2).fill(Number.NaN);
  expect(bestSpan(none, none, 2, 2)).toEqual({ first: 0, last: 0, probability: 0 });
});
