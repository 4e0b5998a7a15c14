import { describe, expect, test } from 'vitest';
import {
  AveragedWeights,
  Linear,
  mseLoss,
  MSELoss,
  SGD,
  tensor,
  Trainer,
  type FitOptions,
  type Tensor,
  type TrainerCallback,
} from 'stmnet';
import { NonMonotone } from '../../../src/training/callbacks/non-monotone';
import { differences } from '../../support/near';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('non-monotone', (path) => (folder = path));
const quiet = { progress: false } as const;

/** Behind which of these validations averaging begins, from 1 on; 0 for none. */
const begins = (interval: number, losses: readonly number[]): number => {
  const trigger = new NonMonotone(interval);
  return losses.findIndex((loss, at) => trigger.look(loss, 10 * (at + 1))) + 1;
};

describe('averaging begins', () => {
  test.each<[interval: number, losses: number[], at: number]>([
    [1, [3, 2, 1], 0],
    [1, [3, 2, 2.5, 2.4], 4], // 2.5 is below the 3 of two before; 2.4 above 2
    [1, [3, 4], 0],
    [1, [3, 4, 3.5], 3],
    [2, [3, 4, 3.5], 0],
    [2, [3, 4, 3.5, 3.2], 4],
    [2, [3, 4, 3.5, 3], 0], // as small is not above
    [5, [1, 2, 2, 2, 2, 2, 2], 7],
    [1, [3, Number.NaN, 4, Number.POSITIVE_INFINITY, 3.5], 5],
  ])('of the interval %i and losses %j behind %i', (interval, losses, at) => {
    expect(begins(interval, losses)).toBe(at);
  });

  test('once; steps behind it count, and the same validation is looked at once', () => {
    const trigger = new NonMonotone(1);
    expect([trigger.look(1, 5), trigger.look(1, 5), trigger.look(2, 10)]).toEqual([false, false, false]);
    expect(trigger.counts(11)).toBe(false);
    expect([trigger.look(undefined, 15), trigger.look(2, 15), trigger.look(3, 20)]).toEqual([false, true, false]);
    expect([trigger.counts(15), trigger.counts(16)]).toEqual([false, true]);
    const again = new NonMonotone(1);
    again.loadState('test', trigger.state());
    expect(again.state()).toEqual({ losses: [1, 2, 2], seen: 15, begun: 15 });
    trigger.reset();
    expect([trigger.counts(16), trigger.state()]).toEqual([false, { losses: [], seen: 0, begun: null }]);
  });

  test.each<[interval: number, losses: number[], why: string]>([
    [2, [], 'that takes 4 validations of a finite loss at least, and there were 0'],
    [2, [1, 2, 3], 'that takes 4 validations of a finite loss at least, and there were 3'],
    [1, [3, Number.NaN, Number.NaN, 4], 'that takes 3 validations of a finite loss at least, and there were 2'],
    [1, [3, 2, 1], 'loss was never above the smallest of those more than 1 validation back'],
    [1, [1, 2, 3], 'averaging began behind the last step that counts'],
  ])('tells why it did not: the interval %i and losses %j', (interval, losses, why) => {
    const trigger = new NonMonotone(interval);
    losses.forEach((loss, at) => trigger.look(loss, at + 1));
    expect(trigger.whyNone('loss')).toBe(why);
  });

  test('mistakes', () => {
    const load = (state: unknown) => () => new NonMonotone(1).loadState('load', state);
    expect(load(undefined)).toThrow('load: got undefined');
    expect(load({ losses: [1, Number.NaN], seen: 1, begun: null })).toThrow('load: got losses: [1, NaN]');
    expect(load({ losses: [], seen: -1, begun: null })).toThrow('load: got seen: -1');
    expect(() => new AveragedWeights({ nonMonotoneInterval: 0 })).toThrow('nonMonotoneInterval: 0, expected a whole');
    expect(() => new AveragedWeights({ nonmono: 5 } as never)).toThrow('AveragedWeights: got an option nonmono');
  });
});

