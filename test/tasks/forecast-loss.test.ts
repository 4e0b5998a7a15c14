import { expect, test } from 'vitest';
import { Parameter, tensor } from 'stmnet';
import { countOutputs, forecastLoss, outputsOf, pointPlace } from '../../src/tasks/forecast-loss';
import { Forecaster, type ForecasterOptions } from '../../src/tasks';

const of = (options: ForecasterOptions) => outputsOf(new Forecaster(options).options);

test('what a network says: the point, and the quantiles behind it', () => {
  expect(of({})).toEqual({ point: 'mse', quantiles: [0.1, 0.5, 0.9] });
  expect(of({ loss: 'quantile', quantiles: [0.9, 0.5] })).toEqual({ point: undefined, quantiles: [0.5, 0.9] });
  expect(of({ strategy: 'recursive', loss: 'quantile' })).toEqual({ point: 'mae', quantiles: [] });
  expect([{}, { loss: 'quantile' } as const].map((one) => [countOutputs(of(one)), pointPlace(of(one))])).toEqual([
    [4, 0],
    [3, 1],
  ]);
});

test('the loss of the point, and the pinball loss, over what is not missing', async () => {
  // Two windows of one step and one target; the second target is missing.
  const said = [2, 0, 5, 9, 9, 9]; // point, lower and upper quantile
  const outputs = new Parameter(tensor({ data: Float32Array.from(said), shape: [2, 1, 1, 3] }));
  const target = tensor({ data: Float32Array.of(3, 0), shape: [2, 1, 1] });
  const weight = tensor({ data: Float32Array.of(1, 0), shape: [2, 1, 1] });
  const kinds = { mse: 1, mae: 1, huber: 0.5 } as const;
  for (const [point, own] of Object.entries(kinds)) {
    const terms = forecastLoss(
      outputs,
      { target, weight },
      { point: point as keyof typeof kinds, quantiles: [0.1, 0.9] },
    );
    expect(await Promise.all(terms.map(({ loss }) => loss.item()))).toEqual([
      expect.closeTo(own, 6),
      expect.closeTo((0.1 * 3 + 0.1 * 2) / 2, 6), // max(q d, (q - 1) d) of d = 3 and -2
    ]);
    for (const { divisor } of terms) expect(await (divisor as typeof target).item()).toBe(1);
  }
  const [first, second] = forecastLoss(outputs, { target, weight }, { point: 'mse', quantiles: [0.1, 0.9] });
  first!.loss.backward();
  second!.loss.backward();
  const gradient = await outputs.grad!.data();
  const wanted = [-2, -0.05, 0.05, 0, 0, 0]; // of the square, -q / 2 below the target and (1 - q) / 2 above it
  wanted.forEach((value, place) => expect(gradient[place]).toBeCloseTo(value, 6));
});

test('a batch of missing targets has no loss', async () => {
  const outputs = tensor({ data: new Float32Array(3), shape: [1, 1, 1, 3] });
  const none = tensor({ data: new Float32Array(1), shape: [1, 1, 1] });
  const terms = forecastLoss(outputs, { target: none, weight: none }, { point: undefined, quantiles: [0.1, 0.5, 0.9] });
  expect(terms).toHaveLength(1);
  expect(await terms[0]!.loss.item()).toBe(0);
});
