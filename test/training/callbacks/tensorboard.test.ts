import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { FileError, TensorBoard, type FitOptions, type TensorBoardOptions, type TrainingStep } from 'stmnet';
import { scripted } from '../../support/scripted';

const root = scratchFolder('events');

const filesIn = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name));

async function train(board: TensorBoard, options: Partial<FitOptions> = {}): Promise<void> {
  const { trainer, batches } = scripted([0.5, Number.NaN]);
  await trainer.fit(batches, { epochs: 2, progress: false, validation: batches, callbacks: [board], ...options });
}

test('the frame of a record: length, checksums, version', async () => {
  const folder = join(root, 'frame');
  await train(new TensorBoard(folder));
  const [path = ''] = filesIn(folder);
  expect(path).toMatch(/events\.out\.tfevents\.\d+\..*\.\d+\.0$/u);
  const bytes = readFileSync(path);
  // The masked CRC-32C of the length 24 as TensorFlow writes it at the head of each of its event files.
  expect(bytes.subarray(0, 12)).toEqual(Buffer.from([24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]));
  const event = bytes.subarray(12, 12 + Number(bytes.readBigUInt64LE(0)));
  expect(event.subarray(-15).toString('latin1')).toBe('\u001a\u000dbrain.Event:2');
});

test('each training writes a file of its own', async () => {
  const folder = join(root, 'files');
  const board = new TensorBoard(folder);
  await train(board);
  await train(board);
  expect(filesIn(folder)).toHaveLength(2);
});

test('mistakes', async () => {
  const board = new TensorBoard(join(root, 'mistakes'));
  expect(() => board.scalar('', 1, 1)).toThrow('TensorBoard.scalar: got tag: "", expected a string with at least one');
  expect(() => board.scalar('x', '1' as never, 1)).toThrow('TensorBoard.scalar: got "1", expected a number.');
  expect(() => board.histogram('x', 1 as never, 1)).toThrow(
    'TensorBoard.histogram: got 1, expected an array of numbers',
  );
  expect(() => board.text('x', 1 as never, 1)).toThrow('TensorBoard.text: got 1, expected a string.');
  expect(() => board.text('x', 'y', -1)).toThrow(
    'TensorBoard.text: got step: -1, expected a whole number of at least 0',
  );
  expect(() => new TensorBoard('')).toThrow('TensorBoard: got "" as path');
  expect(() => new TensorBoard('x', { everySteps: 0 })).toThrow(
    'TensorBoard: got everySteps: 0, expected a whole number',
  );
  await expect(train(new TensorBoard('/dev/null/run'))).rejects.toThrow(FileError);
});

/** Reads event files by TensorBoard's own reader, and prints them as JSON. */
const READER = `
import json, sys
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util
events = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={'tensors': 0, 'histograms': 0, 'scalars': 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    'scalars': {tag: [[e.step, repr(round(e.value, 6))] for e in events.Scalars(tag)] for tag in tags['scalars']},
    'histograms': {tag: [[e.step, e.histogram_value.min, e.histogram_value.max, e.histogram_value.num,
                          e.histogram_value.sum, e.histogram_value.sum_squares, len(e.histogram_value.bucket),
                          sum(e.histogram_value.bucket)] for e in events.Histograms(tag)]
                   for tag in tags['histograms']},
    'texts': {tag: [[e.step, tensor_util.make_ndarray(e.tensor_proto)[0].decode()] for e in events.Tensors(tag)]
              for tag in tags['tensors']},
}))
`;
import { scratchFolder } from '../../support/scratch';
const python = process.env['STMNET_PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import tensorboard']).status === 0;

interface Events {
  scalars: Record<string, [number, string][]>;
  histograms: Record<string, number[][]>;
  texts: Record<string, [number, string][]>;
}
const read = (folder: string): Events =>
  JSON.parse(spawnSync(python, ['-c', READER, folder], { encoding: 'utf8' }).stdout) as Events;

