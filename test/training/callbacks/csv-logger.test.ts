import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CsvLogger, FileError, FormatError, type FitOptions } from 'stmnet';
import { scripted } from '../../support/scripted';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('csv');

const HEADER =
  'epoch,step,train.loss,train.score,validation.loss,validation.score,learningRate,gradientNorm,seconds,' +
  'examplesPerSecond';

/** The rows without times. */
const rowsOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(1, -1)
    .map((row) => row.split(',').slice(0, 7).join(','));

async function train(logger: CsvLogger, values: readonly number[], options: Partial<FitOptions> = {}): Promise<void> {
  const { trainer, batches } = scripted(values);
  await trainer.fit(batches, {
    epochs: values.length,
    progress: false,
    validation: batches,
    callbacks: [logger],
    ...options,
  });
}

test('a line an epoch with all figures, NaN included, in a folder that is made', async () => {
  const path = join(folder, 'new', 'folder', 'history.csv');
  const logger = new CsvLogger(path);
  for (let time = 0; time < 2; time++) {
    await train(logger, [Number.NaN, 0.5]); // the second time in place of the first
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(HEADER);
    expect(rowsOf(path)).toEqual(['1,1,0,0,-1,NaN,1', '2,2,-1,0,-2,0.5,1']);
    expect(readFileSync(path, 'utf8')).toMatch(/,1,,[\d.e-]+,[\d.e+]+\n$/u);
  }
});

test('a line of its own for a validation within an epoch', async () => {
  const path = join(folder, 'within.csv');
  const { trainer, batches } = scripted([]);
  await trainer.fit([...batches, ...batches, ...batches], {
    epochs: 1,
    progress: false,
    validation: batches,
    validateEvery: 2,
    callbacks: [new CsvLogger(path)],
  });
  expect(rowsOf(path)).toEqual(['1,2,,,-2,NaN,', '1,3,-1,NaN,-3,NaN,1']);
});

test('append goes on behind what is there', async () => {
  const path = join(folder, 'append.csv');
  await train(new CsvLogger(path), [1]);
  writeFileSync(path, '1,2,cut off', { flag: 'a' }); // as by a process that was killed
  await train(new CsvLogger(path, { append: true }), [2, 3]);
  expect(rowsOf(path)).toEqual(['1,1,0,0,-1,1,1', '1,1,0,0,-1,2,1', '2,2,-1,0,-2,3,1']);
  writeFileSync(path, 'epoch,loss\n1,2\n');
  const failed = train(new CsvLogger(path, { append: true }), [1]);
  await expect(failed).rejects.toThrow(FormatError);
  await expect(failed).rejects.toThrow(`CsvLogger: got ${path} with the columns epoch,loss, expected ${HEADER}.`);
  expect(readFileSync(path, 'utf8')).toBe('epoch,loss\n1,2\n');
});

test('a training that is taken up goes on behind the lines of its checkpoint', async () => {
  const path = join(folder, 'resumed.csv');
  await train(new CsvLogger(path), [1, 2, 3]);
  const { trainer } = scripted([]);
  Object.defineProperty(trainer, 'figures', {
    value: ['train.loss', 'train.score', 'validation.loss', 'validation.score'],
  });
  const logger = new CsvLogger(path);
  await logger.onStart(trainer);
  await logger.loadState({ data: { lines: 1 } });
  expect(rowsOf(path)).toEqual(['1,1,0,0,-1,1,1']);
  await logger.onValidation({ epoch: 2, step: 2, validation: { loss: 7, score: 8 } });
  expect(rowsOf(path)).toEqual(['1,1,0,0,-1,1,1', '2,2,,,7,8,']);
  expect(logger.state()).toEqual({ data: { lines: 2 } });
});

test('a path that cannot be a file', async () => {
  await expect(train(new CsvLogger(folder), [1])).rejects.toThrow(
    `CsvLogger: got ${folder}, of which the system says EISDIR, expected a file that it can write.`,
  );
  await expect(train(new CsvLogger('/dev/null/history.csv'), [1])).rejects.toThrow(FileError);
  expect(() => new CsvLogger('')).toThrow('CsvLogger: got "" as path, expected the name of a file, a string.');
});
