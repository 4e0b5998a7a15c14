import { PaddedSequence, type Tensor } from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import { expectTensor, exportedFunction } from './exported';
import type { GoldenCase } from './golden-case';

/** Options that are tensors or lengths: all in the file but the operands, the result and its gradients. */
function storedOptions(golden: GoldenCase): Record<string, unknown> {
  const others = golden.names.filter(
    (name) => !['input', 'target', 'lengths', 'result'].includes(name) && !name.includes('.'),
  );
  return Object.fromEntries(
    others.map((name) => [
      name,
      golden.array(name).data instanceof Int32Array ? golden.numbers(name) : golden.tensor(name),
    ]),
  );
}

/** A loss: its value and the gradient of its input. `huber` names huberLoss; all that the case has more are options. */
export async function runLossCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const name = golden.text('loss');
  const loss = exportedFunction(golden, name, `${name}Loss`);
  const options = { ...golden.optionsBut('loss', 'transform', 'layout', 'tolerance'), ...storedOptions(golden) };
  const input = golden.leaf('input');
  const transformed = golden.has('transform')
    ? expectTensor(golden, exportedFunction(golden, golden.text('transform'))(input))
    : input;
  const padded = (x: Tensor): Tensor | PaddedSequence =>
    golden.hasArray('lengths') ? new PaddedSequence(x, golden.numbers('lengths')) : x;
  const result = expectTensor(golden, loss(padded(transformed), padded(golden.tensor('target')), options));
  await comparison.check('result', result);
  backwardFrom(golden, { result });
  await comparison.checkGradients({ input });
}