describe.skipIf(!found)('as TensorBoard reads it (pip install tensorboard; 2.21.0)', () => {
  const run = async (name: string, options: TensorBoardOptions = {}): Promise<Events> => {
    const folder = join(root, name);
    const board = new TensorBoard(folder, options);
    board.text('notes', 'with *Markdown*, äöü', 0);
    board.histogram('numbers', [1, 2, 3, Number.NaN, 4], 7);
    await train(board);
    return read(folder);
  };

  test('scalars, histograms and texts', async () => {
    const { scalars, histograms, texts } = await run('whole', { everySteps: 1, histograms: true });
    expect(scalars['train/loss']).toEqual([
      [1, '0.0'],
      [2, '-1.0'],
    ]);
    expect(scalars['validation/loss']).toEqual([
      [1, '-1.0'],
      [2, '-2.0'],
    ]);
    expect(scalars['validation/score']).toEqual([
      [1, '0.5'],
      [2, 'nan'],
    ]);
    expect(scalars['step/loss']).toEqual(scalars['train/loss']);
    expect(scalars['learningRate']?.[0]).toEqual([1, '1.0']);
    expect(histograms['numbers']).toEqual([[7, 1, 4, 4, 10, 30, 30, 4]]);
    expect(histograms['parameters/weight']).toEqual([
      [1, 1, 1, 1, 1, 1, 1, 1],
      [2, 2, 2, 1, 2, 4, 1, 1],
    ]);
    expect(texts['notes']).toEqual([[0, 'with *Markdown*, äöü']]);
    expect(texts['model']?.[0]?.[1]).toContain('Linear');
  });
  test('each step stands there once, after a training that was killed between two checkpoints', async () => {
    const [first, second] = [join(root, 'killed'), join(root, 'taken-up')];
    const fit = async (folder: string, atStep?: (step: number) => Promise<void>): Promise<void> => {
      const { trainer, batches } = scripted([]);
      const six = Array.from({ length: 6 }, () => batches[0]) as typeof batches;
      const board = new TensorBoard(folder, { everySteps: 1 });
      const killing = { onStep: (_: unknown, { step }: TrainingStep) => atStep?.(step) };
      await trainer.fit(six, {
        epochs: 2,
        progress: false,
        callbacks: [board, killing],
        checkpoints: { folder: join(folder, 'checkpoints'), everySteps: 4 },
        resume: true,
      });
    };
    // What a kill at this moment would leave: of step 5 there is nothing in the file.
    const killedAt = (at: number, from: string, to: string) => async (step: number) => {
      if (step !== at) return;
      const last = `checkpoints/step-${String(4 * Math.floor((at - 1) / 4)).padStart(9, '0')}.safetensors`;
      await vi.waitFor(() => expect(existsSync(join(from, last))).toBe(true));
      cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('lock') });
      throw new Error('killed');
    };
    await expect(fit(first, killedAt(5, first, second))).rejects.toThrow('killed');
    const third = join(root, 'taken-up-again');
    await expect(fit(second, killedAt(11, second, third))).rejects.toThrow('killed'); // behind the epoch that ends at 6
    await fit(third);
    const { scalars } = read(third);
    expect(scalars['step/loss']).toEqual(
      Array.from({ length: 12 }, (_, step) => [step + 1, step === 0 ? '0.0' : `-${step}.0`]),
    );
    expect(scalars['train/loss']?.map(([step]) => step)).toEqual([6, 12]);
  });
  test('a training that is taken up voids what came after its checkpoint', async () => {
    const folder = join(root, 'resumed');
    await train(new TensorBoard(folder));
    const { trainer } = scripted([]);
    const board = new TensorBoard(folder);
    await board.onStart(trainer);
    await board.loadState({ data: { step: 1 } });
    board.scalar('train/loss', 9, 2);
    await board.flush();
    expect(read(folder).scalars['train/loss']).toEqual([
      [1, '0.0'],
      [2, '9.0'],
    ]);
  });
});
