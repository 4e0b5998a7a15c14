import { expect, test } from 'vitest';
import {
  Adam,
  autocast,
  crossEntropy,
  linear,
  Linear,
  LSTM,
  manualSeed,
  mathMode,
  OptionError,
  Parameter,
  setMathMode,
  tensor,
  type MathMode,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { spreadArray } from '../support/gradients';

test('the mode holds inside, and that of before comes back', () => {
  const before = mathMode();
  try {
    setMathMode('fma');
    expect(autocast('bf16', () => [mathMode(), autocast('f16', mathMode), mathMode()])).toEqual([
      'bf16',
      'f16',
      'bf16',
    ]);
    expect(mathMode()).toBe('fma');
    expect(() =>
      autocast('tf32', () => {
        throw new RangeError('mine');
      }),
    ).toThrow(new RangeError('mine'));
    expect(mathMode()).toBe('fma');
    expect(() => autocast('bf16', () => Promise.resolve(1))).toThrow(/autocast: got an async function/);
    expect(mathMode()).toBe('fma');
    expect(() => autocast('bf61' as MathMode, () => 1)).toThrow(/^autocast: got mode: "bf61", expected one of/);
    expect(() => setMathMode('bf61' as MathMode)).toThrow(OptionError);
    expect(mathMode()).toBe('fma');
  } finally {
    setMathMode(before);
  }
});

test('a training on the CPU with products in bf16 goes as one in f32, and on its own way', async () => {
  const losses = async (mode: MathMode): Promise<number[]> => {
    manualSeed(3);
    const lstm = new LSTM({ inputSize: 24, hiddenSize: 32 }),
      head = new Linear({ inFeatures: 32, outFeatures: 5 }),
      x = tensor(spreadArray([16, 12, 24], 1), { dtype: 'f32' }),
      y = tensor(Int32Array.from({ length: 16 }, (_, i) => i % 5));
    const optimizer = new Adam([...lstm.parameters(), ...head.parameters()], { learningRate: 0.01 }),
      curve: number[] = [];
    for (let step = 0; step < 40; ++step) {
      const loss = autocast(mode, () => crossEntropy(head.forward(lstm.forward(x).output.select(1, -1)), y));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      curve.push(await loss.item());
    }
    return curve;
  };
  const exact = await losses('fma'),
    rounded = await losses('bf16');
  expect(exact.at(-1)).toBeLessThan(0.5 * (exact[0] ?? NaN));
  expect(rounded).not.toEqual(exact);
  const off = rounded.map((loss, step) => Math.abs(loss - (exact[step] ?? NaN)) / (exact[0] ?? NaN));
  expect(Math.max(...off)).toBeLessThan(0.02);
});

describeDevices('autocast', (device) => {
  const numbers = (shape: readonly number[], seed: number): Tensor =>
    tensor(spreadArray(shape, seed), { dtype: 'f32' });

  /** Ops with a parameter; their gradients are products too. */
  const ops: Record<string, () => { parameter: Parameter; run: () => Tensor }> = {
    matmul: () => {
      const parameter = new Parameter(numbers([24, 16], 2)),
        x = numbers([8, 24], 1);
      return { parameter, run: () => x.matmul(parameter) };
    },
    linear: () => {
      const parameter = new Parameter(numbers([16, 24], 2)),
        x = numbers([8, 24], 1);
      return { parameter, run: () => linear(x, parameter) };
    },
    LSTM: () => {
      manualSeed(1);
      const layer = new LSTM({ inputSize: 24, hiddenSize: 16 }),
        x = numbers([8, 5, 24], 1);
      const [parameter] = layer.parameters();
      if (parameter === undefined) throw new Error('an LSTM has parameters');
      return { parameter, run: () => layer.forward(x).output };
    },
  };

  test.each(Object.entries(ops))('%s: the gradient is computed in the mode of its forward', async (_, make) => {
    const gradient = async (forward: MathMode, backward: MathMode): Promise<number[]> => {
      const { parameter, run } = make();
      const y = autocast(forward, run);
      autocast(backward, () => y.backward({ gradient: numbers(y.shape, 3) }));
      return Array.from((await parameter.grad?.data()) ?? []);
    };
    const exact = await gradient('fma', 'fma');
    expect(exact.length).toBeGreaterThan(0);
    for (const mode of ['bf16', 'f16'] as const) {
      const inside = await gradient(mode, mode);
      expect(await gradient(mode, 'fma')).toEqual(inside);
      expect(await gradient('fma', mode)).toEqual(exact);
      if (device === 'cpu' && mode === 'f16') expect(inside).toEqual(exact);
      else expect(inside).not.toEqual(exact);
      const largest = Math.max(...exact.map(Math.abs));
      inside.forEach((value, i) => expect(Math.abs(value - (exact[i] ?? NaN))).toBeLessThan(0.05 * largest));
    }
  });
});
