import { expect, test } from 'vitest';
import {
  isDeterministic,
  LSTM,
  manualSeed,
  PaddedSequence,
  scope,
  setDeterministic,
  synchronize,
  tensor,
  type Tensor,
} from 'stmnet';
import { random } from '../support/random';
import { cuda, describeCuda, standin } from './cuda';

const [N, T, D, H] = [6, 11, 12, 20];
const iterations = 1_000;

/**
 * A thousand forward and backward passes with random lengths. The host arrays are overwritten as soon as the call
 * returns, so that a copy that is read late, or lengths that are, show.
 */
async function passes(wait: boolean): Promise<number[]> {
  manualSeed(17);
  const draw = random(5);
  const layer = new LSTM({ inputSize: D, hiddenSize: H, numLayers: 2, bidirectional: true, algo: 'standard' });
  const figures: Tensor[] = [];
  const values = new Float32Array(N * T * D);
  for (let i = 0; i < iterations; i++) {
    for (let at = 0; at < values.length; at++) values[at] = draw() - 0.5;
    const lengths = Array.from({ length: N }, () => Math.floor(draw() * (T + 1)));
    figures.push(
      scope(() => {
        for (const parameter of layer.parameters()) parameter.grad = undefined;
        const { output, h } = layer.forward(
          new PaddedSequence(tensor({ data: values, shape: [N, T, D] }, { device: cuda }), lengths),
        );
        values.fill(Number.NaN);
        lengths.fill(-1);
        output.values.square().sum().add(h.square().sum()).backward();
        const gradients = layer.parameters().map((parameter) => parameter.grad?.square().sum() ?? output.values.sum());
        return gradients.reduce((total, one) => total.add(one), output.values.abs().sum());
      }),
    );
    if (wait) await synchronize(cuda);
  }
  return Promise.all(
    figures.map(async (figure) => {
      const value = await figure.item();
      figure.dispose();
      return value;
    }),
  );
}

describeCuda('a thousand passes with random lengths', () => {
  test('without waiting give the bits that they give one by one', { timeout: 600_000 }, async () => {
    const before = isDeterministic();
    setDeterministic(true);
    const atOnce = await passes(false);
    const [oneByOne, again] = [await passes(true), standin ? undefined : await passes(false)];
    setDeterministic(before);
    expect(atOnce.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
    expect(new Set(atOnce).size).toBeGreaterThan(iterations / 2);
    expect(atOnce).toEqual(oneByOne);
    if (again !== undefined) expect(again).toEqual(atOnce);
  });
});
