import { expect, test } from 'vitest';
import { crossEntropy, manualSeed, SGD, TextStream, type Tensor } from 'stmnet';
import { languageTrainer } from '../../src/tasks/language-evaluation';
import { LanguageModelNetwork } from '../../src/tasks/language-model-network';

const stream = new TextStream([1, 4, 2, 0, 3, 3, 2, 1, 0, 4, 2, 2, 3, 1, 0], { batchSize: 2, steps: 3 });

function network(): LanguageModelNetwork {
  manualSeed(2);
  const sizes = { cell: 'lstm', embeddingDim: 4, hiddenSize: 6, numLayers: 1 } as const;
  return new LanguageModelNetwork({ numTokens: 5, ...sizes, dropout: 0.5, tieWeights: false });
}

/** The loss of an epoch, and the gradients of its last step, all steps with the same dropout and weights. */
async function trained(alpha: number, beta: number): Promise<{ loss: number; gradient: number[] }> {
  const model = network();
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const penalties = { activationRegularization: alpha, temporalActivationRegularization: beta };
  const trainer = languageTrainer(model, penalties, { optimizer });
  manualSeed(7);
  const { epochs } = await trainer.fit(stream, { epochs: 1, progress: false });
  const gradient = Array.from((await model.recurrent.parameters()[1]?.grad?.data()) ?? []);
  expect((await trainer.evaluate(stream)).loss).toBe((await languageTrainer(network()).evaluate(stream)).loss);
  return { loss: epochs[0]?.train['loss'] ?? Number.NaN, gradient };
}

test('the loss of training has α h² of what dropout leaves, and β (h_t - h_t-1)² of what was before it', async () => {
  const model = network();
  manualSeed(7);
  let [squares, changes, steps, pairs, state]: [number, number, number, number, unknown] = [0, 0, 0, 0, undefined];
  for await (const { input } of stream) {
    const { raw, hidden, state: next } = model.activations(input, state as never);
    state = next;
    const before = (await (raw as Tensor).array()) as number[][][];
    for (const row of (await (hidden as Tensor).array()) as number[][][])
      for (const step of row) {
        squares += step.reduce((sum, value) => sum + value * value, 0) / 6;
        steps++;
      }
    for (const row of before)
      for (const [at, step] of row.slice(1).entries()) {
        changes += step.reduce((sum, value, unit) => sum + (value - (row[at]?.[unit] ?? 0)) ** 2, 0) / 6;
        pairs++;
      }
  }
  expect([steps, pairs]).toEqual([14, 8]); // pieces of 3, 3 and 1 steps of two rows
  const { loss } = await trained(0, 0);
  expect((await trained(2, 0)).loss).toBeCloseTo(loss + (2 * squares) / steps, 5);
  expect((await trained(0, 3)).loss).toBeCloseTo(loss + (3 * changes) / pairs, 5);
  expect((await trained(2, 3)).loss).toBeCloseTo(loss + (2 * squares) / steps + (3 * changes) / pairs, 5);
});

test('and its gradients', async () => {
  const [none, all] = [await trained(0, 0), await trained(2, 3)];
  expect(all.gradient).not.toEqual(none.gradient);
  expect(all.gradient.every(Number.isFinite)).toBe(true); // the last piece has one step, and no change
});

test('the loss of an evaluation is the cross entropy alone', async () => {
  const model = network().eval();
  const [first] = [await stream[Symbol.asyncIterator]().next()];
  const { input, target } = first.value as { input: Tensor; target: Tensor };
  const penalties = { activationRegularization: 2, temporalActivationRegularization: 1 };
  const { loss } = await languageTrainer(model, penalties).evaluate([{ input, target }]);
  expect(loss).toBeCloseTo(await crossEntropy(model.forward(input).output, target).item(), 6);
});
