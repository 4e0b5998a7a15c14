// What a training does when NaN comes up: it stops soon, the weights are those before it, and its origin is named.
import { expect, test, vi } from 'vitest';
import {
  BatchNorm1d,
  BCELoss,
  Dropout,
  Linear,
  LSTM,
  manualSeed,
  Module,
  MSELoss,
  Sequential,
  SGD,
  Sigmoid,
  Tensor,
  tensor,
  Trainer,
  TrainingError,
  type Batch,
  type TrainerOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';

const quiet = { epochs: 1, progress: false } as const;
const pair = (input: number, target = 0): Batch => ({ input: tensor([[input]]), target: tensor([[target]]) });
const many = (count: number, input = 0.5): Batch[] => Array.from({ length: count }, () => pair(input));

class Log extends Module {
  forward(x: Tensor): Tensor {
    return x.log();
  }
}

/** x · w, and what follows. */
function made(after: Module[], options: Partial<TrainerOptions> = {}): { model: Sequential; trainer: Trainer } {
  const linear = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  linear.loadStateDict({ weight: tensor([[1]]) });
  const model = new Sequential(linear, ...after);
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, ...options }) };
}
const weightOf = async (model: Module): Promise<number> => (await model.parameters()[0]?.item()) ?? Number.NaN;

