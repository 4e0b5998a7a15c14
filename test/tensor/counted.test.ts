import { expect, test } from 'vitest';
import { counted } from '../../src/tensor/counted';

test('one thing is one, and others are several', () => {
  const said = [0, 1, 2, 12_345].map((count) => counted(count, 'example'));
  expect(said).toEqual(['0 examples', '1 example', '2 examples', '12,345 examples']);
  expect([1, 2].map((count) => counted(count, 'training is', 'trainings are'))).toEqual([
    '1 training is',
    '2 trainings are',
  ]);
});
