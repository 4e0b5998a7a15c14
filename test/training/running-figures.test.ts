// What a Trainer does with metrics that read values, that compare texts, and that have several figures.
import { expect, test } from 'vitest';
import { HostMetric, MSELoss, SGD, tensor, Trainer, type HostNumbers, type Sequence, type Tensor } from 'stmnet';
import { unit } from '../support/trainers';

/** Remembers what it was given, in order. */
class Seen extends HostMetric<string, readonly string[], readonly string[]> {
  readonly name = 'seen';
  override readonly figureNames = ['first'];
  protected override readonly takes = 'texts';
  texts: readonly string[] = [];

  protected override count(output: readonly string[], target: readonly string[], weight?: HostNumbers): string {
    return `${output.join()}/${target.join()}${weight === undefined ? '' : `*${weight.data.join()}`}`;
  }

  protected override result(parts: readonly string[]): number {
    this.texts = parts;
    return parts.length;
  }

  protected override details(parts: readonly string[]): Record<string, number> {
    return { first: Number(parts[0]?.split('/')[0]) };
  }
}

const batches = [1, 2, 3, 4].map((x) => ({ x: tensor([[x]]), names: [`n${x}`] }));

test('a from may read values: batches count in their order, whichever is read first', async () => {
  const { model } = unit(2);
  const seen = new Seen();
  let turn = 0;
  const trainer = new Trainer({
    model,
    optimizer: new SGD(model.parameters(), { learningRate: 0 }),
    forward: (linear, batch: { x: Tensor; names: string[] }) => linear.forward(batch.x),
    loss: (output: Sequence) => (output as Tensor).mean(),
    metrics: [
      {
        metric: seen,
        name: 'texts',
        from: async (output, batch) => {
          const reading = (output as Tensor).data();
          if (turn++ === 0) await new Promise((done) => setTimeout(done, 30));
          return [[String(...(await reading))], batch.names] as const;
        },
      },
    ],
  });
  const figures = await trainer.evaluate(batches);
  expect(seen.texts).toEqual(['2/n1', '4/n2', '6/n3', '8/n4']);
  expect(figures).toEqual({ loss: 5, texts: 4, 'texts.first': 2 });
  const history = await trainer.fit(batches, { epochs: 1, progress: false, validation: batches.slice(0, 2) });
  expect(history.train('texts.first')).toEqual([2]);
  expect(history.validation('texts')).toEqual([2]);
});

test('what a from throws later ends the walk', async () => {
  const { model, batches: pairs } = unit(2);
  const from = async (output: Sequence): Promise<[string[], string[]]> => {
    await (output as Tensor).data();
    throw new RangeError('no such word');
  };
  const trainer = new Trainer({ model, loss: new MSELoss(), metrics: [{ metric: new Seen(), from }] });
  await expect(trainer.evaluate(pairs)).rejects.toThrow('no such word');
});