describeDevices('a step that is not finite', () => {
  test.each<Partial<TrainerOptions>>([{}, { compile: true }, { clipGradNorm: 1 }])(
    'is noticed within ten steps, none of which changes a weight: %o',
    async (options) => {
      const [plain, stopped] = [made([], options), made([], options)];
      await plain.trainer.fit(many(3), quiet);
      let steps = 0;
      const fit = stopped.trainer.fit([...many(3), pair(Number.NaN), ...many(40)], {
        ...quiet,
        callbacks: [{ onStep: () => void steps++ }],
      });
      await expect(fit).rejects.toThrow(
        'a loss of NaN in epoch 1, batch 4 (step 4 of the trainer), first in the output of',
      );
      expect(steps - 4).toBeLessThanOrEqual(10);
      expect(await weightOf(stopped.model)).toBe(await weightOf(plain.model));
      // The next training changes them again.
      await stopped.trainer.fit(many(3), quiet);
      await plain.trainer.fit(many(3), quiet);
      expect(await weightOf(stopped.model)).toBe(await weightOf(plain.model));
    },
  );
  test('and that the device refuses to compute changes no weight either', async () => {
    const [plain, stopped] = [
      made([new Sigmoid()], { loss: new BCELoss() }),
      made([new Sigmoid()], { loss: new BCELoss() }),
    ];
    await plain.trainer.fit(many(3), quiet);
    const fit = stopped.trainer.fit([...many(3), pair(Number.NaN), ...many(40)], quiet);
    await expect(fit).rejects.toThrow('a loss of NaN in epoch 1, batch 4');
    expect(await weightOf(stopped.model)).toBe(await weightOf(plain.model));
  });
  test('is repeated with its random numbers, and the module named whose output it begins in', async () => {
    manualSeed(5);
    const { trainer, model } = made([new Dropout({ p: 0.3 }), new Log(), new Sigmoid()]);
    const fit = trainer.fit(many(200), quiet); // log(0) where the mask says so: with the mask of the step alone
    await expect(fit).rejects.toThrow(TrainingError);
    await expect(fit).rejects.toThrow(
      /a (loss|gradient) of .* in epoch 1, .*, first in the output of 2 \(Log\), expected.*\n {2}Fix: look for/,
    );
    expect(model.training).toBe(true);
  });
  test('names the parameter whose gradient it begins in, the nearest to the loss', async () => {
    const { trainer } = made([new Linear({ inFeatures: 1, outFeatures: 1 })], {
      loss: (output) => (output as Tensor).mul(0).abs().sqrt().mean(), // sqrt has an infinite slope at 0
    });
    await expect(trainer.fit(many(4), quiet)).rejects.toThrow(
      'a gradient of NaN or infinity in epoch 1, batch 1 (step 1 of the trainer), first in the gradient of 1.bias, ' +
        'expected finite numbers.\n  Fix: look for sqrt',
    );
  });
  test('names the loss where all outputs are finite', async () => {
    const { trainer } = made([], { loss: (output) => (output as Tensor).mul(-1).log().mean() });
    await expect(trainer.fit(many(4), quiet)).rejects.toThrow(
      'first in the loss, of finite outputs, expected a finite',
    );
  });
  test('begins from the state that was carried to it', async () => {
    const model = new Sequential(new LSTM({ inputSize: 1, hiddenSize: 2 }), new Log());
    const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
    const trainer = new Trainer({
      model: model as Module as Sequential,
      loss: new MSELoss(),
      optimizer,
      carryState: true,
    });
    const piece: Batch = { input: tensor([[[0.5]]]), target: tensor([[[0, 0]]]) };
    await expect(trainer.fit([piece, piece], quiet)).rejects.toThrow('first in the output of 1 (Log)');
  });
  test('goes into the weights where it is to be ignored', async () => {
    const { trainer, model } = made([]);
    const history = await trainer.fit([...many(2), pair(Number.NaN), ...many(2)], { ...quiet, onNaN: 'ignore' });
    expect(history.last?.train.loss).toBeNaN();
    expect(history.last).not.toHaveProperty('skipped');
    expect(await weightOf(model)).toBeNaN();
  });
  test('leaves running means and variances as they were before it, and no gradients', async () => {
    const [plain, stopped] = [new BatchNorm1d({ numFeatures: 1 }), new BatchNorm1d({ numFeatures: 1 })];
    const rows = (first: number): Batch => ({ input: tensor([[first], [1]]), target: tensor([[1], [0]]) });
    const train = (model: BatchNorm1d, batches: Batch[]): Promise<unknown> =>
      new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) }).fit(batches, quiet);
    await train(plain, [rows(2), rows(3)]);
    const odd = [rows(2), rows(3), rows(Infinity), ...Array.from({ length: 20 }, () => rows(4))];
    await expect(train(stopped, odd)).rejects.toThrow('in epoch 1, batch 3');
    const statesOf = (model: Module): Promise<unknown> =>
      Promise.all(Object.entries(model.stateDict()).map(async ([name, values]) => [name, await values.array()]));
    expect(await statesOf(stopped)).toEqual(await statesOf(plain));
    expect(stopped.parameters().map(({ grad }) => grad)).toEqual([undefined, undefined]);
  });
  test('tells a loss that has grown over of the learning rate first', async () => {
    const model = new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 }));
    const optimizer = new SGD(model.parameters(), { learningRate: 1e10 });
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
    await expect(trainer.fit(many(8), quiet)).rejects.toThrow(
      /a loss of Infinity in epoch 1, .*\n {2}Fix: a smaller learningRate or .* growing over; else look for log /,
    );
    // A function may be a CTC loss.
    const infinite = new Trainer({ model, loss: (x) => (x as Tensor).sum().mul(0).add(1).div(0), optimizer });
    await expect(infinite.fit(many(1), quiet)).rejects.toThrow('and for a CTC target too long for its input');
  });
});

test('a loss is not read at each step', async () => {
  const { trainer } = made([]);
  const reads = vi.spyOn(Tensor.prototype, 'data');
  try {
    await trainer.fit(many(32), quiet);
    expect(reads.mock.calls.length).toBeLessThanOrEqual(32 / 8 + 1); // and the parameters, after the epoch
    reads.mockClear();
    await trainer.evaluate(many(32));
    expect(reads.mock.calls.length).toBeLessThanOrEqual(32 / 8);
  } finally {
    reads.mockRestore();
  }
});

test('mistakes: an unknown choice', async () => {
  const { trainer } = made([]);
  await expect(trainer.fit(many(1), { ...quiet, onNaN: 'throw' as never })).rejects.toThrow(
    "Trainer.fit: got onNaN: \"throw\", expected one of 'stop', 'skip', 'ignore'.",
  );
});
