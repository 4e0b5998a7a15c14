import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { PaddedSequence, tensor, zeros } from 'stmnet';

test('a tensor is text where text is wanted, and no number', () => {
  const sequence = new PaddedSequence(zeros([1, 2]), [1]);
  expect(String(sequence)).toContain('lengths [1]');
  expect(() => (sequence as unknown as number) < 1).toThrow(
    /^PaddedSequence: got f32\[1, 2\] on .*, lengths \[1\] in arithmetic/,
  );
  const x = tensor([0.05]);
  const text = `f32[1] on ${x.device}`;
  expect(String(x)).toBe(text);
  expect(`${String(x)}`).toBe(text);
  expect([x].join()).toBe(text);
  expect(inspect(x)).toBe(`Tensor ${text}`);
  const value = x as unknown as number;
  const calls: (() => unknown)[] = [
    () => value < 0.1,
    () => value >= 0.1,
    () => value + 1,
    () => +value,
    () => Math.max(value, 1),
    () => Number(x),
    () => value * 2,
  ];
  for (const call of calls) {
    expect(call).toThrow(
      `Tensor: got ${text} in arithmetic or in a comparison by an operator, expected a number.\n` +
        '  Fix: read it first, as in (await loss.item()) < 0.1; for tensors there are add(), lt() and the like, ' +
        'for text String(x).',
    );
  }
});
