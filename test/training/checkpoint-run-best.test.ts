import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  EarlyStopping,
  HostMetric,
  Linear,
  SGD,
  Trainer,
  loadCheckpoint,
  tensor,
  type CheckpointOptions,
  type FitOptions,
  type Tensor,
} from 'stmnet';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('best', (path) => (folder = path));

/** What the validation after each step comes to: the best is within the second epoch, which is of the steps 4 to 6. */
const scores = [Number.NaN, 0.1, 0.1, 0.2, 0.9, 0.1, 0.3];

class Score extends HostMetric<null, number> {
  readonly name = 'score';
  readonly #step: () => number;

  constructor(step: () => number) {
    super();
    this.#step = step;
  }

  protected count(): null {
    return null;
  }

  protected result(): number {
    return scores[this.#step()] ?? Number.NaN;
  }
}

/** A training whose weight is the number of steps. */
function setup(): { trainer: Trainer; weight: (model?: Linear) => Promise<number>; other: Linear } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[0]]) });
  const trainer: Trainer = new Trainer({
    model,
    loss: (output: Tensor): Tensor => output.mul(-1).sum(),
    optimizer: new SGD(model.parameters(), { learningRate: 1 }),
    metrics: [new Score(() => trainer.steps)],
  } as never);
  const other = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  return { trainer, weight: (given = model) => given.weight.item(), other };
}

const batch = { input: tensor([[1]]), target: tensor([[0]]) };
const best = { figure: 'validation.score', mode: 'max' } as const;

const fit = ({ trainer }: { trainer: Trainer }, checkpoints: Partial<CheckpointOptions>, more?: Partial<FitOptions>) =>
  trainer.fit([batch, batch, batch], {
    epochs: 2,
    progress: false,
    validation: [batch],
    validateEvery: 2,
    checkpoints: { folder, best, restoreBest: true, ...checkpoints },
    ...more,
  });

const failing = (step: number): Partial<FitOptions> => ({
  callbacks: [
    {
      onStep: ({ steps }) => {
        if (steps === step) throw new Error('stopped');
      },
    },
  ],
});

async function expectBest({ weight, other }: ReturnType<typeof setup>): Promise<void> {
  await loadCheckpoint(join(folder, 'best.safetensors'), { model: other });
  expect([await weight(), await weight(other)]).toEqual([4, 4]);
}

test.each<[what: string, checkpoints: Partial<CheckpointOptions>]>([
  ['after epochs alone', {}],
  ['at the step, too', { everySteps: 2 }],
  ['at other steps, too', { everySteps: 5 }],
  ['after every other epoch', { everyEpochs: 2 }],
])('the best validation is one within an epoch, with checkpoints %s', async (_, checkpoints) => {
  const training = setup();
  const stopping = new EarlyStopping(best);
  const history = await fit(training, checkpoints, { callbacks: [stopping] });
  await expectBest(training);
  const { best: value, bestStep: step, bestEpoch: epoch } = stopping;
  expect({ value, step, epoch }).toEqual({ value: 0.9, step: 4, epoch: 2 });
  expect(history.best(best.figure, { mode: 'max' })).toEqual({ value: 0.9, step: 4, epoch: 2 });
});

test('and is kept where the training is taken up after it', async () => {
  await expect(fit(setup(), { everySteps: 5 }, failing(6))).rejects.toThrow('stopped');
  const training = setup();
  await fit(training, { everySteps: 5 }, { resume: true });
  await expectBest(training);
});

test('and is there where the process ended before the best one was put beside the others', async () => {
  await expect(fit(setup(), { everySteps: 4 }, failing(5))).rejects.toThrow('stopped');
  await rm(join(folder, 'best.safetensors'));
  const training = setup();
  await fit(training, { everySteps: 4 }, { resume: true });
  await expectBest(training);
});
