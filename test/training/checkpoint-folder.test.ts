import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MSELoss, SGD, Trainer } from 'stmnet';
import { runScript } from '../support/child';
import { unit } from '../support/trainers';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('checkpoint-folder', (path) => (folder = path));

const names = async (): Promise<string[]> => (await readdir(folder)).sort();
const stepFile = (step: number): string => `step-${String(step).padStart(9, '0')}.safetensors`;

test('where the disk is full, an older checkpoint makes room for the newest', () => {
  // There is room for two files: the one that is there, and the one that is written.
  const child = runScript(`
    const promises = require('node:fs/promises');
    const { readdirSync } = require('node:fs');
    const folder = ${JSON.stringify(folder)};
    const stored = () => readdirSync(folder).filter((name) => name.startsWith('step-'));
    const { Linear, MSELoss, SGD, Trainer, tensor } = require('stmnet');
    promises.open(process.execPath).then(async (handle) => {
      const file = Object.getPrototypeOf(handle);
      await handle.close();
      const { write } = file;
      let refused = 0;
      file.write = async function (...args) {
        if (stored().length < 2) return Reflect.apply(write, this, args);
        refused++;
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
      };
      const model = new Linear({ inFeatures: 1, outFeatures: 1 });
      const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
      const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
      const batches = [{ input: tensor([[1]]), target: tensor([[2]]) }];
      await trainer.fit(batches, { epochs: 6, progress: false, checkpoints: { folder } });
      console.log(JSON.stringify([refused, stored()]));
    });`);
  expect(child.stderr).toBe('');
  expect(JSON.parse(child.stdout)).toEqual([4, [5, 6].map(stepFile)]);
});

test('a damaged checkpoint is put aside, with a warning, for the one before it', async () => {
  const { model, batches } = unit(1);
  const make = (): Trainer =>
    new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters(), { learningRate: 0.01 }) });
  await make().fit(batches, { epochs: 3, progress: false, checkpoints: { folder, keep: 3 } });
  for (const step of [4, 6]) {
    const bytes = await readFile(join(folder, stepFile(step)));
    bytes[bytes.length - 3]! ^= 4;
    await writeFile(join(folder, stepFile(step)), bytes);
  }
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const trainer = make();
  const seen: number[] = [];
  const callbacks = [{ onStart: ({ steps }: { steps: number }) => void seen.push(steps) }];
  await trainer.fit(batches, { epochs: 3, progress: false, checkpoints: { folder }, resume: true, callbacks });
  process.off('warning', note);
  expect([seen, trainer.steps]).toEqual([[2], 6]);
  expect(await names()).toEqual([4, 6].flatMap((step) => [stepFile(step), `${stepFile(step)}.damaged`]).sort());
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      `Trainer.fit: ${join(folder, stepFile(6))}, ${join(folder, stepFile(4))} are damaged (Trainer.fit: got bytes`,
    ),
  ]);
  expect(warnings[0]?.message).toContain(`the training goes on from ${join(folder, stepFile(2))}.`);
  for (const step of [4, 6]) await writeFile(join(folder, stepFile(step)), 'nothing');
  await expect(
    make().fit(batches, { epochs: 3, progress: false, checkpoints: { folder }, resume: true }),
  ).rejects.toThrow('Trainer.fit: got nothing but damaged ones (');
});