/** A training by SGD whose validations have given losses, and the weights that they saw. */
function training(losses: readonly number[]) {
  const model = new Linear({ inFeatures: 2, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[1, -0.5]]) });
  const told = [...losses];
  const loss = (output: Tensor, target: Tensor): Tensor =>
    model.training ? mseLoss(output, target) : tensor([told.shift() ?? Number.NaN]);
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const target = tensor([[1], [-1], [0.5]]);
  const input = tensor([[1, 2], [-1, 0.5], [0.25, -2]]); // prettier-ignore
  const batches = [1, 2].map((k) => ({ input: input.mul(k), target }));
  const seen: number[][] = [];
  const noting: TrainerCallback = { onEpochEnd: async () => void seen.push(Array.from(await model.weight.data())) };
  const trainer = new Trainer({ model, loss: loss as never, optimizer });
  const fit = (more: Partial<FitOptions>): Promise<unknown> =>
    trainer.fit(batches, { ...quiet, epochs: 6, validation: batches.slice(1), callbacks: [noting], ...more });
  return { model, noting, seen, fit };
}

const script = [4, 5, 6, 4.5, 3, 2];

// torch 2.13.0: SGD(lr=0.1) over the same batches, w the weights after each step; behind the fourth epoch, whose loss
// is above that of the first, the mean of all since:
//   [w[1], w[3], w[5], w[7], torch.stack(w[8:10]).mean(0), torch.stack(w[8:12]).mean(0)]
const byTorch = [
  [0.81909722, 0.09999998],
  [0.65566826, -0.18619792],
  [0.63226169, -0.01222467],
  [0.59666491, -0.09956637],
  [0.62912261, -0.04993213],
  [0.62593544, -0.0507791],
];

test('NT-ASGD is SGD, and from the trigger on the mean of its weights', async () => {
  const { seen, fit, noting, model } = training(script);
  await fit({ callbacks: [new AveragedWeights({ nonMonotoneInterval: 2 }), noting] });
  expect(differences(seen.flat(), byTorch.flat(), 2e-6)).toEqual([]);
  expect(differences(await model.weight.data(), byTorch[5] ?? [], 2e-6)).toEqual([]);
});

test('goes on from a checkpoint bit for bit, before it begins and after', async () => {
  const averaging = (): AveragedWeights => new AveragedWeights({ nonMonotoneInterval: 2 });
  const whole = training(script);
  await whole.fit({ callbacks: [averaging(), whole.noting] });
  for (const step of [5, 8, 9, 11]) {
    const checkpoints = { folder: `${folder}/${step}`, everySteps: 1 };
    const stop: TrainerCallback = {
      onStep: (run) => {
        if (run.steps === step) throw new Error('stopped');
      },
    };
    await expect(training(script).fit({ checkpoints, callbacks: [averaging(), stop] })).rejects.toThrow('stopped');
    const rest = training(script.slice(Math.ceil(step / 2) - 1));
    await rest.fit({ checkpoints, resume: true, callbacks: [averaging(), rest.noting] });
    expect(rest.seen).toEqual(whole.seen.slice(-rest.seen.length));
    expect(await rest.model.weight.data()).toEqual(await whole.model.weight.data());
  }
  const other = training(script).fit({
    checkpoints: { folder: `${folder}/5` },
    resume: true,
    callbacks: [new AveragedWeights({ nonMonotoneInterval: 3 })],
  });
  await expect(other).rejects.toThrow('callbacks.AveragedWeights.nonMonotoneInterval: 3, there 2');
});

test('a training whose validations become better all the time keeps its weights, without a warning', async () => {
  const warned: string[] = [];
  const note = ({ message }: Error): void => void warned.push(message);
  process.on('warning', note);
  const [plain, averaged] = [training([6, 5, 4, 3, 2, 1]), training([6, 5, 4, 3, 2, 1])];
  await plain.fit({});
  await averaged.fit({ callbacks: [new AveragedWeights({ nonMonotoneInterval: 2 }), averaged.noting] });
  await new Promise(setImmediate);
  process.off('warning', note);
  expect(averaged.seen).toEqual(plain.seen);
  expect(warned).toEqual([]);
});

test('needs a validation', async () => {
  const { model } = training([]);
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  const fit = trainer.fit([{ input: tensor([[1, 2]]), target: tensor([[1]]) }], {
    ...quiet,
    epochs: 1,
    callbacks: [new AveragedWeights({ nonMonotoneInterval: 2 })],
  });
  await expect(fit).rejects.toThrow(
    'AveragedWeights: got figure of nonMonotoneInterval: "validation.loss", expected one of train.loss.\n' +
      '  Fix: pass fit a validation: trainer.fit(loader, { epochs, validation }).',
  );
});
