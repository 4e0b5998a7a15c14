import { describe, expect, test } from 'vitest';
import { Dropout, GaussianNoise, PaddedSequence, manualSeed, ones, zeros } from 'stmnet';

describe('Dropout', () => {
  test('drops about p and scales the rest; the gradient has the same mask', async () => {
    manualSeed(1);
    const x = ones([100, 100], { requiresGrad: true });
    const output = new Dropout({ p: 0.2 }).forward(x);
    const values = await output.data();
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(dropped - 0.2)).toBeLessThan(0.02);
    expect(new Set(values)).toEqual(new Set([0, 1.25]));
    output.sum().backward();
    expect(await x.grad?.data()).toEqual(values);
  });

  test('passes everything on in evaluation, and with p 0', () => {
    const x = ones([2]);
    expect(new Dropout({ p: 0.9 }).eval().forward(x)).toBe(x);
    expect(new Dropout({ p: 0 }).forward(x)).toBe(x);
    expect(new Dropout().options.p).toBe(0.5);
  });

  test('mistakes', () => {
    expect(() => new Dropout({ p: 1 })).toThrow('Dropout: got p: 1, expected a probability in [0, 1) for p');
    const rate: object = { rate: 0.5 };
    expect(() => new Dropout(rate)).toThrow('Dropout: got an option rate, expected only p');
  });
});

describe('GaussianNoise', () => {
  test('has the deviation asked for, and leaves padding alone', async () => {
    manualSeed(2);
    const noise = Array.from(await new GaussianNoise({ stddev: 0.5 }).forward(zeros([200, 100])).data());
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.02);
    const output = new GaussianNoise({ stddev: 1 }).forward(new PaddedSequence(zeros([1, 3, 1]), [2]));
    const [a, b, c] = await output.values.data();
    expect([a === 0, b === 0, c === 0]).toEqual([false, false, true]);
  });

  test('passes everything on in evaluation, and its gradient', async () => {
    const x = ones([2], { requiresGrad: true });
    const layer = new GaussianNoise({ stddev: 3 });
    layer.forward(x).sum().backward();
    expect(await x.grad?.array()).toEqual([1, 1]);
    expect(layer.eval().forward(x)).toBe(x);
    expect(() => new GaussianNoise({ stddev: -1 })).toThrow(
      'GaussianNoise: got stddev: -1, expected a finite number of at least 0 for stddev',
    );
  });
});
