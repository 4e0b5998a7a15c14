import { expect, test } from 'vitest';
import {
  BatchNorm1d,
  Dropout,
  Linear,
  Module,
  MSELoss,
  PaddedSequence,
  Sequential,
  SGD,
  tensor,
  Trainer,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { handlesKept } from '../support/handles';
import { differences } from '../support/near';
import { stateOf } from '../support/state-of';
import { tolerances } from '../support/tolerances';

const rows = [[1, 2], [-1, 0.5], [0.25, -2]]; // prettier-ignore
/** x, the first two rows of 2x, and 3x. */
const inputs = (): Tensor[] => [tensor(rows), tensor(rows.slice(0, 2)).mul(2), tensor(rows).mul(3)];

const normalized = (settings: { momentum?: number; dtype?: 'f64' } = {}): BatchNorm1d =>
  new BatchNorm1d({ numFeatures: 2, ...settings });

function make(norm = normalized()): { trainer: Trainer<Sequential>; norm: BatchNorm1d } {
  const first = new Linear({ inFeatures: 2, outFeatures: 2, dtype: norm.options.dtype });
  first.loadStateDict({ weight: tensor([[0.5, -0.25], [0.75, 1]]), bias: tensor([0.1, -0.2]) }); // prettier-ignore
  const model = new Sequential(first, norm);
  return { trainer: new Trainer({ model, loss: new MSELoss() }), norm };
}

const statisticsOf = async ({ running_mean, running_var, num_batches_tracked }: BatchNorm1d): Promise<number[][]> =>
  Promise.all([running_mean, running_var, num_batches_tracked].map(async (x) => Array.from((await x?.data()) ?? [])));

// torch 2.13.0, with the weights and inputs above: update_bn([x, 2 * x[:2], 3 * x], Sequential(Linear(2, 2),
// BatchNorm1d(2))), whatever went through it before
const means = [-0.10833329, 0.93888903];
const variances = [1.5625, 23.921007];

describeDevices('updateBatchNorm', () => {
  test.each([{}, { momentum: 0.4 }, { momentum: 1 }, { dtype: 'f64' } as const])(
    'measures what PyTorch’s update_bn does, with %o',
    async (settings) => {
      const { trainer, norm } = make(normalized(settings));
      const given = inputs().map((input) => (settings.dtype === 'f64' ? input.cast('f64') : input));
      trainer.model.train().forward(given[2]?.mul(9) ?? tensor(rows));
      trainer.model.eval();
      await trainer.updateBatchNorm(given);
      const [mean = [], variance = [], count] = await statisticsOf(norm);
      expect(differences(mean, means, 10 * tolerances.value.f32)).toEqual([]);
      expect(differences(variance, variances, 100 * tolerances.value.f32)).toEqual([]);
      expect([count, norm.training]).toEqual([[3], false]);
    },
  );
});

test('modes, gradients and handles are as before, and batches may be records', async () => {
  const { trainer, norm } = make();
  trainer.model.train();
  const batches = inputs().map((input) => ({ input }));
  await trainer.updateBatchNorm(batches);
  const before = handlesKept();
  const first = await statisticsOf(norm);
  await trainer.updateBatchNorm(batches);
  expect([handlesKept(), await statisticsOf(norm), norm.training]).toEqual([before, first, true]);
  expect(trainer.model.parameters().map(({ grad }) => grad)).toEqual([undefined, undefined, undefined, undefined]);
});

test('padding is left out, and a layer that is called twice in a batch counts twice', async () => {
  class Twice extends Module {
    readonly norm = normalized();
    forward(x: Sequence): Sequence {
      return this.norm.forward(this.norm.forward(x));
    }
  }
  const model = new Twice();
  const trainer = new Trainer({ model, loss: new MSELoss() });
  const sequence = new PaddedSequence(tensor([[[1, 2], [3, 6]], [[5, 4], [99, 99]]]), [2, 1]); // prettier-ignore
  await trainer.updateBatchNorm([sequence]);
  // Of 1, 3, 5 and 2, 6, 4: mean 3 and 4, variance 4; of the normalized ones: mean 0, variance 1.5.
  const [mean = [], variance = [], count] = await statisticsOf(model.norm);
  expect(differences([...mean, ...variance], [1.5, 2, 2.75, 2.75], 1e-4)).toEqual([]);
  expect(count).toEqual([2]);
});

test('dropout is that of a training', async () => {
  const norm = normalized();
  const model = new Sequential(new Dropout({ p: 0.5 }), norm);
  const rate = async (p: number): Promise<number> => {
    const dropout = new Sequential(new Dropout({ p }), norm);
    await new Trainer({ model: dropout, loss: new MSELoss() }).updateBatchNorm([tensor(Array(400).fill([1, 1]))]);
    return (await statisticsOf(norm))[1]?.[0] ?? Number.NaN;
  };
  expect(await rate(0)).toBe(0);
  expect(await rate(0.5)).toBeGreaterThan(0.5); // of 0 and 2
  expect(model.training).toBe(true);
});

test('layers that keep their statistics in a training keep them here', async () => {
  const frozen = normalized().requiresGrad_(false).eval();
  const still = normalized({ momentum: 0 });
  const model = new Sequential(frozen, still, new BatchNorm1d({ numFeatures: 2, trackRunningStats: false }));
  const before = await stateOf(model);
  const trainer = new Trainer({ model, loss: new MSELoss() });
  await trainer.updateBatchNorm(inputs());
  expect(await stateOf(model)).toEqual(before);
  const plain = new Trainer({ model: new Linear({ inFeatures: 2, outFeatures: 1 }), loss: new MSELoss() });
  await expect(plain.updateBatchNorm(inputs())).resolves.toBeUndefined();
});

test('mistakes change nothing', async () => {
  const { trainer, norm } = make();
  await trainer.updateBatchNorm(inputs());
  const before = await statisticsOf(norm);
  const [first = tensor(rows)] = inputs();
  await expect(trainer.updateBatchNorm([first, tensor([[1, 2, 3]])])).rejects.toThrow('expected last axis 2');
  await expect(trainer.updateBatchNorm([])).rejects.toThrow('Trainer.updateBatchNorm: got a loader without batches');
  await expect(trainer.updateBatchNorm(first as never)).rejects.toThrow('Trainer.updateBatchNorm: got f32[3, 2]');
  expect(await statisticsOf(norm)).toEqual(before);
  const optimizer = new SGD(trainer.model.parameters());
  const training = new Trainer({ model: trainer.model, loss: new MSELoss(), optimizer });
  const onStart = (): Promise<void> => training.updateBatchNorm([first]);
  const fit = training.fit([{ input: first, target: first }], { epochs: 1, progress: false, callbacks: [{ onStart }] });
  await expect(fit).rejects.toThrow('Trainer.updateBatchNorm: got');
});
