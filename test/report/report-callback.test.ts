import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Linear, MSELoss, OptionError, SGD, Trainer, zeros, type TrainerCallback } from 'stmnet';
import { ReportCallback } from 'stmnet/tasks';
import { expect, test } from 'vitest';
import { putFile } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('report-callback', (own) => (folder = own));

/** Trains three epochs, and keeps history.json, and the page as it was before each epoch's record. */
async function trained(callback: ReportCallback, ...more: TrainerCallback[]): Promise<string[]> {
  const pages: string[] = [];
  const read = (): string => readFileSync(join(folder, 'report.html'), 'utf8');
  const writer: TrainerCallback = {
    onEpochEnd(_, { history }) {
      pages.push(read());
      putFile(folder, 'history.json', history);
    },
  };
  const model = new Linear({ inFeatures: 2, outFeatures: 1 });
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const trainer = new Trainer({ model, optimizer, loss: new MSELoss() });
  const batches = [{ input: zeros([4, 2]), target: zeros([4, 1]) }];
  const run = trainer.fit(batches, { epochs: 3, progress: false, callbacks: [writer, callback, ...more] });
  await run.catch(() => undefined);
  return [...pages, read()];
}

const told = (page: string): string => /class="state[^"]*">([^<]*)</u.exec(page)?.[1] ?? '';

test('the page is there from the beginning, goes on with the epochs, and says when it is done', async () => {
  putFile(folder, 'config.json', { training: { epochs: 3 } });
  const pages = await trained(new ReportCallback(folder, { everySeconds: 0 }));
  expect(pages.map(told)).toEqual([
    'Running: 0 of 3 epochs',
    'Running: 1 of 3 epochs',
    'Running: 2 of 3 epochs',
    'Finished: 3 epochs',
  ]);
});

test('between two pages there is time, but for the first epoch and the last page', async () => {
  putFile(folder, 'config.json', { training: { epochs: 3 } });
  const pages = await trained(new ReportCallback(folder, { everySeconds: 60 }));
  expect(pages.map(told)).toEqual([
    'Running: 0 of 3 epochs',
    'Running: 1 of 3 epochs',
    'Running: 1 of 3 epochs',
    'Finished: 3 epochs',
  ]);
});

test('a training that an error ends is not shown as running', async () => {
  putFile(folder, 'config.json', { training: { epochs: 3 } });
  const failing: TrainerCallback = {
    onEpochEnd({ epoch }) {
      if (epoch === 2) throw new Error('the disk is full');
    },
  };
  const pages = await trained(new ReportCallback(folder, { everySeconds: 0 }), failing);
  expect(told(pages.at(-1) ?? '')).toBe('Ended after 2 of 3 epochs');
});

test('odd options are refused', () => {
  expect(() => new ReportCallback(folder, { everySeconds: -1 })).toThrow(OptionError);
  expect(() => new ReportCallback('')).toThrow("call new ReportCallback('run')");
});
