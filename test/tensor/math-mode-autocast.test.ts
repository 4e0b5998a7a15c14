import { expect, test } from 'vitest';
import {
  autocast,
  linear,
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
    expect(() => autocast('bf61' as MathMode, () => 1)).toThrow(OptionError);
    expect(mathMode()).toBe('fma');
  } finally {
    setMathMode(before);
  }
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
      if (device === 'cpu') expect(inside).toEqual(exact);
      else expect(inside).not.toEqual(exact);
    }
  });
});
