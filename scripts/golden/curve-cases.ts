import { Adam, Linear, PaddedSequence, crossEntropy, type Tensor } from 'stmnet';
import type { Comparison } from './comparison';
import type { GoldenCase } from './golden-case';
import { recurrentLayer } from './recurrent-cases';

/** A whole training run: the loss before each step, and the weights after the last. */
export async function runCurveCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const rnn = recurrentLayer(golden);
  const linear = new Linear({ inFeatures: golden.number('hiddenSize'), outFeatures: golden.number('classes') });
  const stored = (prefix: string, names: Iterable<[string, unknown]>): Record<string, Tensor> =>
    Object.fromEntries(Array.from(names, ([name]) => [name, golden.tensor(`initial.${prefix}.${name}`)]));
  rnn.loadStateDict(stored('rnn', rnn.namedParameters()));
  linear.loadStateDict(stored('linear', linear.namedParameters()));

  const optimizer = new Adam([...rnn.parameters(), ...linear.parameters()], {
    learningRate: golden.number('learningRate'),
  });
  const input = new PaddedSequence(golden.tensor('input'), golden.numbers('lengths'));
  const target = golden.tensor('target');
  const losses: Tensor[] = [];
  for (let step = 0; step < golden.number('steps'); step++) {
    const { h } = rnn.forward(input);
    const loss = crossEntropy(linear.forward(h.select(0, -1)), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss);
  }
  comparison.checkNumbers('losses', await Promise.all(losses.map((loss) => loss.item())), golden.array('losses').data);
  for (const [name, parameter] of rnn.namedParameters()) await comparison.check(`final.rnn.${name}`, parameter);
  for (const [name, parameter] of linear.namedParameters()) await comparison.check(`final.linear.${name}`, parameter);
}
