import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { Linear, MSELoss, ones, SGD, Trainer, zeros } from 'stmnet';
import { epochLine } from '../../src/training/epoch-record';
import { makeProgress, type Progress } from '../../src/training/progress';
import { runWithoutErrors } from '../support/child';

const record = {
  epoch: 2,
  train: { loss: 0.12345, accuracy: 1 },
  validation: { loss: 1e-5, accuracy: 0.5 },
  step: 20,
  learningRate: 0.1,
  learningRates: [0.1],
  seconds: 1.26,
  examples: 100,
  examplesPerSecond: 80,
  memory: { tensors: 1000, process: 2000 },
};

const streamOf = (isTTY: boolean): { stream: PassThrough & { isTTY: boolean }; text: () => string } => {
  const chunks: string[] = [];
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 160,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  return { stream, text: () => chunks.join('') };
};

test('the line of an epoch', () => {
  expect(epochLine(record, 10)).toBe(
    'epoch 2/10: loss 0.1235, accuracy 1.0000 | validation loss 1.000e-5, accuracy 0.5000 | 1.3 s',
  );
  expect(epochLine({ epoch: 1, train: { loss: 1 }, skipped: 2, seconds: 1 }, 3)).toBe(
    'epoch 1/3: loss 1.0000 | 2 steps skipped | 1.0 s',
  );
});

test('elsewhere than on a terminal: one plain line an epoch', async () => {
  const { stream, text } = streamOf(false);
  const progress = await makeProgress(10, stream);
  progress.start(2, 5);
  expect(progress.step(1)).toBe(false);
  progress.validation({ epoch: 2, step: 15, validation: { loss: 1 } });
  progress.end(record);
  progress.note('stopped');
  expect(text()).toBe(`epoch 2/10, step 15: validation loss 1.0000\n${epochLine(record, 10)}\nstopped\n`);
});

test('on a terminal: a bar with figures, rate and time left, and the line at the end', async () => {
  const { stream, text } = streamOf(true);
  const progress = await makeProgress(10, stream);
  progress.start(2, 4);
  expect(progress.step(1)).toBe(true); // fresh figures are wanted at once, then every 100 ms
  expect(progress.step(2)).toBe(false);
  progress.figures({ loss: 0.5, accuracy: 0.25 });
  await vi.waitFor(() => {
    progress.step(3);
    expect(text()).toMatch(/epoch 2\/10 .*3\/4 \| [\d.]+ steps\/s \| .* left \| loss 0\.5000, accuracy 0\.2500/);
  });
  progress.validation({ epoch: 2, step: 15, validation: { loss: 1 } });
  await vi.waitFor(() => {
    progress.step(4);
    expect(text()).toContain(' | validation loss 1.0000');
  });
  progress.note('half way');
  expect(text()).toContain('\r\u001b[Khalf way\n');
  progress.end(record);
  expect(text()).toContain(`${epochLine(record, 10)}\n`);
  progress.note('stopped');
  expect(text().endsWith('\nstopped\n')).toBe(true);
});

test('on a terminal, for batches that cannot be counted: the steps so far', async () => {
  const { stream, text } = streamOf(true);
  const progress = await makeProgress(1, stream);
  progress.start(1, undefined);
  await vi.waitFor(() => {
    progress.step(3);
    expect(text()).toMatch(/epoch 1\/1 3 steps \| [\d.]+ steps\/s/);
  });
  progress.stop();
});

test('fit writes one line an epoch to standard error, unless told not to', async () => {
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  try {
    const model = new Linear({ inFeatures: 1, outFeatures: 1 });
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
    const batches = [{ input: ones([2, 1]), target: zeros([2, 1]) }];
    await trainer.fit(batches, { epochs: 2 });
    await trainer.fit(batches, { epochs: 2, progress: false });
  } finally {
    spy.mockRestore();
  }
  expect(written.length).toBe(2);
  expect(written[1]).toMatch(/^epoch 2\/2: loss [\d.e-]+ \| \d+\.\d s\n$/);
});

test('a training that breaks off leaves the terminal as it was: cursor shown, lines wrapping', async () => {
  const { stream, text } = streamOf(true);
  const progress = await makeProgress(1, stream);
  progress.start(1, 4);
  progress.step(1);
  await vi.waitFor(() => {
    progress.step(2);
    expect(text()).toContain('2/4');
  });
  expect(text()).not.toContain('\u001B[?25l');
  expect(text()).not.toContain('\u001B[?7l');
  progress.stop();
});

test('a standard error that nobody reads any more ends no training', async () => {
  const { code, stdout } = await runWithoutErrors(`
    const model = new stm.Linear({ inFeatures: 1, outFeatures: 1 });
    const trainer = new stm.Trainer({ model, loss: new stm.MSELoss(), optimizer: new stm.SGD(model.parameters()) });
    const batches = [{ input: stm.ones([2, 1]), target: stm.zeros([2, 1]) }];
    const listeners = process.stderr.listenerCount('error');
    setTimeout(async () => {
      const history = await trainer.fit(batches, { epochs: 50 });
      setImmediate(() => console.log(history.epochs.length, process.stderr.listenerCount('error') - listeners));
    }, 100);
  `);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '50 0\n' });
});

test('figures that take long are asked for more seldom', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
  try {
    const progress = await makeProgress(10, streamOf(true).stream);
    progress.start(1, 100);
    const askedAt = (time: number): boolean => {
      clock.mockReturnValue(time);
      return progress.step(1);
    };
    expect([askedAt(1100), askedAt(1150), askedAt(1200)]).toEqual([true, false, true]);
    clock.mockReturnValue(1250); // 50 ms for them: not before 500 ms
    progress.figures({ loss: 1 });
    expect([askedAt(1300), askedAt(1699), askedAt(1700)]).toEqual([false, false, true]);
    progress.stop();
  } finally {
    clock.mockRestore();
  }
});

test('a display of one’s own is told of epochs, steps, figures, validations and notes', async () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  const told: string[] = [];
  const display = (epochs: number): Progress => ({
    start: (epoch, steps) => void told.push(`start ${epoch}/${epochs} of ${steps}`),
    step: (done) => told.push(`step ${done}`) > 0,
    figures: () => undefined,
    validation: () => undefined,
    end: ({ epoch }) => void told.push(`end ${epoch}`),
    note: (text) => void told.push(text),
    stop: () => void told.push('stop'),
  });
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0 }),
  });
  const batch = { input: ones([1, 1]), target: zeros([1, 1]) };
  const onEpochEnd = (): void => trainer.note('a note');
  await trainer.fit([batch, batch], { epochs: 1, progress: display, callbacks: [{ onEpochEnd }] });
  expect(told).toEqual(['start 1/1 of 2', 'step 1', 'step 2', 'end 1', 'a note', 'stop']);
  const wrong = trainer.fit([batch], { epochs: 1, progress: 'yes' as never });
  await expect(wrong).rejects.toThrow('got progress: "yes", expected true or false for progress');
});
