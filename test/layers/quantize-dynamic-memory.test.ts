import { expect, test } from 'vitest';
import { runChild } from '../support/child';

/** The most bytes that a batch [N, T, 64] took, its input and the weights aside, in a process of its own. */
function peakOf(quantized: boolean, layer: string, [N, T]: readonly [number, number], lengths = '[]'): number {
  const child = runChild(`
    const layer = ${layer}.eval();
    const model = ${quantized} ? stm.quantizeDynamic(layer).model : layer;
    const run = (x) => stm.noGrad(() => model.forward(x).output);
    (async () => {
      run(stm.zeros([1, 1, 64])).dispose(); // its kernels keep weights in a form of their own from then on
      const values = stm.zeros([${N}, ${T}, 64]), lengths = ${lengths};
      await stm.synchronize();
      const { usedBytes } = stm.memory();
      run(lengths.length ? new stm.PaddedSequence(values, lengths) : values);
      await stm.synchronize();
      console.log(stm.memory().peakBytes - usedBytes);
    })();`);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  return Number(child.stdout);
}

// The products of the inputs of all steps would take as much again as the rest, or more. What is kept of 8 bits beside
// f32 is a block of them for each direction, 512 KiB or what 192 rows take.
test.each([
  ['LSTM', 'new stm.LSTM({ inputSize: 64, hiddenSize: 128, bidirectional: true })', [32, 100], 1.25],
  ['GRU of two layers', 'new stm.GRU({ inputSize: 64, hiddenSize: 128, numLayers: 2 })', [64, 100], 1.15],
  ['RNN', 'new stm.RNN({ inputSize: 64, hiddenSize: 256 })', [64, 100], 1.15],
] as const)('a batch of long sequences takes little more than in f32: %s', (_, layer, shape, most) => {
  expect(peakOf(true, layer, shape) / peakOf(false, layer, shape)).toBeLessThan(most);
});

test('so does one whose sequences end early', () => {
  const layer = 'new stm.LSTM({ inputSize: 64, hiddenSize: 128, bidirectional: true })';
  const call = [layer, [64, 100], 'Array.from({ length: 64 }, (_, row) => (row * 37) % 101)'] as const;
  expect(peakOf(true, ...call) / peakOf(false, ...call)).toBeLessThan(1.25);
});

test('a long sequence alone takes less than in f32, which keeps the products of all its steps', () => {
  const layer = 'new stm.LSTM({ inputSize: 64, hiddenSize: 128 })';
  expect(peakOf(true, layer, [1, 2_000]) / peakOf(false, layer, [1, 2_000])).toBeLessThan(0.6);
});
