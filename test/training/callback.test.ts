import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MeanAbsoluteError, MSELoss, SGD, Trainer, type Batch, type Tensor, type TrainerCallback } from 'stmnet';
import { unit } from '../support/trainers';

const made = (): { trainer: Trainer; batches: Batch[] } => {
  const { model, batches } = unit(2);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  return {
    batches,
    trainer: new Trainer({ model, loss: new MSELoss(), optimizer, metrics: [new MeanAbsoluteError()] }),
  };
};

/** Notes each call, and throws at one of them. */
function noting(calls: string[], name = '', failing?: string): TrainerCallback {
  const note = async (call: string): Promise<void> => {
    await Promise.resolve();
    calls.push(name + call);
    if (call === failing) throw new Error(`${name}${call} fails`);
  };
  return {
    onStart: () => note('start'),
    onStep: (_, { epoch, batch, step }) => note(`step ${epoch}/${batch}/${step}`),
    onEpochEnd: ({ epoch }) => note(`epoch ${epoch}`),
    onEnd: () => note('end'),
    onError: (error) => note(error instanceof Error ? `error: ${error.message}` : 'error'),
  };
}

test('each is called in its turn, and awaited', async () => {
  const { trainer, batches } = made();
  const calls: string[] = [];
  await trainer.fit(batches, { epochs: 2, progress: false, callbacks: [noting(calls, 'a '), noting(calls, 'b ')] });
  const steps = ['step 1/1/1', 'step 1/2/2', 'epoch 1', 'step 2/1/3', 'step 2/2/4', 'epoch 2'];
  const expected = ['start', ...steps, 'end'].flatMap((call) => [`a ${call}`, `b ${call}`]);
  expect(calls).toEqual(expected);
});

test('the loss of a step can be read, and is let go after the callbacks', async () => {
  const { trainer, batches } = made();
  const losses: number[] = [];
  let kept: Tensor | undefined;
  await trainer.fit(batches, {
    epochs: 1,
    progress: false,
    callbacks: [
      { onStep: (_, { loss }) => void (kept ??= loss) },
      { onStep: async (_, { loss }) => void losses.push(await loss.item()) },
    ],
  });
  expect(losses).toEqual([2.5, 1]); // of inputs 1, 2 and 3, doubled, beside 1, 2 and 5
  expect(() => kept?.add(1)).toThrow('disposed');
});

test('they hear when the model is measured or kept, and before it is trained on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stmnet-callbacks-'));
  const { trainer, batches } = made();
  const calls: string[] = [];
  const measured: TrainerCallback = {
    ...noting(calls),
    onMeasure: () => void calls.push('measure'),
    onTrain: () => void calls.push('train'),
    onValidation: ({ step }) => void calls.push(`validation ${step}`),
    state: () => ({ data: { kept: calls.push('kept') } }),
  };
  const three = [...batches, ...batches.slice(0, 1)];
  await trainer.fit(three, {
    epochs: 2,
    progress: false,
    callbacks: [measured],
    validation: batches,
    validateEvery: 3,
    checkpoints: { folder, everySteps: 2 },
  });
  await rm(folder, { recursive: true });
  const [first, second] = [
    ['train', 'step 1/1/1', 'step 1/2/2', 'measure', 'kept', 'train', 'step 1/3/3', 'measure', 'validation 3', 'train'],
    ['train', 'step 2/1/4', 'measure', 'kept', 'train', 'step 2/2/5', 'step 2/3/6', 'measure', 'validation 6', 'kept'],
  ];
  const end = (epoch: number): string[] => ['measure', `epoch ${epoch}`, 'kept'];
  // The first 'kept' is a look at whether a checkpoint can keep the state.
  expect(calls).toEqual(['start', 'kept', ...first, ...end(1), ...second, 'train', ...end(2), 'end']);
});

test('two of one class that belong to what the training is are refused', async () => {
  const { trainer, batches } = made();
  class Changing implements TrainerCallback {
    onStep(): void {}
    identity(): Record<string, unknown> {
      return {};
    }
  }
  await expect(trainer.fit(batches, { epochs: 1, callbacks: [new Changing(), new Changing()] })).rejects.toThrow(
    'Trainer.fit: got two callbacks of the class Changing, expected one of it, as it changes what the training is.\n' +
      '  Fix: leave one out.',
  );
});

test.each(['start', 'step 1/2/2', 'epoch 1', 'end'])('an error in one ends fit, and all are told: %s', async (call) => {
  const { trainer, batches } = made();
  const calls: string[] = [];
  const fit = trainer.fit(batches, {
    epochs: 1,
    progress: false,
    callbacks: [noting(calls, '', call), noting(calls, 'second ')],
  });
  await expect(fit).rejects.toThrow(`${call} fails`);
  expect(calls.slice(-3)).toEqual([call, `error: ${call} fails`, `second error: ${call} fails`]);
  expect(calls.filter((other) => other.endsWith('end'))).toEqual(call === 'end' ? ['end'] : []);
});

test('an onError that throws does not hide the error, and is told as a warning', async () => {
  const { trainer, batches } = made();
  const warned: Error[] = [];
  const note = (warning: Error): void => void warned.push(warning);
  process.on('warning', note);
  const failing: TrainerCallback = {
    onEpochEnd: () => Promise.reject(new Error('the first')),
    onError: () => {
      throw new Error('the second');
    },
  };
  const calls: string[] = [];
  const fit = trainer.fit(batches, { epochs: 1, progress: false, callbacks: [failing, noting(calls)] });
  await expect(fit).rejects.toThrow('the first');
  await new Promise(setImmediate);
  process.off('warning', note);
  expect(calls.at(-1)).toBe('error: the first');
  expect(warned.map(({ message }) => message)).toEqual([
    'Trainer.fit: an onError threw while another error ended the training: Error: the second',
  ]);
});

test('the figures of a training are known before its first step', async () => {
  const { trainer, batches } = made();
  expect(trainer.figures).toEqual(['train.loss', 'train.meanAbsoluteError']);
  const seen: (readonly string[])[] = [];
  const callbacks = [{ onStart: ({ figures }) => void seen.push(figures) }] satisfies TrainerCallback[];
  await trainer.fit(batches, { epochs: 1, progress: false, callbacks, validation: batches });
  await trainer.fit(batches, { epochs: 1, progress: false, callbacks });
  const training = ['train.loss', 'train.meanAbsoluteError'];
  expect(seen).toEqual([[...training, 'validation.loss', 'validation.meanAbsoluteError'], training]);
});

test.each([
  ['onTrainBegin', 'onStart'],
  ['onTrainEnd', 'onEnd'],
  ['on_exception', 'onError'],
  ['on_validation_end', 'onValidation'],
])('a name of another library is answered with the one used here: %s', async (name, meant) => {
  const { trainer, batches } = made();
  const fit = trainer.fit(batches, { epochs: 1, callbacks: [{ [name]: () => undefined }] });
  await expect(fit).rejects.toThrow(`Fix: write ${meant}, if that is what you mean by ${name}.`);
});
