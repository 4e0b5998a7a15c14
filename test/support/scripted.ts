import { DeviceMetric, Linear, SGD, tensor, Trainer, type Batch, type Tensor } from 'stmnet';

/** A metric whose values are given: one for each time it is asked. */
export class Scripted extends DeviceMetric {
  readonly name = 'score';
  readonly #values: number[];

  constructor(values: readonly number[]) {
    super();
    this.#values = [...values];
  }

  protected count(): Tensor {
    return tensor([1], { dtype: 'f64' });
  }

  protected result(): number {
    return this.#values.shift() ?? Number.NaN;
  }
}

/**
 * A trainer whose weight, from 0 on, grows by 1 a step, and whose metric of each validation is given.
 *
 * @param values  of the validations
 */
export function scripted(values: readonly number[]): { trainer: Trainer; model: Linear; batches: Batch[] } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[0]]) });
  const optimizer = new SGD(model.parameters(), { learningRate: 1 });
  // Each value is asked for twice an epoch, by the training and by the validation; those of the training do not count.
  const metric = new Scripted(values.flatMap((value) => [0, value]));
  const loss = (output: Tensor): Tensor => output.mul(-1).sum();
  const trainer = new Trainer({ model, loss: loss as never, optimizer, metrics: [metric] });
  return { trainer, model, batches: [{ input: tensor([[1]]), target: tensor([[0]]) }] };
}
