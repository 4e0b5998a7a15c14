// What a training says of itself beside the lines of its epochs: that it went on, stopped early, and which was best.
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EarlyStopping, History, OptionError, type FitOptions, type Trainer } from 'stmnet';
import { scripted } from '../support/scripted';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('notes', (path) => (folder = path));

/** Trains, with the validations given; the lines that it shows but for those of the epochs. */
async function notes(
  scores: number[],
  options: Partial<FitOptions>,
): Promise<{ lines: string[]; history: History; trainer: Trainer; weight: number }> {
  const { trainer, batches, model } = scripted(scores);
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  try {
    await trainer.fit(batches, { epochs: 5, validation: batches, ...options });
  } finally {
    spy.mockRestore();
  }
  const lines = written.join('').replaceAll(folder, 'run').split('\n').slice(0, -1);
  const weight = await model.weight.item();
  return { lines: lines.filter((line) => !line.startsWith('epoch ')), history: trainer.history, trainer, weight };
}

const watch = (options: object = {}): EarlyStopping =>
  new EarlyStopping({ figure: 'validation.score', mode: 'max', patience: 2, ...options });

test('that it stopped early, why, which epoch was best, and what has been restored', async () => {
  const { lines, history, weight } = await notes([0.1, 0.5, 0.3, 0.2], { callbacks: [watch({ restoreBest: true })] });
  expect(lines).toEqual([
    'stopped after epoch 4 of 5: validation.score has not become better for 2 validations',
    'best validation.score 0.5000 in epoch 2, after step 2; the weights are those of then',
  ]);
  expect(weight).toBe(2);
  const stopped = { epoch: 4, step: 4, reason: 'validation.score has not become better for 2 validations' };
  expect(history.stopped).toEqual(stopped);
  expect(History.fromJSON(JSON.stringify(history)).stopped).toEqual(stopped);
  expect(history.best('validation.score', { mode: 'max' })).toEqual({ value: 0.5, epoch: 2, step: 2 });
  expect(history.resumed).toBeUndefined();
});

test('which epoch was best, where nothing has stopped it', async () => {
  const { lines, history } = await notes([0.1, 0.5, 0.3, 0.6, 0.4], { callbacks: [watch()] });
  expect(lines).toEqual(['best validation.score 0.6000 in epoch 4, after step 4']);
  expect(history.stopped).toBeUndefined();
});

test('that somebody stopped it', async () => {
  const stopping = (reason?: string): Partial<FitOptions> => ({
    callbacks: [{ onEpochEnd: (_, run) => run.stop(reason === undefined ? {} : { reason }) }],
  });
  expect((await notes([], stopping())).lines).toEqual(['stopped after epoch 1 of 5: stop() was called']);
  expect((await notes([], stopping('it is late'))).lines).toEqual(['stopped after epoch 1 of 5: it is late']);
  const last = await notes([], { ...stopping('it is late'), epochs: 1 });
  expect([last.lines, last.history.stopped]).toEqual([[], undefined]);
});

test('nothing with progress: false', async () => {
  const { lines } = await notes([0.5, 0.1, 0.1], { callbacks: [watch({ restoreBest: true })], progress: false });
  expect(lines).toEqual([]);
});

test('from where it goes on, and which checkpoint is best', async () => {
  const best = { figure: 'validation.score', mode: 'max' } as const;
  const options = { checkpoints: { folder, everySteps: 1, keep: 9, best }, resume: true } as const;
  const begun = await notes([0.1, 0.5, 0.3], { ...options, epochs: 3 });
  const kept = 'best validation.score 0.5000 in epoch 2, after step 2; in run/best.safetensors';
  expect([begun.lines, begun.history.resumed]).toEqual([[kept], undefined]);
  const on = await notes([0.4], { ...options, epochs: 4 });
  const path = 'run/step-000000003.safetensors';
  expect(on.lines).toEqual([`goes on in epoch 4 of 4, after step 3, from ${path}`, kept]);
  expect(on.history.resumed).toEqual({ path: join(folder, 'step-000000003.safetensors'), epoch: 4, step: 3 });
  const over = await notes([], { ...options, epochs: 4 });
  expect(over.lines).toEqual([
    'nothing to train: run/step-000000004.safetensors is of the end of epoch 4, and epochs is 4; ' +
      'pass more epochs to train on, or another folder to begin anew',
    kept,
  ]);
  expect(over.trainer.steps).toBe(4);
  expect(over.history.resumed?.epoch).toBe(4);
  const restoring = { ...options, checkpoints: { ...options.checkpoints, restoreBest: true } };
  const restored = await notes([], { ...restoring, epochs: 4 });
  expect(restored.lines[1]).toBe(
    'best validation.score 0.5000 in epoch 2, after step 2; the weights are those of then',
  );
  expect(restored.weight).toBe(2);
});

test('that it is within a later epoch than it is to train', async () => {
  const { trainer, batches } = scripted([]);
  const three = [0, 1, 2].flatMap(() => batches);
  const stop = {
    onStep: ({ steps }: { steps: number }) => (steps === 5 ? Promise.reject(new Error('cut')) : undefined),
  };
  const options = { checkpoints: { folder, everySteps: 1 }, progress: false } as const;
  await expect(trainer.fit(three, { ...options, epochs: 3, callbacks: [stop] })).rejects.toThrow('cut');
  const again = scripted([]);
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  try {
    await again.trainer.fit(
      [0, 1, 2].flatMap(() => again.batches),
      { ...options, progress: true, epochs: 1, resume: true },
    );
  } finally {
    spy.mockRestore();
  }
  expect(written.join('').replaceAll(folder, 'run')).toBe(
    'nothing to train: run/step-000000004.safetensors is within epoch 2, after step 4, and epochs is 1; ' +
      'pass more epochs to train on, or another folder to begin anew\n',
  );
});

test('that a callback had ended it', async () => {
  const options = { checkpoints: { folder }, resume: true };
  await notes([0.5, 0.1, 0.1], { ...options, callbacks: [watch()] });
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const { lines, history } = await notes([], { ...options, callbacks: [watch()] });
  expect(String(warned.mock.calls[0]?.[0])).toMatch(
    /got a training that a callback ended after epoch 3, .*\n {2}Fix: /,
  );
  warned.mockRestore();
  expect(lines).toEqual(['best validation.score 0.5000 in epoch 1, after step 1']);
  expect(history.stopped?.epoch).toBe(3);
});

test('lines of a callback, and mistakes', async () => {
  const noting = { onEpochEnd: (_: unknown, run: { note?: (line: string) => void }) => run.note?.('half way') };
  const { lines, trainer, history } = await notes([0.5], { epochs: 1, callbacks: [noting] });
  expect(lines).toEqual(['half way']);
  trainer.note('nobody hears it'); // no fit is running
  expect(() => trainer.note(7 as never)).toThrow('Trainer.note: got line: 7, expected a text.');
  expect(() => trainer.stop({ reason: 7 as never })).toThrow('Trainer.stop: got reason: 7, expected a text.');
  expect(() => history.best('loss')).toThrow("Fix: write 'validation.loss', if that is what you mean");
  expect(() => history.best('validation.score')).toThrow(OptionError);
  expect(history.best('train.loss')).toEqual({ value: 0, epoch: 1, step: 1 });
});
